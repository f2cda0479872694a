"""What a picture shows: an architecture as panels and bars, plain data without coordinates."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

# what flows for one example: (channels, *grid)
Shape: TypeAlias = tuple[int, ...]
Role = Literal["generated", "shared", "own", "fixed", "plain"]


class Place(NamedTuple):
    """The scope an item belongs to: what it is called in the picture, and its path."""

    name: str
    path: str


@dataclass(frozen=True)
class Layer:
    """One layer that is active; ``role`` tells where its weights come from, "plain" that it has none."""

    text: str
    role: Role
    shape: Shape
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Fork:
    """Parallel paths and how they meet."""

    join: str
    paths: tuple[Label, ...]
    shape: Shape
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Read:
    """Where the read number ``index`` of an op enters the op's label."""

    index: int


@dataclass(frozen=True)
class Access:
    """Banks that an op reads or writes at once, and how they join."""

    banks: tuple[int, ...]
    join: str


@dataclass(frozen=True)
class Op:
    """One use of an op: what it reads, what it does, what it writes."""

    name: str
    reads: tuple[Access, ...]
    label: Label
    writes: tuple[Access, ...]


@dataclass(frozen=True)
class Panel:
    """One use of a block or cell.

    ``filled``: how many banks hold what enters; ``leaving``: the banks that leave.
    """

    kind: str
    bank: int
    banks: int
    filled: int
    ops: tuple[Op, ...]
    leaving: tuple[int, ...]
    shape: Shape
    place: Place = field(compare=False)


Item: TypeAlias = Layer | Fork | Read | Panel
Label: TypeAlias = tuple[Item, ...]


@dataclass(frozen=True)
class Bar:
    """Layers between panels that belong to one scope."""

    label: Label
    shape: Shape
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Part:
    """A panel or bar that occurs ``times`` in a row.

    ``inside``: the path of what contains the panel, when it is no stage of the network but a step within one.
    """

    what: Panel | Bar
    times: int = 1
    inside: str | None = None


@dataclass(frozen=True)
class Scene:
    """A whole network, from its input to its output."""

    space: str
    source: Shape
    parts: tuple[Part, ...]
    params: int
    flops: int


def parts(trunk: Label) -> tuple[Part, ...]:
    """Return what a network does in sequence as parts; equal ones in a row become one.

    Panels within a fork or an op follow the part that contains them.
    """
    whole: list[Panel | Bar] = []
    for _, run in groupby(trunk, key=_place):
        whole += _bars(tuple(run))
    found: list[Part] = []
    for what in whole:
        if found and found[-1].what == what:
            found[-1] = Part(found[-1].what, found[-1].times + 1)
        else:
            found.append(Part(what))
    return tuple(part for outer in found for part in (outer, *_within(outer.what)))


def _place(item: Item) -> Place:
    return Place("", "") if isinstance(item, Read) else item.place


def _bars(run: Label) -> list[Panel | Bar]:
    """Return the parts of items of one place."""
    found: list[Panel | Bar] = []
    for is_panel, items in groupby(run, key=lambda item: isinstance(item, Panel)):
        if is_panel:
            found += [item for item in items if isinstance(item, Panel)]
            continue
        label = tuple(items)
        last = label[-1]
        assert isinstance(last, Layer | Fork)
        found.append(Bar(label, last.shape, last.place))
    return found


def _within(what: Panel | Bar) -> list[Part]:
    path = what.place.path
    labels = [(path, what.label)] if isinstance(what, Bar) else [(f"{path}.{op.name}", op.label) for op in what.ops]
    found = []
    for path, label in labels:
        for panel in _nested(label):
            found += [Part(panel, inside=path), *_within(panel)]
    return found


def _nested(label: Label) -> list[Panel]:
    found: list[Panel] = []
    for item in label:
        if isinstance(item, Panel):
            found.append(item)
        elif isinstance(item, Fork):
            for path in item.paths:
                found += _nested(path)
    return found
