"""Architectures to conditioning tensors, many at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from smashdsl.lang import program as p
from smashdsl.ops import Flow
from smashdsl.space import subsets
from smashdsl.space.frame import BankState, Frame, Stream
from smashdsl.space.layout import Field, Layout
from smashdsl.space.observer import Observer, rows_of
from smashdsl.space.sites import Site
from smashdsl.space.subsets import Ints

Bits = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass
class Pieces:
    """Weight slices of one generated layer: per row where they start, how many, and how many rows are on."""

    rows: Ints
    start: Ints
    count: Ints
    on: Ints
    parent: Ints
    template: int
    region: int
    banks: Ints | None
    bank: Ints


class Encoder(Observer):
    """Places slices and sets bits while the machine walks; `tensor` then assembles them."""

    def __init__(self, layout: Layout, batch: int) -> None:
        self.layout = layout
        self.batch = batch
        self.next = np.zeros(batch, np.int64)
        self.headers: list[Ints] = []
        self.bits: list[tuple[Ints, Any, Ints]] = []
        self.pieces: list[Pieces] = []
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
        return None if node.op.weighted or node.op.name in {"flatten", "pad_channels"} else source.ref

    def read(self, frame: Frame, node: p.Read, state: BankState, masks: Ints, flow: Flow) -> Any:
        if node.join != "concat":
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
        shape = node.op.weights(source.flow, args)["weight"].shape
        rows, tile = frame.rows, self.layout.tile
        count = -(-np.asarray(rows_of(shape[1], len(rows))) // tile.unit_in)
        on = -(-np.asarray(rows_of(shape[0], len(rows))) // tile.unit_out)
        whole = np.asarray(rows_of(shape[1] == source.flow.channels, len(rows)))
        banks = None if source.ref is None else np.where(whole, source.ref[rows], 0)
        bank = frame.env.get("bank", 1)
        bank = rows_of(bank[rows] if isinstance(bank, np.ndarray) else bank, len(rows))
        self.pieces.append(
            Pieces(
                rows,
                self.next[rows],
                count,
                on,
                self.headers[-1][rows],
                self.template[node.template],
                self.region.get(frame.region, -1),
                banks,
                np.asarray(bank),
            )
        )
        self.next[rows] += count

    # -- assembly -------------------------------------------------------------------------------

    def tensor(self, slices: int | None = None) -> Bits:
        """Return the conditioning tensors; c: (batch, features, rows, slices), off behind an architecture's end."""
        slices = max(slices or 0, int(self.next.max(initial=0)))
        flat = np.zeros((self.batch, slices, self.layout.features), bool)
        for rows, feature, position in self.bits:
            flat[rows, position, feature] = True
        on = np.zeros((self.batch, slices), np.int64)
        on[np.arange(slices) < self.next[:, None]] = self.layout.rows
        for pieces in self.pieces:
            self._place(pieces, flat, on)
        features = np.ascontiguousarray(flat.transpose(0, 2, 1))
        rows = (np.arange(self.layout.rows)[:, None] < on[:, None, :]).view(np.uint8)
        tensor = np.empty((self.batch, self.layout.features, self.layout.rows, slices), np.uint8)
        for i in range(self.batch):
            # bytes, not bools: numpy's `and` of bytes runs ten times faster
            np.bitwise_and(features[i].view(np.uint8)[:, None, :], rows[i], out=tensor[i])
        return tensor.view(bool)

    def _place(self, pieces: Pieces, flat: Bits, on: Ints) -> None:
        layout = self.layout
        arch = np.repeat(pieces.rows, pieces.count)
        first = np.repeat(pieces.start, pieces.count)
        nth = np.arange(len(arch)) - np.repeat(np.cumsum(pieces.count) - pieces.count, pieces.count)
        position = first + nth
        parent = np.repeat(pieces.parent, pieces.count)
        flat[arch, position, layout.decisions :] = flat[arch, parent, layout.decisions :]
        flat[arch, position, layout.fields["weight"].start] = True
        self._set(flat, arch, position, layout.fields["template"], pieces.template)
        if pieces.region >= 0:
            self._set(flat, arch, position, layout.fields["region"], pieces.region)
        piece = layout.fields["piece"]
        for digit in range(piece.width):
            flat[arch, position, piece.start + digit] = (nth + 1) >> digit & 1 == 1
        if pieces.banks is not None:
            self._set_banks(flat, arch, position, nth, pieces)
        on[arch, position] = np.repeat(pieces.on, pieces.count)

    def _set(self, flat: Bits, arch: Ints, position: Ints, field: Field, code: int) -> None:
        if field.coding == "one-hot":
            flat[arch, position, field.start + code] = True
            return
        flat[arch, position, field.start] = True
        for digit in range(field.width - 1):
            flat[arch, position, field.start + 1 + digit] = bool(code >> digit & 1)

    def _set_banks(self, flat: Bits, arch: Ints, position: Ints, nth: Ints, pieces: Pieces) -> None:
        """Set the banks whose channels a piece takes in: those whose rank in the set read lies in its range."""
        assert pieces.banks is not None
        field, unit = self.layout.fields["bank"], self.layout.tile.unit_in
        read = np.repeat(pieces.banks, pieces.count)
        bank = np.repeat(pieces.bank, pieces.count)
        low, high = nth * unit // bank, ((nth + 1) * unit - 1) // bank
        for index in range(field.width):
            rank = subsets.popcount(read & ((1 << index) - 1))
            flat[arch, position, field.start + index] = (read >> index & 1 == 1) & (rank >= low) & (rank <= high)
