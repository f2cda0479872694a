"""Any optimiser that suggests numbers by name, such as an Optuna trial, as the source of an architecture."""

from __future__ import annotations

from math import comb
from typing import Any, Protocol

import numpy as np

from smashdsl.space.frame import Frame
from smashdsl.space.observer import Observer
from smashdsl.space.sites import Site
from smashdsl.space.subsets import Ints

BELOW_ONE = float(np.nextafter(1.0, 0.0))


class Trial(Protocol):
    """The part of an Optuna trial that is used."""

    def suggest_float(self, name: str, low: float, high: float) -> float:
        """Return a number from ``low`` to ``high``, known by its name."""


class TrialDraws(Observer):
    """Stands in for a random generator: each decision is a number from 0 to 1, named by its site.

    Where a decision lies in its domain is suggested, not its value, so every suggestion is a member however the domain
    depends on earlier decisions. A set of banks takes a few numbers: `SITE`, `SITE#1`, ….
    """

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.site = ""
        self.drawn = 0

    def propose(self, frame: Frame, site: Site) -> Ints | None:
        self.site, self.drawn = site.path, 0
        return None

    def random(self, shape: Any) -> Any:
        """Return the next number for the site, in an array of one."""
        name = self.site if not self.drawn else f"{self.site}#{self.drawn}"
        self.drawn += 1
        return np.full(shape, min(self.trial.suggest_float(name, 0.0, 1.0), BELOW_ONE))

    def hypergeometric(self, good: Ints, bad: Ints, taken: Ints) -> Ints:
        """Return how many of ``taken`` are good ones, by the inverse of the law; each (1,)."""
        g, b, n = int(good[0]), int(bad[0]), int(taken[0])
        left = float(self.random(1)[0]) * comb(g + b, n)
        for k in range(max(0, n - b), min(g, n) + 1):
            left -= comb(g, k) * comb(b, n - k)
            if left < 0:
                return np.array([k], np.int64)
        return np.array([min(g, n)], np.int64)
