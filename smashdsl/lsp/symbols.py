"""What a text declares and uses, as data: made by `scan`, asked by everything else."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from smashdsl.lang.text.source import Span

Kind = Literal["param", "op", "cell", "block", "space", "output", "formal", "index", "loop", "let"]
# what a name stands for at its place: how it may be completed, and where its declaration is looked for
Role = Literal["declared", "layer", "op", "value", "argument", "pool", "join", "function", "input"]
GLOBAL: frozenset[Kind] = frozenset({"param", "op", "cell", "block", "space", "output"})


@dataclass(eq=False)
class Symbol:
    """A declaration. ``scope`` is where the name means this; ``whole`` is its text from keyword to end."""

    name: str
    kind: Kind
    span: Span
    whole: Span
    scope: Span
    owner: Symbol | None = None  # of a formal, index, loop or let: the definition it stands in
    formals: list[Symbol] = field(default_factory=list)
    file: str = ""


@dataclass(eq=False)
class Call:
    """The arguments of a layer, as far as they are written."""

    callee: str
    at: int  # where the callee's name stands
    start: int  # after the bracket
    end: int
    through: bool = False  # whether a read goes through it
    given: list[str] = field(default_factory=list)
    position: int = 0


@dataclass(eq=False)
class Use:
    """A name at its place. ``argument`` is the name or the position of the argument that it stands in."""

    name: str
    span: Span
    role: Role
    call: Call | None = None
    argument: str | int | None = None
    statement: str = ""  # the terminal that the statement starts with
    owner: Symbol | None = None
    first: bool = False  # whether a new argument starts here


@dataclass
class Outline:
    """Everything that is declared and used in a text, in text order."""

    symbols: list[Symbol] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    imports: list[tuple[str, Span]] = field(default_factory=list)

    def use_at(self, offset: int) -> Use | None:
        """Return the name that a cursor is on or directly behind."""
        found = [use for use in self.uses if use.span.start <= offset <= use.span.end]
        return found[-1] if found else None

    @cached_property
    def by_name(self) -> dict[str, list[Symbol]]:
        """Declarations by name, asked for when the outline is whole."""
        found: dict[str, list[Symbol]] = {}
        for symbol in self.symbols:
            found.setdefault(symbol.name, []).append(symbol)
        return found

    def visible(self, offset: int, name: str | None = None) -> list[Symbol]:
        """Return what may be named at a place, or what one name may mean there, inner declarations first."""
        symbols = self.symbols if name is None else self.by_name.get(name, [])
        inner = [s for s in symbols if s.kind not in GLOBAL and s.scope.start <= offset < s.scope.end]
        return [*reversed(inner), *(s for s in symbols if s.kind in GLOBAL)]

    def call_at(self, offset: int) -> Call | None:
        """Return the innermost call whose brackets are around a place."""
        found = [call for call in self.calls if call.start <= offset <= call.end]
        return max(found, key=lambda call: call.start) if found else None
