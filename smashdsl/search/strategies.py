"""Strategies: which architecture to score next, given what was scored before.

To add one: a frozen dataclass with `stage` and `ask` (the protocol `Strategy` in `study.py`), whose randomness follows
from its seed and the number of candidates so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smashdsl.hypernet.fit import mixed
from smashdsl.search.study import Candidate
from smashdsl.space.architecture import Architecture
from smashdsl.space.subsets import Ints

if TYPE_CHECKING:
    from smashdsl.api import Space

RANDOM, PERTURB, MARKOV = 11, 12, 13


@dataclass(frozen=True)
class Smash:
    """The paper's search: random draws, perturbations of the best, then a Markov chain that moves on improvement."""

    random: int
    perturb: int
    markov: int
    rate: float = 0.05
    seed: int = 0

    def stage(self, index: int) -> str:
        if index < self.random:
            return "random"
        return "perturb" if index < self.random + self.perturb else "markov"

    def ask(self, space: Space, done: Sequence[Candidate]) -> Architecture:
        index = len(done)
        stage = self.stage(index)
        if stage == "random":
            rng = np.random.default_rng(mixed(self.seed, RANDOM, index))
            return Architecture(space, space.draw(1, rng)[0][0])
        # the perturb stage stays at the best random one; the chain moves to every new best
        known = done[: self.random] if stage == "perturb" and self.random else done
        base = min(known, key=lambda candidate: candidate.loss).architecture if known else None
        stream = PERTURB if stage == "perturb" else MARKOV
        rng = np.random.default_rng(mixed(self.seed, stream, index))
        if base is None:
            return Architecture(space, space.draw(1, rng)[0][0])
        return Architecture(space, self._step(space, base.codes[None], rng))

    def _step(self, space: Space, codes: Ints, rng: np.random.Generator) -> Ints:
        moved: Ints = space.perturb(codes, self.rate, rng)[0]
        return moved


def split_budget(candidates: int) -> tuple[int, int, int]:
    """Share a number of candidates among the stages as the paper does: 500 random, 100 perturbed, 100 in the chain."""
    perturb = candidates // 7
    markov = candidates // 7
    return candidates - perturb - markov, perturb, markov
