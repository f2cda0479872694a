"""Members by number, and members drawn exactly uniformly."""

from __future__ import annotations

from random import Random

import numpy as np

from smashdsl.lang.check.count import count_members, number_members
from smashdsl.lang.check.ways import Ways
from smashdsl.lang.compile import Compiled
from smashdsl.space.sites import INACTIVE, Sites
from smashdsl.space.subsets import Ints


class Numbering:
    """Numbers the members of a space, 0 up to ``count``.

    ``constrained``: whether only those are numbered that meet the constraints.
    """

    def __init__(self, sites: Sites, ways: Ways, constrained: bool) -> None:
        self.sites, self.ways, self.constrained = sites, ways, constrained
        self.count = ways.ways

    def codes(self, numbers: list[int]) -> Ints:
        """Return the codes of members; codes: (numbers, sites)."""
        codes = np.full((len(numbers), len(self.sites)), INACTIVE, np.int64)
        for row, number in enumerate(numbers):
            for path, value in self.ways.member(number).items():
                column = self.sites.column[path]
                site = self.sites.all[column]
                codes[row, column] = value if site.alphabet is None else site.code_of[value]
        return codes

    def draw(self, n: int, random: Random) -> Ints:
        """Draw members, each as likely as any other; codes: (n, sites)."""
        return self.codes([random.randrange(self.count) for _ in range(n)])


def number(compiled: Compiled, sites: Sites) -> Numbering | None:
    """Return the numbering of the members that meet the constraints, where that takes too many states of all members.

    None where there are too many states for that too.
    """
    program, facts, limits = compiled.program, compiled.facts, compiled.limits
    # a count that fails takes less time and memory than a numbering that does
    constrained = count_members(program, facts, limits) is not None
    ways = number_members(program, facts, limits, constrained)
    return None if ways is None else Numbering(sites, ways, constrained)
