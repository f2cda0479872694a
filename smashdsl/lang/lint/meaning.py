"""Warnings that the space shows and its text does not, each true of every member.

Not told: an alternative that no member takes for a constraint, which would need the members of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from smashdsl.lang.check.count import count_members
from smashdsl.lang.compile import Compiled
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.diagnostics import Diagnostic, Label
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate, scalar
from smashdsl.ops import ShapeError

MOST_STATES = 2_000  # of counting, which takes about a second then
Known = frozenset[int] | None  # banks by index, None where they are decided or not known


# -- what never leaves ------------------------------------------------------------------------


def of_reach(compiled: Compiled) -> Iterator[Diagnostic]:
    """Yield the ops whose banks are neither read by a later op nor yielded, wherever their cell is used."""
    reaches: dict[Span, bool] = {}
    banks: dict[Span, frozenset[int]] = {}
    owners: dict[Span, p.Cell] = {}
    for cell in _cells(compiled.program):
        live = None if cell.result is None else _listed(cell.result)
        for member in reversed(cell.members):
            written, kind = _written(member.use)
            reached = live is None or written is None or bool(live & written)
            reaches[member.span] = reaches.get(member.span, False) or reached
            banks[member.span] = banks.get(member.span, frozenset()) | (written or frozenset())
            owners.setdefault(member.span, cell)
            if not reached:
                continue
            if live is not None and written is not None and kind == "replace" and member.count is None:
                live -= written  # what was there before is not in what is left
            read = _read(member.use)
            live = None if live is None or read is None else live | read
    for span, reached in reaches.items():
        if not reached and not span.file:
            message = f"what this op writes never leaves `{owners[span].template}`"
            help = f"read bank {_listing(banks[span])} in a later op, yield it, or drop this op"
            label = Label(owners[span].span) if owners[span].span.file == span.file else None
            yield Diagnostic("SD1014", message, span, others=() if label is None else (label,), help=help)


def _cells(program: p.Program) -> Iterator[p.Cell]:
    yield from (block.cell for block in program.blocks)
    for root in p.roots(program):
        yield from (node.cell for node in p.nodes(root) if isinstance(node, p.CellUse))


def _written(use: p.Scope) -> tuple[Known, str]:
    """Return the banks that an op writes and how; a write ends an op, so it is always made."""
    last = use.body[-1] if use.body else None
    return (_listed(last.banks), last.join) if isinstance(last, p.Write) else (None, "")


def _read(use: p.Scope) -> Known:
    """Return every bank that an op may read."""
    found: frozenset[int] = frozenset()
    for node in p.nodes(use):
        if isinstance(node, p.Read):
            banks = _listed(node.banks)
            if banks is None:
                return None
            found |= banks
    return found


def _listed(selection: ir.Selection) -> Known:
    """Return the banks that a selection names by constant indices."""
    if selection.mode != "listed":
        return None
    try:
        found = [scalar(evaluate(bank, {}, {})) for bank in selection.banks]
    except (ShapeError, KeyError):  # a formal or what surrounds the op is in it
        return None
    return frozenset(found) if all(isinstance(bank, int) and bank >= 0 for bank in found) else None


def _listing(banks: frozenset[int]) -> str:
    return " and ".join(map(str, sorted(banks)))


# -- what never runs --------------------------------------------------------------------------


def of_counts(compiled: Compiled) -> Iterator[Diagnostic]:
    """Yield each `repeat` and `ops` that runs no time in any member."""
    most: dict[tuple[Span, str], int] = {}
    for node in _counted(compiled.program):
        number = compiled.facts.most.get(id(node))
        if number is not None:
            key = node.span, "repeat" if isinstance(node, p.Repeat) else "ops"
            most[key] = max(number, most.get(key, 0))
    for (span, word), number in most.items():
        if not number and not span.file:
            message = f"`{word}` runs no time in any member of the space"
            yield Diagnostic("SD1015", message, span, help="raise its count, or drop it")


def _counted(program: p.Program) -> Iterator[p.Repeat | p.Ops]:
    for cell in _cells(program):
        yield from cell.members
    for root in p.roots(program):
        yield from (node for node in p.nodes(root) if isinstance(node, p.Repeat))


# -- constraints ------------------------------------------------------------------------------


def of_constraints(compiled: Compiled) -> Iterator[Diagnostic]:
    """Yield each constraint that every member meets or none does, and constraints that none meets together.

    Only what counting proves within `MOST_STATES` is told.
    """
    requires = [require for require in compiled.space.requires if not require.span.file]
    every, impossible = compiled.facts.count, False
    for require in requires:
        members = _members(compiled, (require,))
        if members == 0:
            impossible = True
            message = "no member of the space meets this constraint"
            yield Diagnostic("SD1017", message, require.span, help="loosen it: nothing can be drawn")
        elif members == every:
            message = "every member of the space meets this constraint"
            yield Diagnostic("SD1016", message, require.span, help="tighten it, or drop it")
    if len(requires) > 1 and not impossible and _members(compiled, compiled.space.requires) == 0:
        others = tuple(Label(require.span) for require in requires[:-1])
        message = "no member of the space meets this constraint and those before it"
        yield Diagnostic("SD1017", message, requires[-1].span, others=others, help="loosen one: nothing can be drawn")


def _members(compiled: Compiled, requires: Sequence[ir.Require]) -> int | None:
    """Return how many members meet constraints, None where that is too much to count."""
    space = replace(compiled.space, requires=tuple(requires))
    limits = replace(compiled.limits, states=min(compiled.limits.states, MOST_STATES))
    return count_members(replace(compiled.program, space=space), compiled.facts, limits)
