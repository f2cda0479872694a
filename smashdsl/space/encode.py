"""Architectures to conditioning tensors, many at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from smashdsl.lang.program import templates as p
from smashdsl.ops import Flow
from smashdsl.space import subsets
from smashdsl.space.frame import BankState, Frame, Stream, take
from smashdsl.space.layout import Field, Layout
from smashdsl.space.observer import Observer, rows_of
from smashdsl.space.sites import Site
from smashdsl.space.subsets import Ints

Bits = np.ndarray[Any, np.dtype[np.bool_]]


class Encoder(Observer):
    """Places slices and sets bits while the machine walks; `finish` then hands them over for assembly."""

    def __init__(self, layout: Layout, batch: int) -> None:
        self.layout = layout
        self.batch = batch
        self.next = np.zeros(batch, np.int64)
        self.headers: list[Ints] = []
        self.bits: list[tuple[Ints, Any, Ints]] = []
        self.pieces: list[tuple[Ints, Ints, Ints, Ints]] = []  # architecture, slice, slice of its header, rows on
        self.template = {name: i for i, name in enumerate(layout.templates)}
        self.region = {name: i for i, name in enumerate(layout.regions)}

    # -- what the machine tells -----------------------------------------------------------------

    def enter(self, frame: Frame, template: str, kind: str) -> None:
        here = np.zeros(self.batch, np.int64)
        here[frame.rows] = self.next[frame.rows]
        self.next[frame.rows] += 1
        self.headers.append(here)
        position = here[frame.rows]
        self.bits.append((frame.rows, self.layout.fields["header"].start, position))
        self._code(frame.rows, self.layout.fields["template"], self.template[template], position)
        if frame.region in self.region:
            self._code(frame.rows, self.layout.fields["region"], self.region[frame.region], position)

    def leave(self, frame: Frame) -> None:
        self.headers.pop()

    def decided(self, frame: Frame, site: Site, codes: Ints) -> None:
        field = self.layout.fields[site.decision.template]
        position = self.headers[-1][frame.rows]
        if field.coding == "multi-hot":
            for bank in range(field.width):
                held = codes >> bank & 1 == 1
                if held.any():
                    self.bits.append((frame.rows[held], field.start + bank, position[held]))
        else:
            self._code(frame.rows, field, codes, position)

    def layer(self, frame: Frame, node: p.Layer, source: Stream, args: dict[str, Any], flow: Flow) -> Any:
        if node.weights == "generated" and not frame.counted:
            self._generated(frame, node, source, args)
        # a layer that keeps channels apart keeps it known which bank they came from
        return None if node.op.weighted or node.op.mixes else source.ref

    def read(self, frame: Frame, node: p.Read, state: BankState, masks: Ints, flow: Flow) -> Any:
        if node.join != "concat" and node.through is None:
            return None
        return frame.spread(np.asarray(masks), self.batch)

    def merge(self, parts: list[tuple[Ints, Any]]) -> Any:
        merged = np.zeros(self.batch, np.int64)
        for rows, ref in parts:
            if ref is not None:
                merged[rows] = ref[rows]
        return merged if merged.any() else None

    def _code(self, rows: Ints, field: Field, codes: Any, position: Ints) -> None:
        if field.coding == "one-hot":
            self.bits.append((rows, field.start + codes, position))
            return
        self.bits.append((rows, field.start, position))
        codes = rows_of(codes, len(rows))
        for digit in range(field.width - 1):
            on = codes >> digit & 1 == 1
            self.bits.append((rows[on], field.start + 1 + digit, position[on]))

    def _generated(self, frame: Frame, node: p.Layer, source: Stream, args: dict[str, Any]) -> None:
        """Place a weight slice for each piece of a generated weight, behind the header that it belongs to."""
        shape = node.op.weights(source.flow, args)["weight"].shape
        rows, layout = frame.rows, self.layout
        count = -(-np.asarray(rows_of(shape[1], len(rows))) // layout.tile.unit_in)
        on = -(-np.asarray(rows_of(shape[0], len(rows))) // layout.tile.unit_out)
        nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        arch = np.repeat(rows, count)
        position = np.repeat(self.next[rows], count) + nth
        self.next[rows] += count
        self.pieces.append((arch, position, np.repeat(self.headers[-1][rows], count), np.repeat(on, count)))
        self.bits.append((arch, layout.fields["weight"].start, position))
        self._code(arch, layout.fields["template"], self.template[node.template], position)
        if frame.region in self.region:
            self._code(arch, layout.fields["region"], self.region[frame.region], position)
        piece = layout.fields["piece"]
        for digit in range(piece.width):
            set_ = (nth + 1) >> digit & 1 == 1
            self.bits.append((arch[set_], piece.start + digit, position[set_]))
        if source.ref is not None:
            whole = np.asarray(rows_of(shape[1] == source.flow.channels, len(rows)))
            self._banks(arch, position, nth, np.repeat(np.where(whole, source.ref[rows], 0), count), frame)

    def _banks(self, arch: Ints, position: Ints, nth: Ints, read: Ints, frame: Frame) -> None:
        """Set the banks whose channels a piece takes in: those whose rank in the set read lies in its range."""
        field, unit = self.layout.fields["bank"], self.layout.tile.unit_in
        bank = take(frame.env["bank"], arch)
        low, high = nth * unit // bank, ((nth + 1) * unit - 1) // bank
        for index in range(field.width):
            rank = subsets.popcount(read & ((1 << index) - 1))
            held = (read >> index & 1 == 1) & (rank >= low) & (rank <= high)
            self.bits.append((arch[held], field.start + index, position[held]))

    def finish(self) -> Assembly:
        """Return what was placed, ordered by architecture."""
        return Assembly(self.layout, self.next, self.bits, self.pieces)


class Assembly:
    """Slices and bits of a batch, from which the tensors of any run of architectures are put together."""

    def __init__(self, layout: Layout, ends: Ints, bits: list[Any], pieces: list[Any]) -> None:
        self.layout = layout
        self.ends = ends
        whole = [(rows, np.broadcast_to(feature, len(rows)), position) for rows, feature, position in bits]
        self.bits = _by_architecture(whole, 3)
        self.pieces = _by_architecture(pieces, 4)

    def tensor(self, low: int = 0, high: int | None = None) -> Bits:
        """Return the conditioning tensors of architectures ``low`` up to ``high``.

        c: (high - low, features, rows, slices), slices off behind an architecture's end.
        """
        layout = self.layout
        high = len(self.ends) if high is None else high
        ends = self.ends[low:high]
        slices = int(ends.max(initial=0))
        flat = np.zeros((high - low, slices, layout.features), bool)
        arch, feature, position = _between(self.bits, low, high)
        flat[arch - low, position, feature] = True
        on = np.where(np.arange(slices) < ends[:, None], layout.rows, 0)
        arch, position, parent, rows_on = _between(self.pieces, low, high)
        # weight slices repeat the decisions of the op they belong to, where the HyperNet sees them
        flat[arch - low, position, layout.decisions :] = flat[arch - low, parent, layout.decisions :]
        on[arch - low, position] = rows_on
        features = np.ascontiguousarray(flat.transpose(0, 2, 1)).view(np.uint8)
        rows = (np.arange(layout.rows)[:, None] < on[:, None, :]).view(np.uint8)
        tensor = np.empty((high - low, layout.features, layout.rows, slices), np.uint8)
        for i in range(high - low):
            # bytes, not bools: numpy's `and` of bytes runs ten times faster
            np.bitwise_and(features[i][:, None, :], rows[i], out=tensor[i])
        return tensor.view(bool)


def _by_architecture(parts: list[Any], width: int) -> tuple[Ints, ...]:
    """Return columns of records, sorted by the first."""
    if not parts:
        return tuple(np.empty(0, np.int64) for _ in range(width))
    columns = [np.concatenate([part[i] for part in parts]) for i in range(width)]
    order = np.argsort(columns[0], kind="stable")
    return tuple(column[order] for column in columns)


def _between(columns: tuple[Ints, ...], low: int, high: int) -> tuple[Ints, ...]:
    start, stop = np.searchsorted(columns[0], (low, high))
    return tuple(column[start:stop] for column in columns)
