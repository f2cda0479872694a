"""Reads in which each bank goes through a use of an op of its own, followed for every set of banks at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from smashdsl.lang.check.banks import at_entry, members, readable
from smashdsl.lang.check.decide import Context, Decisions, NotDecided, failed, nothing_arrives
from smashdsl.lang.check.join import join_flows, within_bounds
from smashdsl.lang.check.origin import made
from smashdsl.lang.check.outcome import NONE, Outcome, State, Witness, arriving_by, decided
from smashdsl.lang.check.pools import sizes
from smashdsl.lang.check.ways import adding
from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import scalar
from smashdsl.ops import Flow, ShapeError

if TYPE_CHECKING:
    from smashdsl.lang.check.layers import Layers


SPELLING = {"sum": "add", "product": "mul"}


class Taken(NamedTuple):
    """How many banks are taken so far, what they join to, and the state that leads on."""

    number: int
    flow: Flow | None
    state: State


class Way(NamedTuple):
    """The number of ways to a `Taken`, and a short one: the banks taken and the decisions made in their ops."""

    ways: int
    banks: tuple[int, ...]
    witness: Witness


class Through:
    """Follows reads that go through ops; the ops themselves go back to ``layers``."""

    def __init__(self, layers: Layers, decisions: Decisions) -> None:
        self.layers = layers
        self.decisions = decisions

    def read(self, node: p.Read, state: State, context: Context) -> Outcome:
        """Follow a read: banks are taken or left in order, and what the taken ones join to is kept."""
        assert state.banks is not None
        candidates = members(readable(node, state.banks, context.env))
        allowed = {len(candidates)}
        if node.decision is not None:
            allowed = set(sizes(node.banks, 1, len(candidates), context.env))
            self.decisions.subset(node.decision, context.env["banks"], [tuple(candidates), tuple(sorted(allowed))])
        self.note(node, candidates)
        errors = Outcome()
        reached = {Taken(0, None, state): Way(1, (), NONE)}
        for position, bank in enumerate(candidates):
            left = len(candidates) - position - 1
            reached = self._bank(node, bank, reached, (min(allowed) - left, max(allowed)), context, errors)
            if len(reached) > self.decisions.limits.states:
                raise NotDecided(node.span, f"the banks join in more than {self.decisions.limits.states:,} ways")
        outcome, cases = Outcome(), []
        for taken, way in reached.items():
            after = self._weighed(node, taken.state._replace(flow=taken.flow), context)
            if taken.number in allowed and after is not None:
                outcome.add(after, way.ways, way.witness)
                cases.append((f"banks {list(way.banks)}", 1, Outcome({after: (way.ways, way.witness)})))
        if self.decisions.trace and node.decision is not None and cases:
            outcome = self.decisions.branch(node.decision.local, cases)
        return Outcome(outcome.states, {**errors.errors, **outcome.errors})

    def _weighed(self, node: p.Read, state: State, context: Context) -> State | None:
        if node.join != "attention":
            return state
        return self.decisions.charge(state, {"params": scalar(context.env["banks"])})

    def _bank(
        self,
        node: p.Read,
        bank: int,
        reached: dict[Taken, Way],
        numbers: tuple[int, int],
        context: Context,
        errors: Outcome,
    ) -> dict[Taken, Way]:
        """Leave a bank or take it; ``numbers``: the least and most banks that are to be taken after it."""
        least, most = numbers
        found: dict[Taken, Way] = {}
        outcomes: dict[State, Outcome] = {}
        for taken, way in reached.items():
            if node.decision is not None and taken.number >= least:
                _add(found, taken, way)
            if taken.number == most:
                continue
            if taken.state not in outcomes:
                outcomes[taken.state] = self._op(node, bank, taken.state, context)
            outcome = outcomes[taken.state]
            self.decisions.spend(1 + len(outcome.states), node.span)
            path, taking = NONE, NONE
            if node.decision is not None and self.decisions.trace:
                path = decided(node.decision.local, f"banks {[*way.banks, bank]}")
            elif node.decision is not None and self.decisions.keep == "all":
                taking = adding(node.decision.local, bank)
            for finding in outcome.errors.values():
                errors.fail(finding.after(path + way.witness))
            for after, (ways, witness) in outcome.states.items():
                try:
                    flow = self._joined(node, taken.flow, after.flow)
                except ShapeError as error:
                    (told,) = failed(error, node.span).errors.values()
                    # which bank's op made which of the two is not known here
                    errors.fail(replace(told, about="").after(path + way.witness + witness))
                    continue
                following = Taken(taken.number + 1, flow, after._replace(flow=None, banks=taken.state.banks))
                _add(found, following, Way(way.ways * ways, (*way.banks, bank), way.witness + (taking + witness)))
        return found

    def _op(self, node: p.Read, bank: int, state: State, context: Context) -> Outcome:
        """Follow the op that one bank goes through."""
        assert node.through is not None
        assert state.banks is not None
        shape = at_entry(context.env) if state.banks.shapes is None else state.banks.shapes[bank]
        read = self.decisions.charge(state._replace(flow=shape), {"reads": 1})
        if read is None:
            return Outcome()
        outcome = self.layers.scope(node.through, read, context.bind(src=bank), f"{node.local}[{bank}]")
        if any(after.flow is None for after in outcome.states):
            return nothing_arrives(node.span)
        return arriving_by(made(shape, node.span, "read"), outcome) if self.decisions.trace else outcome

    def _joined(self, node: p.Read, before: Flow | None, flow: Flow | None) -> Flow:
        assert flow is not None
        if before is None:
            return flow
        # a read stretches nothing: what it joins is of one shape, unless it is concatenated
        join: ir.Join = "concat" if node.join == "concat" else "sum"
        joined = join_flows(join, (before, flow), f"by {SPELLING.get(node.join, node.join)}")
        return within_bounds(joined, self.decisions.limits)

    def note(self, node: p.Read, candidates: list[int]) -> None:
        """Note which banks may go through the op of a read."""
        facts = self.decisions.facts
        mask = facts.sources.get(id(node), 0) | sum(1 << bank for bank in candidates)
        facts.sources[id(node)] = mask
        facts.most[id(node)] = mask.bit_count()


def _add(found: dict[Taken, Way], taken: Taken, way: Way) -> None:
    known = found.get(taken)
    if known is None:
        found[taken] = way
    else:
        witness = known.witness.either(way.witness)
        banks = known.banks if witness is known.witness else way.banks
        found[taken] = Way(known.ways + way.ways, banks, witness)
