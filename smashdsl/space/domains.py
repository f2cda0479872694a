"""What a decision allows, for many architectures at once: drawn by the declared law, or tested.

Codes are those of `Site`. A domain belongs to some rows of a batch; sizes that differ between rows are arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

import numpy as np

from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate, scalar
from smashdsl.space import subsets
from smashdsl.space.sites import Site
from smashdsl.space.subsets import Ints

Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


class Domain(Protocol):
    """The codes that one decision may take in each row."""

    def draw(self, rng: np.random.Generator, rows: int) -> Ints:
        """Draw a code for each row by the declared law."""

    def holds(self, codes: Ints) -> Bools:
        """Return which rows may take the given codes; any integers may be given."""


def pick(rng: np.random.Generator, count: int, weights: tuple[float, ...] | None, rows: int) -> Ints:
    """Draw the index of one of ``count`` elements for each row, by relative weights or uniformly."""
    u = rng.random(rows)
    if weights is None:
        return (u * count).astype(np.int64)
    law = np.cumsum(np.array(weights, np.float64) / sum(weights))
    law[-1] = 1.0
    return np.searchsorted(law, u, side="right").astype(np.int64)


class Alternatives:
    """One of some paths."""

    def __init__(self, domain: ir.Choose | ir.Maybe) -> None:
        self.weights: tuple[float, ...] | None
        if isinstance(domain, ir.Maybe):
            self.count, self.weights = 2, (1 - domain.probability, domain.probability)
        else:
            self.count, self.weights = len(domain.paths), domain.weights

    def draw(self, rng: np.random.Generator, rows: int) -> Ints:
        return pick(rng, self.count, self.weights, rows)

    def holds(self, codes: Ints) -> Bools:
        return (codes >= 0) & (codes < self.count)


class Elements:
    """One of some listed values, each the same for all rows or one for each row."""

    def __init__(self, codes: list[Ints | int], weights: tuple[float, ...] | None) -> None:
        self.codes = codes
        self.weights = weights

    def draw(self, rng: np.random.Generator, rows: int) -> Ints:
        index = pick(rng, len(self.codes), self.weights, rows)
        if not any(isinstance(code, np.ndarray) for code in self.codes):
            return np.array(self.codes, np.int64)[index]
        drawn: Ints = np.stack([np.broadcast_to(code, rows) for code in self.codes])[index, np.arange(rows)]
        return drawn

    def holds(self, codes: Ints) -> Bools:
        good = np.zeros(len(codes), np.bool_)
        for code in self.codes:
            good |= codes == code
        return good


class Range:
    """Whole numbers from ``low`` to ``high`` in steps."""

    def __init__(self, low: Any, high: Any, step: Any = 1) -> None:
        self.low, self.high, self.step = low, high, step

    def draw(self, rng: np.random.Generator, rows: int) -> Ints:
        count = (self.high - self.low) // self.step + 1
        drawn: Ints = self.low + (rng.random(rows) * count).astype(np.int64) * self.step
        return drawn

    def holds(self, codes: Ints) -> Bools:
        good: Bools = (codes >= self.low) & (codes <= self.high) & ((codes - self.low) % self.step == 0)
        return good


class Coded:
    """A range at a site whose codes are not the numbers themselves."""

    def __init__(self, site: Site, numbers: Range) -> None:
        self.site, self.numbers = site, numbers

    def draw(self, rng: np.random.Generator, rows: int) -> Ints:
        codes: Ints = self.site.codes(self.numbers.draw(rng, rows))
        return codes

    def holds(self, codes: Ints) -> Bools:
        values = self.site.whole_numbers
        inside = (codes >= 0) & (codes < len(values))
        return inside & self.numbers.holds(values[np.where(inside, codes, 0)])


def values(site: Site, domain: ir.Choice | ir.Interval, names: Mapping[str, Any], chosen: Mapping[int, Any]) -> Domain:
    """Return what a choice of values allows."""
    if isinstance(domain, ir.Interval):
        return Coded(site, _range(domain, names, chosen))
    return Elements([site.codes(evaluate(element, names, chosen)) for element in domain.elements], domain.weights)


def sizes(size: ir.Expr | None, least: Any, most: Ints, names: Mapping[str, Any]) -> Domain:
    """Return how many banks a free selection may take; the codes are the numbers themselves."""
    if size is None:
        return Range(least, most)
    if isinstance(size, ir.Interval):
        return _range(size, names, {})
    if isinstance(size, ir.Choice):
        return Elements([scalar(evaluate(element, names, {})) for element in size.elements], size.weights)
    return Elements([scalar(evaluate(size, names, {}))], None)


def _range(domain: ir.Interval, names: Mapping[str, Any], chosen: Mapping[int, Any]) -> Range:
    return Range(*(scalar(evaluate(end, names, chosen)) for end in (domain.low, domain.high, domain.step)))


class Subsets:
    """Sets of banks out of a pool, uniform over their sizes, then over the sets of a size.

    ``written``: (rows,) sets of banks that hold a value; ``count``: how many banks there are.
    """

    def __init__(self, banks: ir.Selection, written: Ints, least: Any, names: Mapping[str, Any]) -> None:
        self.pool = banks.pool
        self.written = written
        self.count: Ints = np.broadcast_to(np.asarray(names["banks"], np.int64), len(written))
        self.held = subsets.popcount(written)
        self.everything: Ints = subsets.prefix(self.count)
        self.fresh: Ints = self.everything & ~written
        most = {"written": self.held, "fresh": self.count - self.held}.get(self.pool, self.count)
        self.sizes = sizes(banks.size, least, most, names)

    def draw(self, rng: np.random.Generator, rows: int) -> Ints:
        size = self.sizes.draw(rng, rows)
        match self.pool:
            case "written":
                return subsets.deposit(subsets.draw(rng, self.held, size), self.written)
            case "banks":
                return subsets.draw(rng, self.count, size)
            case "fresh":
                return subsets.deposit(subsets.prefix(size), self.fresh)
        new, old = subsets.draw_reachable(rng, self.held, self.count - self.held, size)
        chosen = subsets.deposit(subsets.draw(rng, self.held, old), self.written)
        return chosen | subsets.deposit(subsets.prefix(new), self.fresh)

    def holds(self, codes: Ints) -> Bools:
        good: Bools = (codes >= 0) & (codes & ~self.everything == 0)
        masks = np.where(good, codes, 0)
        good &= self.sizes.holds(subsets.popcount(masks)) & self._in_pool(masks)
        return good

    def _in_pool(self, masks: Ints) -> Bools:
        new = masks & self.fresh
        inside: Bools = new == (0 if self.pool == "written" else masks if self.pool == "fresh" else new)
        if self.pool in {"fresh", "reachable"}:
            inside &= new == subsets.deposit(subsets.prefix(subsets.popcount(new)), self.fresh)
        return inside
