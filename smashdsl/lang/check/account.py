"""What members spend along the walk: the account that `ops while` and the count under `require` read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

Spent: TypeAlias = tuple[int, ...]  # one number for each meter
NOTHING: Spent = ()


@dataclass(frozen=True)
class Meter:
    """A sum of measures, each times a whole number, that is kept with every state.

    Measures only grow. So where no factor is negative, a member that has spent more than ``most`` may be let go, and of
    what is spent beyond ``enough`` it does not matter how much it is.
    """

    factors: tuple[tuple[str, int], ...]
    most: int | None = None
    enough: int | None = None

    def of(self, amounts: Mapping[str, int]) -> int:
        """Return what amounts of measures come to."""
        return sum(factor * amounts.get(measure, 0) for measure, factor in self.factors)

    def without(self, measure: str) -> Meter:
        """Return a meter that does not see a measure, and lets nothing go."""
        return Meter(tuple(pair for pair in self.factors if pair[0] != measure))


def total(meters: Sequence[Meter], spent: Spent, more: Spent) -> Spent | None:
    """Return two accounts together, or None where that is more than a member may spend."""
    out = []
    for meter, a, b in zip(meters, spent, more, strict=True):
        value = a + b
        if meter.most is not None and value > meter.most:
            return None
        out.append(value if meter.enough is None else min(value, meter.enough))
    return tuple(out)


def bounded(factors: Mapping[str, int], most: int | None, enough: int | None) -> Meter:
    """Return a meter with bounds as far as they may be used: not where what is spent may shrink."""
    meter = Meter(tuple(sorted(factors.items())))
    if any(factor < 0 for factor in factors.values()):
        return meter
    if most is not None or enough is None:
        return replace(meter, most=most)
    return replace(meter, enough=max(enough, 0))
