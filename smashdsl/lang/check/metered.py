"""Accounts kept along the walk: what follows is found with nothing spent, and added to what was spent before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from smashdsl.lang.check.account import Meter, total
from smashdsl.lang.check.outcome import Outcome, State


class Metered:
    """A walk that keeps accounts by ``meters``; without any, states pass through unchanged."""

    def __init__(self, meters: tuple[Meter, ...]) -> None:
        self.meters = meters

    @contextmanager
    def metered(self, meters: tuple[Meter, ...]) -> Iterator[None]:
        """Keep accounts by some meters, for a part of the walk."""
        outer, self.meters = self.meters, meters
        try:
            yield
        finally:
            self.meters = outer

    def anew(self, state: State) -> State:
        """Return a state that has spent nothing yet: what follows adds the same to every account."""
        return state._replace(spent=(0,) * len(self.meters)) if self.meters else state

    def after(self, state: State, outcome: Outcome) -> Outcome:
        """Return an outcome that was found `anew`, with what ``state`` spent before."""
        if not any(state.spent):
            return outcome
        added = Outcome(errors=outcome.errors)
        for following, (ways, witness) in outcome.states.items():
            spent = total(self.meters, state.spent, following.spent)
            if spent is not None:
                flow, banks, decided, _, results = following
                added.add(State(flow, banks, decided, spent, results), ways, witness)
        return added

    def charge(self, state: State, amounts: Mapping[str, int]) -> State | None:
        """Return a state that has spent more, or None where no member may spend so much."""
        if not self.meters:
            return state
        spent = total(self.meters, state.spent, tuple([meter.of(amounts) for meter in self.meters]))
        return None if spent is None else state._replace(spent=spent)
