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

from smashdsl.lang.check.origin import Made
from smashdsl.lang.check.outcome import Homes, Scope, Witness

Kind: TypeAlias = Literal["value", "bank", "in", "at", "home", "then", "any", "steps"]


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

    def at_home(self, template: str) -> Witness:
        return Ways("home", self.ways, template, self)

    def within(self, scope: Scope) -> Witness:
        return Ways("in", self.ways, scope, self)

    def rooted(self, scope: Scope) -> Witness:
        return Ways("at", self.ways, scope, self)

    def by(self, made: Made) -> Witness:
        return self  # every way has makers of its own

    def either(self, other: Witness) -> Witness:
        return either([self, other])

    def member(self, number: int) -> dict[str, Any]:
        """Return the decisions of one way by site path; a set of banks is a bit set.

        ``number`` counts from 0 up to ``ways``.
        """
        out: dict[str, Any] = {}
        stack: list[tuple[Witness, int, Homes]] = [(self, number, Homes())]
        while stack:
            way, rank, homes = stack.pop()
            if not isinstance(way, Ways):
                continue
            match way.kind:
                case "then":
                    first, second = divmod(rank, way.second.ways)
                    stack.extend(((way.second, second, homes), (way.first, first, homes)))
                case "any":
                    stack.append((*way._one_of(rank), homes))
                case "steps":
                    (_, before, tail), rank = way._one_of(rank)
                    first, second = divmod(rank, tail.ways)
                    inside = homes.inside("in", way.second) if way.second else homes
                    stack.extend(((tail, second, inside), (before, first, homes)))
                case "value":
                    path, value = way.first
                    sets = isinstance(value, Sets)
                    rank, own = divmod(rank, value.ways) if sets else (rank, 0)
                    out[homes.prefix + path] = value.number(own) if sets else value
                    stack.append((way.second, rank, homes))
                case "bank":
                    path = homes.prefix + way.first
                    out[path] = out.get(path, 0) | 1 << way.second
                case kind:
                    stack.append((way.second, rank, homes.inside(kind, way.first)))
        return out

    def _one_of(self, rank: int) -> tuple[Any, int]:
        if self._ends is None:
            steps = self.kind == "steps"
            self._ends = list(accumulate(one[0] if steps else one.ways for one in self.first))
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


def stepped(ways: int, steps: list[tuple[int, Witness, Witness]], scope: Scope) -> Witness:
    """Return all ways that a step makes to one state: each is a number, ways before it, and ways in it.

    Sites of the step go under ``scope``.
    """
    if len(steps) == 1:
        _, before, tail = steps[0]
        if not tail.length:
            return before
        if not before.length:
            return tail.within(scope) if scope else tail
    return Ways("steps", ways, steps, scope)
