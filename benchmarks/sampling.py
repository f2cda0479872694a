"""Drawing architectures one by one and in batches."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

from benchmarks.measure import Row, Size, example, race

ENOUGH = 20  # draws of one round, so that small batches take long enough for the clock


def sampling(size: Size) -> list[Row]:
    """Measure raw draws of smashv1 by size of batch.

    A raw draw is a walk of the program with its costs; how many meet `require` is told apart.
    """
    space = example("smashv1")
    seeds = count()
    share, low, high = space.acceptance(max(size.batches))

    def draw(batch: int, times: int) -> None:
        for _ in range(times):
            space.acceptance(batch, seed=next(seeds))

    times = {batch: max(1, ENOUGH // batch) for batch in size.batches}
    cases: dict[str, Callable[[], None]] = {str(batch): partial(draw, batch, times[batch]) for batch in size.batches}
    taken = race(cases, size)
    rates = {batch: batch * times[batch] / taken[str(batch)] for batch in size.batches}
    one = rates[size.batches[0]]
    rows = [
        Row("sampling", f"raw draws of smashv1, batch {batch:,}", rate, "draws/s", f"{rate / one:,.1f} x one by one")
        for batch, rate in rates.items()
    ]
    note = f"95 % interval {low:.3f} to {high:.3f}; {share * max(rates.values()):,.0f} members/s at best"
    return [*rows, Row("sampling", "share of raw draws that meet `require`", share, "", note)]
