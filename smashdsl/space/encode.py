"""Architectures to conditioning tensors, many at once."""

from __future__ import annotations

from math import prod
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


SLICE_BITS = 24  # of the number that says where a bit stands: more slices than an architecture can have


class Encoder(Observer):
    """Places slices and sets bits while the machine walks; `finish` then hands them over for assembly.

    A bit is one number: ``(architecture * 2**SLICE_BITS + slice) * features + feature``.
    """

    def __init__(self, layout: Layout, batch: int) -> None:
        self.layout = layout
        self.batch = batch
        self.next = np.zeros(batch, np.int64)
        self.headers: list[Ints] = []
        self.bits: list[Ints] = []
        self.pieces: list[tuple[Ints, Ints, Ints, Ints]] = []  # architecture, slice, slice of its header, rows on
        self.template = {name: i for i, name in enumerate(layout.templates)}
        self.region = {name: i for i, name in enumerate(layout.regions)}

    # -- what the machine tells -----------------------------------------------------------------

    def enter(self, frame: Frame, template: str, kind: str) -> None:
        here = np.zeros(self.batch, np.int64)
        here[frame.rows] = self.next[frame.rows]
        self.next[frame.rows] += 1
        self.headers.append(here)
        at = self._at(frame.rows, here[frame.rows])
        self.bits.append(at + self.layout.fields["header"].start)
        self._code(at, self.layout.fields["template"], self.template[template])
        if frame.region in self.region:
            self._code(at, self.layout.fields["region"], self.region[frame.region])

    def leave(self, frame: Frame) -> None:
        self.headers.pop()

    def decided(self, frame: Frame, site: Site, codes: Ints) -> None:
        field = self.layout.fields[site.decision.template]
        at = self._at(frame.rows, self.headers[-1][frame.rows])
        if field.coding == "multi-hot":
            for bank in range(field.width):
                held = codes >> bank & 1 == 1
                if held.any():
                    self.bits.append(at[held] + (field.start + bank))
        else:
            self._code(at, field, codes)

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

    def _at(self, arch: Ints, position: Ints) -> Ints:
        """Return where the features of slices start."""
        return ((arch << SLICE_BITS) + position) * self.layout.features

    def _code(self, at: Ints, field: Field, codes: Any) -> None:
        if field.coding == "one-hot":
            self.bits.append(at + (field.start + codes))
            return
        self.bits.append(at + field.start)
        codes = rows_of(codes, len(at))
        for digit in range(field.width - 1):
            self.bits.append(at[codes >> digit & 1 == 1] + (field.start + 1 + digit))

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
        at = self._at(arch, position)
        self.bits.append(at + layout.fields["weight"].start)
        self._code(at, layout.fields["template"], self.template[node.template])
        if frame.region in self.region:
            self._code(at, layout.fields["region"], self.region[frame.region])
        piece = layout.fields["piece"]
        for digit in range(piece.width):
            self.bits.append(at[(nth + 1) >> digit & 1 == 1] + (piece.start + digit))
        if source.ref is not None:
            whole = np.asarray(rows_of(shape[1] == source.flow.channels, len(rows)))
            self._banks(arch, at, nth, np.repeat(np.where(whole, source.ref[rows], 0), count), frame)

    def _banks(self, arch: Ints, at: Ints, nth: Ints, read: Ints, frame: Frame) -> None:
        """Set the banks whose channels a piece takes in: those whose rank in the set read lies in its range."""
        field, unit = self.layout.fields["bank"], self.layout.tile.unit_in
        bank = take(frame.env["bank"], arch)
        low, high = nth * unit // bank, ((nth + 1) * unit - 1) // bank
        for index in range(field.width):
            rank = subsets.popcount(read & ((1 << index) - 1))
            held = (read >> index & 1 == 1) & (rank >= low) & (rank <= high)
            self.bits.append(at[held] + (field.start + index))

    def finish(self) -> Assembly:
        """Return what was placed."""
        return Assembly(self.layout, self.next, self.bits, self.pieces)


class Assembly:
    """Slices and bits of a batch, from which the tensors of any run of architectures are put together."""

    def __init__(self, layout: Layout, ends: Ints, bits: list[Ints], pieces: list[Any]) -> None:
        self.layout = layout
        self.ends = ends
        self.bits: Ints = np.concatenate(bits) if bits else np.empty(0, np.int64)
        self.pieces = tuple(np.concatenate([part[i] for part in pieces]) if pieces else self.bits[:0] for i in range(4))
        self.starts: tuple[Ints, Ints] | None = None  # of each architecture's, once they are ordered

    @property
    def nbytes(self) -> int:
        """Memory that the bits and slices take, in bytes."""
        return self.bits.nbytes + 4 * self.pieces[0].nbytes

    def tensor(self, low: int = 0, high: int | None = None, slices: int | None = None, out: Bits | None = None) -> Bits:
        """Return the conditioning tensors of architectures ``low`` up to ``high``, in memory of ``out`` where given.

        c: (high - low, features, rows, slices), slices off behind an architecture's end; ``slices`` is at least as many
        as the longest has, by default just as many. out: as many bytes as that, or more.
        """
        layout = self.layout
        high = len(self.ends) if high is None else high
        ends = self.ends[low:high]
        slices = int(ends.max(initial=0)) if slices is None else slices
        bits, (arch, position, parent, rows_on) = self._between(low, high)
        flat = np.zeros((high - low, slices, layout.features), bool)
        row = bits // (layout.features << SLICE_BITS)
        # a bit's number counts 2**SLICE_BITS slices for each architecture; here there are fewer
        flat.reshape(-1)[
            bits - row * ((1 << SLICE_BITS) - slices) * layout.features - low * slices * layout.features
        ] = True
        on = np.where(np.arange(slices) < ends[:, None], layout.rows, 0)
        arch = arch - low
        # weight slices repeat the decisions of the op they belong to, where the HyperNet sees them
        flat[arch, position, layout.decisions :] = flat[arch, parent, layout.decisions :]
        on[arch, position] = rows_on
        features = np.ascontiguousarray(flat.transpose(0, 2, 1)).view(np.uint8)
        rows = (np.arange(layout.rows)[:, None] < on[:, None, :]).view(np.uint8)
        shape = (high - low, layout.features, layout.rows, slices)
        memory = np.empty(prod(shape), np.uint8) if out is None else out.reshape(-1)[: prod(shape)].view(np.uint8)
        # bytes, not bools: numpy's `and` of bytes runs ten times faster
        return np.bitwise_and(features[:, :, None, :], rows[:, None], out=memory.reshape(shape)).view(bool)

    def _between(self, low: int, high: int) -> tuple[Ints, tuple[Ints, ...]]:
        """Return bits and pieces of some architectures."""
        count = len(self.ends)
        if (low, high) == (0, count):
            return self.bits, self.pieces
        if self.starts is None:
            arch = self.bits // (self.layout.features << SLICE_BITS)
            self.bits = self.bits[_order(arch, count)]
            order = _order(self.pieces[0], count)
            self.starts = _starts(arch, count), _starts(self.pieces[0], count)
            self.pieces = tuple(column[order] for column in self.pieces)
        (start, stop), (first, last) = (starts[[low, high]] for starts in self.starts)
        return self.bits[start:stop], tuple(column[first:last] for column in self.pieces)


def _starts(arch: Ints, count: int) -> Ints:
    """Return where each architecture starts among records that are ordered by it."""
    return np.concatenate(([0], np.cumsum(np.bincount(arch, minlength=count))))


def _order(arch: Ints, batch: int) -> Ints:
    """Return the order that sorts numbers of architectures."""
    # numpy sorts numbers of 16 bits by their digits
    return np.argsort(arch.astype(np.uint16) if batch <= 2**16 else arch, kind="stable")
