"""What two spaces differ in: their parts as text, their decisions and what these can be, how many members they have.

Layout, comments and the names of constant params are no part of a space, so texts that differ in them only are one.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from smashdsl.lang.check.facts import Value
from smashdsl.lang.compile import Compiled
from smashdsl.lang.typed.identity import space_hash
from smashdsl.lang.typed.printer import parts

MOST_VALUES = 12
How = Literal["added", "removed", "changed", "moved"]


@dataclass(frozen=True)
class Change:
    """One thing that differs; ``lines`` are those of a unified diff, without their context."""

    what: str
    how: How
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """Everything that two spaces differ in; without changes they are one space."""

    hashes: tuple[str, str]
    counts: tuple[int, int]  # constraints not considered
    parts: tuple[Change, ...]
    decisions: tuple[Change, ...]

    @property
    def same(self) -> bool:
        return self.hashes[0] == self.hashes[1]


def compare(old: Compiled, new: Compiled) -> Difference:
    """Return what two spaces differ in."""
    before, after = dict(parts(old.space)), dict(parts(new.space))
    changes = _changes(before, after)
    hashes = space_hash(old.space), space_hash(new.space)
    if not changes and hashes[0] != hashes[1]:
        changes = _moved(list(before), list(after))
    return Difference(hashes, (old.facts.count, new.facts.count), changes, _changes(_decisions(old), _decisions(new)))


def as_data(difference: Difference) -> dict[str, Any]:
    """Return a difference as JSON-ready data; counts as text, which no reader rounds."""

    def listed(changes: tuple[Change, ...]) -> list[dict[str, Any]]:
        return [{"what": change.what, "how": change.how, "lines": list(change.lines)} for change in changes]

    return {
        "same": difference.same,
        "hashes": list(difference.hashes),
        "counts": [str(Decimal(count)) for count in difference.counts],
        "parts": listed(difference.parts),
        "decisions": listed(difference.decisions),
    }


def _changes(before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]) -> tuple[Change, ...]:
    """Return what was removed, added and changed, in the order of the texts."""
    found = []
    for name in (*before, *(name for name in after if name not in before)):
        old, new = before.get(name, ()), after.get(name, ())
        if name not in after:
            found.append(Change(name, "removed", tuple(f"- {line}" for line in old)))
        elif name not in before:
            found.append(Change(name, "added", tuple(f"+ {line}" for line in new)))
        elif old != new:
            found.append(Change(name, "changed", _lines(old, new)))
    return tuple(found)


def _moved(before: Sequence[str], after: Sequence[str]) -> tuple[Change, ...]:
    """Return the parts that stand in another order: decisions are drawn in that order."""
    return (Change("the order of the parts", "moved", _lines(before, after)),)


def _lines(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """Return the lines that only one side has."""
    hunks = list(difflib.unified_diff(old, new, n=0, lineterm=""))[2:]  # names of files come first
    return tuple(f"{line[0]} {line[1:]}" for line in hunks if not line.startswith("@@"))


def _decisions(compiled: Compiled) -> dict[str, tuple[str, ...]]:
    facts = compiled.facts
    return {
        path: (f"a set of {facts.banks.get(path, 0)} banks",) if values is None else (_domain(values),)
        for path, values in facts.alphabets.items()
    }


def _domain(values: tuple[Value, ...]) -> str:
    shown = ["x".join(map(str, value)) if isinstance(value, tuple) else str(value) for value in values]
    if len(shown) > MOST_VALUES:
        shown = [*shown[: MOST_VALUES - 2], f"… {len(shown) - MOST_VALUES + 1} more …", shown[-1]]
    return f"{{{', '.join(shown)}}}"
