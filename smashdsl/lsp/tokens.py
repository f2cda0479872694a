"""What each name of a text is, for colours that only its meaning decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from smashdsl.lang.text.source import Span
from smashdsl.lsp.binding import LayerArgument, Names
from smashdsl.lsp.symbols import Symbol
from smashdsl.ops import LayerOp

Kind: TypeAlias = Literal["function", "class", "namespace", "parameter", "variable", "property", "enumMember"]
KINDS: tuple[Kind, ...] = ("function", "class", "namespace", "parameter", "variable", "property", "enumMember")
MODIFIERS = ("declaration", "readonly", "defaultLibrary")
BY_SYMBOL: dict[str, Kind] = {
    "op": "function",
    "let": "function",
    "cell": "class",
    "block": "class",
    "space": "namespace",
    "formal": "parameter",
}


def meanings(names: Names) -> Iterator[tuple[Span, Kind, tuple[str, ...]]]:
    """Yield span, kind and modifiers of each name that means something, in text order."""
    for use in sorted(names.outline.uses, key=lambda use: use.span):
        meaning = names.meaning(use)
        if isinstance(meaning, Symbol):
            modifiers = ("declaration",) if use.role == "declared" else ()
            if meaning.kind == "param":
                modifiers = (*modifiers, "readonly")
            kind: Kind = "property" if use.role == "argument" else BY_SYMBOL.get(meaning.kind, "variable")
            yield use.span, kind, modifiers
        elif isinstance(meaning, LayerOp):
            yield use.span, "function", ("defaultLibrary",)
        elif isinstance(meaning, LayerArgument):
            yield use.span, "property" if use.role == "argument" else "parameter", ("defaultLibrary",)
        elif meaning is not None:
            yield use.span, "enumMember", ("defaultLibrary",)


def encoded(spans: list[tuple[int, int, int, Kind, tuple[str, ...]]]) -> list[int]:
    """Return tokens of (line, column, length, kind, modifiers) as differences, five numbers each."""
    data: list[int] = []
    line = column = 0
    for at, start, length, kind, modifiers in spans:
        bits = sum(1 << MODIFIERS.index(modifier) for modifier in modifiers)
        data += [at - line, start - column if at == line else start, length, KINDS.index(kind), bits]
        line, column = at, start
    return data
