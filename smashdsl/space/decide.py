"""How the machine decides: by the declared law, or by given codes, or given ones where they still fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from smashdsl.lang import ir
from smashdsl.lang import program as p
from smashdsl.lang.evaluate import evaluate, scalar
from smashdsl.space import subsets
from smashdsl.space.frame import BankState, Frame, View
from smashdsl.space.sites import INACTIVE, Site
from smashdsl.space.subsets import Ints


class Decider:
    """Draws, or replays, one decision for many rows, and tells which proposed codes fit its domain here."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def index(self, count: int, weights: tuple[float, ...] | None, rows: int) -> Ints:
        """Draw the index of one of ``count`` elements for each row."""
        u = self.rng.random(rows)
        if weights is None:
            return (u * count).astype(np.int64)
        law = np.cumsum(np.array(weights, np.float64) / sum(weights))
        law[-1] = 1.0
        return np.searchsorted(law, u, side="right").astype(np.int64)

    # -- a choice of alternatives ---------------------------------------------------------------

    def alternative(self, domain: ir.Choose | ir.Maybe, rows: int) -> Ints:
        if isinstance(domain, ir.Maybe):
            return self.index(2, (1 - domain.probability, domain.probability), rows)
        return self.index(len(domain.paths), domain.weights, rows)

    # -- a choice of values ---------------------------------------------------------------------

    def values(self, site: Site, domain: ir.Choice | ir.Interval, view: View, chosen: dict[int, Any]) -> Domain:
        """Return what a choice allows for each row."""
        if isinstance(domain, ir.Interval):
            ends = [scalar(evaluate(end, view, chosen)) for end in (domain.low, domain.high, domain.step)]
            return IntervalDomain(site, *ends)
        elements = [evaluate(element, view, chosen) for element in domain.elements]
        return ElementsDomain(site, elements, domain.weights)

    # -- a set of banks -------------------------------------------------------------------------

    def sizes(self, banks: ir.Selection, low: Any, high: Ints, view: View) -> tuple[Ints, Any]:
        """Return a drawn size for each row, and a test of sizes."""
        rows = len(high)
        if banks.size is None:
            drawn = (low + self.rng.random(rows) * (high - low + 1)).astype(np.int64)
            return drawn, lambda size: (size >= low) & (size <= high)
        if isinstance(banks.size, ir.Choice | ir.Interval):
            domain = self.values(Site("", None, (), 0), banks.size, view, {})  # type: ignore[arg-type]
            return domain.draw(self, rows), lambda size: domain.holds(size)
        fixed = scalar(evaluate(banks.size, view, {}))
        return np.broadcast_to(np.int64(fixed), rows).copy(), lambda size: size == fixed

    def subset(
        self, banks: ir.Selection, state: BankState, frame: Frame, view: View, least: Any, proposed: Ints | None
    ) -> tuple[Ints, Ints]:
        """Return a set of banks for each row and which rows' proposals were refused; masks: (rows,)."""
        rows = frame.rows
        written = state.written[rows]
        count = np.broadcast_to(np.asarray(view["banks"], np.int64), len(rows))
        held = subsets.popcount(written)
        everything = subsets.prefix(count)
        high = {"written": held, "fresh": count - held}.get(banks.pool, count)
        size, fits = self.sizes(banks, least, high, view)
        drawn = self._draw(banks.pool, written, held, everything, count, size)
        if proposed is None:
            return drawn, np.zeros(len(rows), bool)
        good = (proposed >= 0) & (proposed & ~everything == 0)
        masks = np.where(good, proposed, 0)
        good &= fits(subsets.popcount(masks)) & self._in_pool(banks.pool, masks, written, everything)
        return np.where(good, masks, drawn), ~good

    def _draw(self, pool: str, written: Ints, held: Ints, everything: Ints, count: Ints, size: Ints) -> Ints:
        if pool == "written":
            return subsets.deposit(subsets.draw(self.rng, held, size), written)
        if pool == "banks":
            return subsets.draw(self.rng, count, size)
        fresh = everything & ~written
        if pool == "fresh":
            return subsets.deposit(subsets.prefix(size), fresh)
        new, old = subsets.draw_reachable(self.rng, held, count - held, size)
        chosen = subsets.deposit(subsets.draw(self.rng, held, old), written)
        return chosen | subsets.deposit(subsets.prefix(new), fresh)

    def _in_pool(self, pool: str, masks: Ints, written: Ints, everything: Ints) -> Any:
        if pool == "written":
            return masks & ~written == 0
        fresh = everything & ~written
        if pool == "fresh":
            return masks == subsets.deposit(subsets.prefix(subsets.popcount(masks)), fresh)
        if pool == "reachable":
            new = masks & fresh
            return new == subsets.deposit(subsets.prefix(subsets.popcount(new)), fresh)
        return True


class Domain:
    """What one choice of values allows for each row."""

    def draw(self, decider: Decider, rows: int) -> Any:
        raise NotImplementedError

    def holds(self, values: Any) -> Any:
        raise NotImplementedError


class IntervalDomain(Domain):
    """Whole numbers from low to high in steps."""

    def __init__(self, site: Site, low: Any, high: Any, step: Any) -> None:
        self.site, self.low, self.high, self.step = site, low, high, step

    def draw(self, decider: Decider, rows: int) -> Ints:
        count = (self.high - self.low) // self.step + 1
        return self.low + (decider.rng.random(rows) * count).astype(np.int64) * self.step

    def holds(self, values: Ints) -> Any:
        return (values >= self.low) & (values <= self.high) & ((values - self.low) % self.step == 0)


class ElementsDomain(Domain):
    """Listed elements; each is one value for all rows or an array of one per row."""

    def __init__(self, site: Site, elements: list[Any], weights: tuple[float, ...] | None) -> None:
        self.site, self.elements, self.weights = site, elements, weights

    @property
    def static(self) -> bool:
        return not any(
            isinstance(item, np.ndarray) for e in self.elements for item in (e if isinstance(e, tuple) else (e,))
        )

    def draw(self, decider: Decider, rows: int) -> Ints:
        index = decider.index(len(self.elements), self.weights, rows)
        columns = np.stack([np.broadcast_to(np.asarray(e), rows) for e in self.elements])
        drawn: Ints = columns[index, np.arange(rows)]
        return drawn

    def draw_codes(self, decider: Decider, rows: int) -> Ints:
        """Draw the codes of elements that are the same for all rows."""
        codes = np.array([self.site.code_of[e] for e in self.elements], np.int64)
        drawn: Ints = codes[decider.index(len(codes), self.weights, rows)]
        return drawn

    def holds(self, values: Any) -> Any:
        good = values == self.elements[0]
        for element in self.elements[1:]:
            good = good | (values == element)
        return good

    def holds_codes(self, codes: Ints) -> Any:
        return np.isin(codes, [self.site.code_of[e] for e in self.elements])


def decide_codes(
    decider: Decider, site: Site, domain: Domain, rows: int, proposed: Ints | None
) -> tuple[Ints, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return a code for each row, and which rows' proposals were refused."""
    refused = np.zeros(rows, bool)
    if isinstance(domain, ElementsDomain) and domain.static:
        draw, fits = (lambda: domain.draw_codes(decider, rows)), domain.holds_codes
    else:
        numbers = site.numbers
        assert numbers is not None
        draw = lambda: np.searchsorted(numbers, domain.draw(decider, rows))  # noqa: E731
        fits = lambda codes: domain.holds(numbers[codes])  # noqa: E731
    if proposed is None:
        return draw(), refused
    inside = (proposed >= 0) & (proposed < len(site.alphabet or ()))
    codes = np.where(inside, proposed, 0)
    refused = ~(inside & fits(codes))
    if refused.any():
        codes = np.where(refused, draw(), codes)
    return codes, refused


def inactive(rows: int, columns: int) -> Ints:
    """Return codes that decide nothing; codes: (rows, columns)."""
    return np.full((rows, columns), INACTIVE, np.int64)
