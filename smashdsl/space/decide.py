"""Decisions and arguments as the machine makes them: proposals are followed where they fit, the rest is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate
from smashdsl.space.domains import Bools, Domain, values
from smashdsl.space.frame import Frame, Stream, View, arriving, one, partition, take
from smashdsl.space.observer import Observer
from smashdsl.space.sites import INACTIVE, Site, Sites
from smashdsl.space.subsets import Ints

Names: TypeAlias = dict[str, Any]
Follow: TypeAlias = Callable[[Frame, Names], Any]


class Decisions:
    """The table of codes that a walk fills, (batch, sites).

    ``proposed``: codes to follow where they fit; without them the observer may propose. ``keep``: which of them may be
    followed. ``refused``, (batch,): the first column whose proposal did not fit, or -1.
    """

    def __init__(
        self,
        sites: Sites,
        batch: int,
        rng: np.random.Generator,
        observer: Observer,
        proposed: Ints | None = None,
        keep: Bools | None = None,
    ) -> None:
        self.sites, self.rng, self.observer = sites, rng, observer
        self.proposed, self.keep = proposed, keep
        self.codes: Ints = np.full((batch, len(sites)), INACTIVE, np.int64)
        self.refused: Ints = np.full(batch, -1, np.int64)

    def site(self, frame: Frame, decision: p.Decision) -> tuple[int, Site]:
        """Return a decision's column and site in a frame's scope."""
        column = self.sites.column[frame.sites + decision.local]
        return column, self.sites.all[column]

    def decide(self, column: int, frame: Frame, domain: Domain) -> Ints:
        """Decide for a frame's rows; codes: (rows,)."""
        if frame.decided:
            codes: Ints = self.codes[frame.rows, column]
        else:
            codes = self._new(column, frame, domain)
            self.codes[frame.rows, column] = codes
        self.observer.decided(frame, self.sites.all[column], codes)
        return codes

    def _new(self, column: int, frame: Frame, domain: Domain) -> Ints:
        rows = len(frame.rows)
        proposed = self._proposal(column, frame)
        if proposed is None:
            return domain.draw(self.rng, rows)
        good = domain.holds(proposed)
        if good.all():
            return np.asarray(proposed)
        late = frame.rows[~good]
        late = late[self.refused[late] < 0]
        self.refused[late] = column
        return np.where(good, proposed, domain.draw(self.rng, rows))

    def _proposal(self, column: int, frame: Frame) -> Any:
        """Return codes to follow, `INACTIVE` where one is to be drawn; None to draw them all."""
        if self.proposed is None:
            return self.observer.propose(frame, self.sites.all[column])
        codes = self.proposed[frame.rows, column]
        return codes if self.keep is None else np.where(self.keep[frame.rows, column], codes, INACTIVE)

    # -- arguments ----------------------------------------------------------------------------

    def arguments(self, args: tuple[p.Argument, ...], frame: Frame, stream: Stream | None, follow: Follow) -> Any:
        """Decide and compute arguments in order, then follow with their values."""

        def bound(f: Frame, names: Names) -> Any:
            return follow(f, {arg.name: names[arg.name] for arg in args})

        return self._bind(args, 0, frame, arriving(stream), {}, bound)

    def _bind(
        self,
        args: tuple[p.Argument, ...],
        done: int,
        frame: Frame,
        names: Names,
        chosen: dict[int, Any],
        follow: Follow,
    ) -> Any:
        """Bind arguments beside ``names``; ``done`` decisions of the first one are ``chosen`` already."""
        names = dict(names)
        for i, arg in enumerate(args):
            for j, decision in enumerate(arg.decisions[done:], done + 1):
                assert isinstance(decision.domain, ir.Choice | ir.Interval)
                column, site = self.site(frame, decision)
                codes = self.decide(column, frame, values(site, decision.domain, View(frame, names), chosen))
                if site.numbers is None:
                    # words and sizes per axis can't be computed with in bulk: rows that differ in one go apart
                    known = (names, chosen, id(decision.domain))
                    return self._apart(site, codes, frame, known, follow, args[i:], j)
                chosen = {**chosen, id(decision.domain): one(site.numbers[codes])}
            names[arg.name] = evaluate(arg.value, View(frame, names), chosen)
            done, chosen = 0, {}
        return follow(frame, names)

    def _apart(
        self,
        site: Site,
        codes: Ints,
        frame: Frame,
        known: tuple[Names, dict[int, Any], int],
        follow: Follow,
        args: tuple[p.Argument, ...],
        done: int,
    ) -> Any:
        """Bind the rest of the arguments for each code by itself."""
        names, chosen, decided = known

        def rest(f: Frame, code: int) -> Any:
            index = np.searchsorted(frame.rows, f.rows)
            here = {key: take(value, index) for key, value in chosen.items()}
            inner = {name: take(value, index) for name, value in names.items()}
            return self._bind(args, done, f, inner, {**here, decided: site.value(code)}, follow)

        return partition(frame, codes, rest, self.observer.merge)
