"""The members of a space that is right: how many meet its constraints, and each of them by a number."""

from __future__ import annotations

from smashdsl.lang.check.check import follow
from smashdsl.lang.check.constraints import Constraints
from smashdsl.lang.check.decide import Decisions, Keep, NotDecided
from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.outcome import Witness
from smashdsl.lang.check.ways import Ways
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.limits import Limits
from smashdsl.ops import ShapeError


def count_members(program: p.Program, facts: Facts, limits: Limits) -> int | None:
    """Return how many members meet the constraints, None where that takes more states than the limit."""
    if not program.space.requires:
        return facts.count
    found = _meeting(program, facts, limits, "nothing", Constraints(program.space.requires))
    return None if found is None else sum(ways for ways, _ in found)


def number_members(program: p.Program, facts: Facts, limits: Limits, constrained: bool) -> Ways | None:
    """Return every way to a member, or to one that meets the constraints; None where there are too many states.

    A space without members has no ways, and `Ways.ways` is 0.
    """
    found = _meeting(program, facts, limits, "all", Constraints(program.space.requires if constrained else ()))
    if found is None:
        return None
    return Ways("any", sum(ways for ways, _ in found), [way for _, way in found], None)


def _meeting(
    program: p.Program, facts: Facts, limits: Limits, keep: Keep, constraints: Constraints
) -> list[tuple[int, Witness]] | None:
    decisions = Decisions(limits, keep, constraints.meters)
    # ops are named by the most that come before them, over all members
    decisions.facts.most.update(facts.most)
    try:
        outcome = follow(program, decisions)
        return [entry for state, entry in outcome.states.items() if constraints.met(state.spent)]
    except (NotDecided, ShapeError):
        return None
