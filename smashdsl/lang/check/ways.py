"""Every way to a state, remembered while counting, so that the members can be numbered.

The ways to a state form a graph in which whatever was found once is shared: a decision and what follows it, one part
after another, or one of several. Each node knows how many ways it stands for, so a number below that names one of them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from math import comb
from typing import Any, Literal, TypeAlias

from smashdsl.lang.check.outcome import Witness

Kind: TypeAlias = Literal["value", "bank", "in", "at", "then", "any"]


@dataclass(frozen=True)
class Sets:
    """Sets of banks that lead to one state: the ``fixed`` ones, and any of ``sizes`` many out of a ``pool``.

    ``fixed`` and ``pool`` are bit sets that have no bank in common.
    """

    label: str
    fixed: int
    pool: int
    sizes: tuple[int, ...]

    def __str__(self) -> str:
        return self.label

    @property
    def ways(self) -> int:
        held = self.pool.bit_count()
        return sum(comb(held, size) for size in self.sizes)

    def number(self, rank: int) -> int:
        """Return the set of a rank below the number of sets, as a bit set."""
        banks = [bank for bank in range(self.pool.bit_length()) if self.pool >> bank & 1]
        for size in self.sizes:
            here = comb(len(banks), size)
            if rank < here:
                return self.fixed | _combination(banks, size, rank)
            rank -= here
        raise ValueError("there are not so many sets")


def _combination(banks: list[int], size: int, rank: int) -> int:
    found = 0
    for i, bank in enumerate(banks):
        if not size:
            break
        with_it = comb(len(banks) - i - 1, size - 1)
        if rank < with_it:
            found |= 1 << bank
            size -= 1
        else:
            rank -= with_it
    return found


class Ways(Witness):
    """All ways to a state, in place of one short one."""

    __slots__ = ("_ends", "first", "kind", "second", "ways")

    def __init__(self, kind: Kind, ways: int, first: Any, second: Any) -> None:
        super().__init__(length=1)
        self.kind, self.ways, self.first, self.second = kind, ways, first, second
        self._ends: list[int] | None = None

    def __add__(self, other: Witness) -> Witness:
        return self if not other.length else Ways("then", self.ways * other.ways, self, other)

    def within(self, scope: str) -> Witness:
        return Ways("in", self.ways, scope, self)

    def rooted(self, scope: str) -> Witness:
        return Ways("at", self.ways, scope, self)

    def either(self, other: Witness) -> Witness:
        return either([self, other])

    def member(self, number: int) -> dict[str, Any]:
        """Return the decisions of one way by site path; a set of banks is a bit set.

        ``number`` counts from 0 up to ``ways``.
        """
        out: dict[str, Any] = {}
        stack: list[tuple[Witness, int, str]] = [(self, number, "")]
        while stack:
            way, rank, prefix = stack.pop()
            if not isinstance(way, Ways):
                continue
            if way.kind == "then":
                first, second = divmod(rank, way.second.ways)
                stack.extend(((way.second, second, prefix), (way.first, first, prefix)))
            elif way.kind == "any":
                stack.append((*way._one_of(rank), prefix))
            elif way.kind == "value":
                path, value = way.first
                ahead = value.ways if isinstance(value, Sets) else 1
                rank, own = divmod(rank, ahead)
                out[prefix + path] = value.number(own) if isinstance(value, Sets) else value
                stack.append((way.second, rank, prefix))
            elif way.kind == "bank":
                out[prefix + way.first] = out.get(prefix + way.first, 0) | 1 << way.second
            else:
                stack.append((way.second, rank, f"{prefix if way.kind == 'in' else ''}{way.first}."))
        return out

    def _one_of(self, rank: int) -> tuple[Witness, int]:
        if self._ends is None:
            self._ends = list(accumulate(way.ways for way in self.first))
        index = bisect_right(self._ends, rank)
        return self.first[index], rank - (self._ends[index - 1] if index else 0)


def deciding(path: str, decided: Any, then: Witness) -> Ways:
    """Return the ways that decide a value, or one of some sets, and go on."""
    many = decided.ways if isinstance(decided, Sets) else 1
    return Ways("value", many * then.ways, (path, decided), then)


def adding(path: str, bank: int) -> Ways:
    """Return the way that adds a bank to a set which is decided bank by bank."""
    return Ways("bank", 1, path, bank)


def either(ways: list[Witness]) -> Witness:
    """Return all of some ways to one state."""
    return ways[0] if len(ways) == 1 else Ways("any", sum(way.ways for way in ways), ways, None)
