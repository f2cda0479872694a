"""Conditioning tensors back to architectures.

Only headers are read: which decisions are made follows from those before. What was read is then encoded again and must
be the tensor that was given, bit for bit; so a tensor is accepted if and only if it is the encoding of an architecture.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from smashdsl.space.encode import Bits
from smashdsl.space.frame import Frame
from smashdsl.space.layout import Layout
from smashdsl.space.observer import Observer
from smashdsl.space.sites import INACTIVE, Site
from smashdsl.space.subsets import Ints


class Decoder(Observer):
    """Proposes to the machine what the headers say."""

    def __init__(self, layout: Layout, tensors: Bits) -> None:
        self.layout = layout
        self.tensors = tensors
        self.batch = len(tensors)
        header = tensors[:, layout.fields["header"].start, 0, :]
        most = int(header.sum(1).max(initial=0)) + 1
        # positions of headers in order; behind the last, -1
        order = np.argsort(~header, axis=1, kind="stable")[:, :most]
        self.positions = np.where(np.take_along_axis(header, order, 1), order, -1) if order.size else order
        self.next = np.zeros(self.batch, np.int64)
        self.headers: list[Ints] = []

    def enter(self, frame: Frame, template: str, kind: str) -> None:
        here = np.full(self.batch, -1, np.int64)
        index = self.next[frame.rows]
        inside = index < self.positions.shape[1]
        here[frame.rows[inside]] = self.positions[frame.rows[inside], index[inside]]
        self.next[frame.rows] += 1
        self.headers.append(here)

    def leave(self, frame: Frame) -> None:
        self.headers.pop()

    def propose(self, frame: Frame, site: Site) -> Ints | None:
        if not self.tensors.shape[3]:
            return np.full(len(frame.rows), INACTIVE, np.int64)
        field = self.layout.fields[site.decision.template]
        position = self.headers[-1][frame.rows]
        bits = self.tensors[frame.rows, field.start : field.stop, 0, position]
        if field.coding == "multi-hot":
            codes = bits @ (np.int64(1) << np.arange(field.width, dtype=np.int64))
        elif field.coding == "one-hot":
            codes = np.where(bits.sum(1) == 1, bits.argmax(1), INACTIVE)
        else:
            digits = bits[:, 1:] @ (np.int64(1) << np.arange(field.width - 1, dtype=np.int64))
            codes = np.where(bits[:, 0], digits, INACTIVE)
        result: Ints = np.where(position >= 0, codes, INACTIVE)
        return result


def first_difference(layout: Layout, given: Bits, encoded: Bits) -> tuple[int, int, int, Any] | None:
    """Return the first slice, feature and row where two tensors differ, and the given bit; None when they are equal.

    given, encoded: (features, rows, slices), which may differ in slices.
    """
    slices = max(given.shape[2], encoded.shape[2])
    padded = [np.zeros((*t.shape[:2], slices), bool) for t in (given, encoded)]
    for target, tensor in zip(padded, (given, encoded), strict=True):
        target[:, :, : tensor.shape[2]] = tensor
    differ = padded[0] ^ padded[1]
    if not differ.any():
        return None
    at = int(differ.any((0, 1)).argmax())
    feature = int(differ[:, :, at].any(1).argmax())
    row = int(differ[feature, :, at].argmax())
    return at, feature, row, bool(padded[0][feature, row, at])
