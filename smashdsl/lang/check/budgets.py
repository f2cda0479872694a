"""Ops that are added while what a cell has spent is below a bound, followed for every member at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from smashdsl.lang.check.account import Spent
from smashdsl.lang.check.decide import Context, Decisions, guard
from smashdsl.lang.check.outcome import Finding, Outcome, Place, State, start
from smashdsl.lang.program import templates as p
from smashdsl.lang.typed.evaluate import scalar
from smashdsl.ops import ShapeError

FollowOp: TypeAlias = Callable[[p.Scope, State, Context], Outcome]


class Budgets:
    """Follows the budgets of cells; ``op`` follows one op."""

    def __init__(self, op: FollowOp, decisions: Decisions) -> None:
        self.op = op
        self.decisions = decisions

    def step(
        self, member: p.Ops, before: tuple[p.Ops, ...], index: int, context: Context
    ) -> Callable[[State], Outcome]:
        """Return the step that adds ops while what is spent, at ``index`` of the account, is below a bound."""
        count, most = member.count, self.decisions.facts.most
        assert count is not None
        assert member.spent is not None
        allows = member.spent.allows

        def run(state: State, inner: Context) -> Outcome:
            bound = scalar(inner.env[count.name])
            position = position_after(before, most)

            def added_to(s: State) -> Outcome:
                return self.adding(member, index, s, inner.bind(left=bound - s.spent[index]))

            done, running, added = Outcome(), start(state), 0
            while True:
                going = {s: entry for s, entry in running.states.items() if allows(s.spent[index], bound)}
                for s, (ways, witness) in running.states.items():
                    if s not in going:
                        done.add(s, ways, witness)
                done.errors = running.errors
                if not going:
                    break
                if added == self.decisions.limits.sites:
                    message = f"`ops while` adds more than {self.decisions.limits.sites:,} ops"
                    raise ShapeError("SD0402", message, "lower the bound or raise the limit on sites")
                self.decisions.spend(len(going), member.span)
                running = self.decisions.then(
                    Outcome(going, running.errors), added_to, Place(f"op[{position + added}]", member.use.template)
                )
                added += 1
            most[id(member)] = max(added, most.get(id(member), 0))
            return done

        return lambda state: self.decisions.arguments(
            (count,), context, lambda c: guard(member.span, lambda: run(state, c))
        )

    def adding(self, member: p.Ops, index: int, state: State, context: Context) -> Outcome:
        """Follow one op of a budget, which must spend something in every member."""
        outcome = self.op(member.use, state, context)
        least = state.spent[index]
        if all(after.spent[index] > least for after in outcome.states):
            return outcome
        added = Outcome(errors=dict(outcome.errors))
        for after, (ways, witness) in outcome.states.items():
            if after.spent[index] > least:
                added.add(after, ways, witness)
                continue
            assert member.spent is not None
            measure = member.spent.measure
            message = f"this op adds nothing to `{measure}`, so `ops while` would never end"
            help = f"let each op add to `{measure}`, or write `ops 4 of {member.use.op}`"
            added.fail(Finding("SD0307", message, member.span, help, witness=witness))
        return added


def position_after(before: tuple[p.Ops, ...], most: dict[int, int]) -> int:
    """Return the number of the first op after some members of a cell."""
    return sum(1 if member.count is None else most.get(id(member), 0) for member in before)


def respent(outcome: Outcome, change: Callable[[Spent], Spent]) -> Outcome:
    """Return an outcome with accounts of another length; states that no longer differ become one."""
    changed = Outcome(errors=outcome.errors)
    for state, (ways, witness) in outcome.states.items():
        changed.add(state._replace(spent=change(state.spent)), ways, witness)
    return changed
