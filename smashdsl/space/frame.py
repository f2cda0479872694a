"""What the machine holds while it walks a program for many architectures at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from smashdsl.lang.text.source import Span
from smashdsl.ops import Flow
from smashdsl.space import subsets
from smashdsl.space.subsets import Ints

# the reference to what flows for some rows, out of references for parts of them
Joined: TypeAlias = Callable[[list[tuple[Ints, Any]]], Any]


class Stream(NamedTuple):
    """What flows, with sizes equal for all rows as integers and others as arrays, one size per row.

    ``ref`` is whatever the observer made of it.
    """

    flow: Flow
    ref: Any = None


@dataclass
class BankState:
    """The banks of one cell use: bit sets over all rows of the batch, and what the observer made of each bank.

    ``span``: what says which banks leave, for messages. ``entry``: what fills the first banks. ``grids``: the grid of
    each bank where they may differ, (batch, banks, axes), else None.
    """

    written: Ints
    last: Ints
    span: Span
    entry: Flow
    grids: Ints | None = None
    refs: dict[int, Any] = field(default_factory=dict)

    def flow(self, frame: Frame, masks: Ints, channels: Any) -> Flow:
        """Return what flows out of sets of banks that share a grid; masks: (rows,)."""
        if self.grids is None:
            return self.entry._replace(channels=channels, grid=take(frame.env["entry_grid"], frame.rows))
        first = subsets.popcount((masks & -masks) - 1)
        sizes = self.grids[frame.rows, first]
        return self.entry._replace(channels=channels, grid=tuple(one(axis) for axis in sizes.T))

    def reshape(self, frame: Frame, masks: Ints, flow: Flow) -> None:
        """Note the grid of what is written to sets of banks; masks: (rows,)."""
        if self.grids is None:
            return
        for bank in range(self.grids.shape[1]):
            held = masks >> bank & 1 == 1
            for axis, size in enumerate(take(flow.grid, np.flatnonzero(held))):
                self.grids[frame.rows[held], bank, axis] = size


@dataclass(frozen=True)
class Frame:
    """Where the machine is.

    ``rows``: the architectures that get here, ascending; ``env``: names to values that are one for all rows, or arrays
    over the whole batch. ``sites`` and ``path`` prefix decisions and weights; ``homes`` holds both for the scopes
    around, by template. ``region``: the block instance or cell use whose shared weights are used.
    """

    rows: Ints
    env: Mapping[str, Any]
    sites: str = ""
    path: str = ""
    region: str = ""
    homes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    banks: BankState | None = None
    decided: bool = False  # decisions here were made at an earlier use
    counted: bool = False  # weights here are those of an earlier use

    def at(self, name: str, template: str) -> Frame:
        """Return the frame inside a scope."""
        sites, path = f"{self.sites}{name}.", f"{self.path}{name}."
        return replace(self, sites=sites, path=path, homes={**self.homes, template: (sites, path)})

    def only(self, rows: Ints) -> Frame:
        return replace(self, rows=rows)

    def bind(self, batch: int, **values: Any) -> Frame:
        """Bind names to values of these rows."""
        return replace(self, env={**self.env, **{name: self.spread(v, batch) for name, v in values.items()}})

    def spread(self, value: Any, batch: int) -> Any:
        """Return a value of these rows as one over the whole batch."""
        if isinstance(value, tuple):
            return tuple(self.spread(item, batch) for item in value)
        if not isinstance(value, np.ndarray):
            return value
        whole = np.zeros(batch, value.dtype)
        whole[self.rows] = value
        return whole


class View(Mapping[str, Any]):
    """Names as expressions see them: values of a frame's rows; ``local`` ones come first."""

    def __init__(self, frame: Frame, local: Mapping[str, Any]) -> None:
        self.frame = frame
        self.local = local

    def __getitem__(self, name: str) -> Any:
        return self.local[name] if name in self.local else take(self.frame.env[name], self.frame.rows)

    def __contains__(self, name: object) -> bool:
        return name in self.local or name in self.frame.env

    def __iter__(self) -> Iterator[str]:
        return iter({*self.local, *self.frame.env})

    def __len__(self) -> int:
        return len({*self.local, *self.frame.env})


def arriving(stream: Stream | None) -> dict[str, Any]:
    """Return the names that speak of what arrives at a point."""
    return {} if stream is None else {"channels": stream.flow.channels}


def take(value: Any, index: Ints) -> Any:
    """Return a value at some positions; what is one for all stays as it is."""
    if isinstance(value, tuple):
        return tuple(take(item, index) for item in value)
    return value[index] if isinstance(value, np.ndarray) else value


def narrow(frame: Frame, stream: Stream | None, rows: Ints) -> Stream | None:
    """Return what flows for some of a frame's rows."""
    if stream is None or len(rows) == len(frame.rows):
        return stream
    index = np.searchsorted(frame.rows, rows)
    return Stream(Flow(*take(tuple(stream.flow), index)), stream.ref)


def merge(frame: Frame, parts: list[tuple[Ints, Stream | None]], joined: Joined) -> Stream | None:
    """Return what flows for all rows of a frame out of what flows for parts of them.

    ``joined`` makes one reference out of those of the parts. What meets is of one kind: `check` has excluded the rest.
    """
    parts = [(rows, stream) for rows, stream in parts if len(rows)]
    if len(parts) == 1:
        return parts[0][1]
    streams = [stream for _, stream in parts if stream is not None]
    if not streams:
        return None
    index = [np.searchsorted(frame.rows, rows) for rows, _ in parts]
    channels = _merged([s.flow.channels for s in streams], index, len(frame.rows))
    axes = zip(*(s.flow.grid for s in streams), strict=True)
    grid = tuple(_merged(list(sizes), index, len(frame.rows)) for sizes in axes)
    flow = streams[0].flow._replace(channels=channels, grid=grid)
    return Stream(flow, joined([(rows, s.ref) for rows, s in parts if s is not None]))


def gather(join: str, frame: Frame, parts: list[tuple[Ints, Stream]]) -> Flow:
    """Return what flows for a frame's rows, each of which has some of the parts, joined."""
    whole: Ints = np.zeros(len(frame.rows), np.int64)
    grid = [np.zeros(len(frame.rows), np.int64) for _ in parts[0][1].flow.grid]
    for rows, stream in parts:
        at = np.searchsorted(frame.rows, rows)
        whole[at] = whole[at] + stream.flow.channels if join == "concat" else stream.flow.channels
        for axis, size in zip(grid, stream.flow.grid, strict=True):
            axis[at] = size
    return parts[0][1].flow._replace(channels=one(whole), grid=tuple(one(axis) for axis in grid))


def _merged(values: list[Any], index: list[Ints], length: int) -> Any:
    if all(not isinstance(v, np.ndarray) for v in values) and len(set(values)) == 1:
        return values[0]
    whole = np.zeros(length, np.int64)
    for value, at in zip(values, index, strict=True):
        whole[at] = value
    return whole


def partition(
    frame: Frame, codes: Ints, follow: Callable[[Frame, int], Stream | None], joined: Joined
) -> Stream | None:
    """Follow each code with the rows that have it, and merge what comes out."""
    if len(codes) == 1:
        return follow(frame, int(codes[0]))
    parts = []
    for code in np.unique(codes):
        rows = frame.rows[codes == code]
        parts.append((rows, follow(frame.only(rows), int(code))))
    return merge(frame, parts, joined)


def one(value: Any) -> Any:
    """Return an array of one row as a plain number."""
    if isinstance(value, tuple):
        return tuple(one(item) for item in value)
    return value[0].item() if isinstance(value, np.ndarray) and len(value) == 1 else value
