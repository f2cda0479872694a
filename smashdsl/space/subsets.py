"""Sets of banks as bits of one 63-bit word, drawn and tested for many architectures at once."""

from __future__ import annotations

from functools import cache
from math import comb
from typing import Any, TypeAlias

import numpy as np

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
CHUNK = 16


@cache
def _masks_by_size() -> tuple[Ints, Ints]:
    """Return all 16-bit masks ordered by size, then value, and where each size starts.

    Masks below ``2**n`` come first within their size, so the first C(n, k) of size k are the subsets of n bits.
    """
    masks = np.arange(1 << CHUNK, dtype=np.int64)
    size = np.bitwise_count(masks)
    order = np.argsort(size, kind="stable")
    return masks[order], np.searchsorted(size[order], np.arange(CHUNK + 2)).astype(np.int64)


@cache
def binomials() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return C(n, k) for n, k up to 64, as floats; zero where k > n. The last column, for k = -1, is zero too."""
    table = np.zeros((65, 66))
    for n in range(65):
        table[n, : n + 1] = [comb(n, k) for k in range(n + 1)]
    return table


@cache
def _reachable_sums() -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return how many sets take at most m fresh banks, in one row for all numbers of written banks and sizes."""
    size, m = np.arange(65)[:, None], np.arange(65)
    return binomials()[:, np.maximum(size - m, -1)].cumsum(2).ravel()


@cache
def _chunk_binomials() -> Ints:
    return binomials()[: CHUNK + 1, : CHUNK + 1].astype(np.int64)


def popcount(masks: Ints) -> Ints:
    """Return the number of banks in each set."""
    return np.bitwise_count(masks).astype(np.int64)


def prefix(count: Any) -> Any:
    """Return the set of the first ``count`` banks."""
    return ~(np.int64(-1) << count)  # 63 banks fill the word: one more would overflow before it is taken away again


def draw(rng: np.random.Generator, banks: Ints, size: Ints) -> Ints:
    """Draw uniformly one set of ``size`` of the first ``banks`` banks; banks, size: (n,)."""
    masks, starts = _masks_by_size()
    result = np.zeros(len(banks), np.int64)
    left, wanted = banks.copy(), size.copy()
    shift = 0
    while left.size and int(left.max()) > 0:
        here = np.minimum(left, CHUNK)
        rest = left - here
        taken = wanted if not rest.any() else rng.hypergeometric(here, rest, wanted)
        ways = _chunk_binomials()[here, taken]
        rank = (rng.random(len(banks)) * ways).astype(np.int64)
        result |= masks[starts[taken] + rank] << shift
        left, wanted, shift = rest, wanted - taken, shift + CHUNK
    return result


def deposit(dense: Ints, pool: Ints) -> Ints:
    """Return the set of those banks of ``pool`` whose rank in it is in ``dense``."""
    if not (pool & (pool + 1)).any():
        return dense  # every pool is the first banks, whose ranks are their indices
    result = np.zeros_like(dense)
    rank = np.zeros_like(dense)
    for bank in range(int(pool.max()).bit_length()):
        held = pool >> bank & 1
        result |= (dense >> rank & held) << bank
        rank += held
    return result


def draw_reachable(rng: np.random.Generator, written: Ints, fresh: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Draw uniformly a set of ``size`` that takes the first m fresh banks; return m and how many are written ones.

    written, fresh, size: (n,) numbers of banks.
    """
    most = np.minimum(size, fresh)
    sums, row = _reachable_sums(), (written * 65 + size) * 65
    u = rng.random(len(size)) * sums[row + most]
    m = np.arange(int(most.max()))
    taken = ((u[:, None] >= sums[row[:, None] + m]) & (m < most[:, None])).sum(1).astype(np.int64)
    return taken, size - taken
