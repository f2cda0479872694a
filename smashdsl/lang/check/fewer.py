"""Blocks that decide how many banks they have: what is found for the most banks holds for fewer, as far as it goes.

Where ops only take fresh banks in order, and nothing else asks how many banks there are, a write leads to the same
states by the same sets, however many banks are free beyond those it takes. Banks are only added. So of the members with
n banks, those states are reached which n banks can hold, in as many ways as where there are more.
"""

from __future__ import annotations

from smashdsl.lang.check.outcome import Outcome
from smashdsl.lang.program import templates as p
from smashdsl.lang.program.dependencies import Dependencies
from smashdsl.lang.typed import terms


def indifferent(cell: p.Cell, free: Dependencies) -> bool:
    """Return whether the ops of a cell don't see how many banks there are but where a write finds no fresh one."""
    return all(_indifferent(member, free) for member in cell.members)


def _indifferent(member: p.Ops, free: Dependencies) -> bool:
    write = member.use.body[-1] if member.use.body else None
    if not isinstance(write, p.Write) or write.decision is None:
        return False
    if write.banks.pool != "reachable" or write.banks.size is not None:
        return False
    arguments = member.use.formals if member.count is None else (*member.use.formals, member.count)
    names = {name for argument in arguments for name in terms.names(argument.value)}
    return "banks" not in {*names, *free.of_all(member.use.body[:-1])}


def holding(whole: Outcome, banks: int) -> Outcome:
    """Return the part of what was found for more banks that some banks can hold."""
    states = {s: entry for s, entry in whole.states.items() if s.banks is None or not s.banks.written >> banks}
    return Outcome(states, whole.errors)
