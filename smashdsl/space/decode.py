"""Conditioning tensors back to architectures.

Only headers are read: which decisions are made follows from those before, and so does where the next header stands.
What was read is encoded in the same walk and must be the tensor that was given, bit for bit; so a tensor is accepted if
and only if it is the encoding of an architecture.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from smashdsl.space.encode import Assembly, Bits, Encoder
from smashdsl.space.frame import Frame
from smashdsl.space.layout import Layout
from smashdsl.space.sites import INACTIVE, Site
from smashdsl.space.subsets import Ints

BLOCK_BYTES = 2**20  # compared at once: what a cache holds


class Decoder(Encoder):
    """Proposes to the machine what the headers say, and encodes what the machine then decides."""

    def __init__(self, layout: Layout, tensors: Bits) -> None:
        super().__init__(layout, len(tensors))
        self.tensors = tensors

    def propose(self, frame: Frame, site: Site) -> Ints | None:
        slices = self.tensors.shape[3]
        if not slices:
            return np.full(len(frame.rows), INACTIVE, np.int64)
        field = self.layout.fields[site.decision.template]
        position = self.headers[-1][frame.rows]
        inside = position < slices
        bits = self.tensors[frame.rows, field.start : field.stop, 0, np.where(inside, position, 0)]
        if field.coding == "multi-hot":
            codes = bits @ (np.int64(1) << np.arange(field.width, dtype=np.int64))
        elif field.coding == "one-hot":
            codes = np.where(bits.sum(1) == 1, bits.argmax(1), INACTIVE)
        else:
            digits = bits[:, 1:] @ (np.int64(1) << np.arange(field.width - 1, dtype=np.int64))
            codes = np.where(bits[:, 0], digits, INACTIVE)
        result: Ints = np.where(inside, codes, INACTIVE)
        return result


def first_wrong(assembly: Assembly, tensors: Bits) -> int | None:
    """Return the first tensor that is not the one of an assembly, or None; c: (n, features, rows, slices)."""
    count, slices = len(tensors), tensors.shape[3]
    size = max(1, prod(tensors.shape[1:]))
    step = max(1, BLOCK_BYTES // size)
    memory = np.empty(step * size, bool)
    for low in range(0, count, step):
        high = min(low + step, count)
        if int(assembly.ends[low:high].max()) <= slices:
            encoded = assembly.tensor(low, high, slices, memory)
            if _equal(encoded, tensors[low:high]):
                continue
        for row in range(low, high):
            if assembly.ends[row] > slices or not _equal(assembly.tensor(row, row + 1, slices), tensors[row : row + 1]):
                return row
    return None


def _equal(a: Bits, b: Bits) -> bool:
    """Return whether two arrays of one shape are equal, comparing words of eight where that is possible."""
    left, right = (np.ascontiguousarray(x).reshape(-1).view(np.uint8) for x in (a, b))
    words = len(left) // 8 * 8
    same = (left[:words].view(np.uint64) == right[:words].view(np.uint64)).all()
    return bool(same) and bool((left[words:] == right[words:]).all())


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
