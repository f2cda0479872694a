"""How benchmarks take time, how large they are and what they return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import smashdsl

EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass(frozen=True)
class Row:
    """One figure of a benchmark."""

    benchmark: str
    case: str
    figure: float
    unit: str
    note: str = ""


@dataclass(frozen=True)
class Size:
    """How much a benchmark does.

    ``seconds``: process time to spend on one comparison; ``rounds``: the least times that each case of it runs.
    ``architectures`` are worked on as a batch, ``singles`` of them one by one. ``examples``: the names of those that
    benchmarks of several examples take.
    """

    seconds: float
    rounds: int
    batches: tuple[int, ...]
    architectures: int
    singles: int
    examples: tuple[str, ...]


FULL = Size(6.0, 3, (1, 1_000, 8_192), 1_000, 40, tuple(sorted(path.stem for path in EXAMPLES.glob("*.smash"))))
TINY = Size(0.0, 1, (1, 8), 4, 2, ("nas_bench_201",))


@cache
def example(name: str) -> smashdsl.Space:
    """Return the space of an example."""
    return smashdsl.load(EXAMPLES / f"{name}.smash")


def race(cases: Mapping[str, Callable[[], Any]], size: Size) -> dict[str, float]:
    """Return the least process time of each case in seconds.

    Cases run in turn, round after round, so that a machine that slows down does so for all of them.
    """
    best = dict.fromkeys(cases, float("inf"))
    start, rounds = process_time(), 0
    while rounds < size.rounds or process_time() - start < size.seconds:
        for name, case in cases.items():
            best[name] = min(best[name], seconds(case))
        rounds += 1
    return best


def seconds(case: Callable[[], Any]) -> float:
    """Return the process time of one call."""
    before = process_time()
    case()
    return process_time() - before
