"""A declaration and all that names it, under another name; refused where the language would refuse that name."""

from __future__ import annotations

from collections import Counter

from smashdsl.errors import UserError
from smashdsl.lang.syntax.grammar import keywords
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed.ir import NEXT_TOKEN
from smashdsl.lang.typed.scope import RESERVED
from smashdsl.lsp.analysis import analyse
from smashdsl.lsp.lexing import words
from smashdsl.lsp.project import PRELUDE, Document, Project, document
from smashdsl.lsp.symbols import Symbol
from smashdsl.ops import LAYERS


def renamable(project: Project, file: str, offset: int) -> tuple[Symbol, Span]:
    """Return the declaration that a name at a place stands for, and the span of the name; raises `UserError`."""
    found = project.meaning_at(file, offset)
    if found is None:
        raise UserError("no name stands here")
    use, meaning = found
    if not isinstance(meaning, Symbol):
        kind = "a layer of the language" if use.name in LAYERS else "a name of the language"
        raise UserError(f"`{use.name}` is {kind}" if meaning is not None else f"`{use.name}` is not declared")
    if meaning.file == PRELUDE:
        raise UserError(f"`{use.name}` is an op of the language")
    if meaning.kind == "output" and meaning.name == NEXT_TOKEN:
        raise UserError(f"`{NEXT_TOKEN}` is a name of the language")
    return meaning, use.span


def rename(project: Project, file: str, offset: int, name: str) -> dict[str, list[Span]]:
    """Return the places by file where the new name is to stand.

    Raises `UserError`, in the words the compiler would use, when the name can't be declared or would change what
    another name means.
    """
    symbol, _ = renamable(project, file, offset)
    _allowed(name)
    places: dict[str, list[Span]] = {}
    for at, span in project.references(symbol, file):
        places.setdefault(at, []).append(span)
    renamed = Project({**project.open, **{at: _replaced(project, at, spans, name) for at, spans in places.items()}})
    for at in places:
        _same_meaning(project, renamed, at, len(name) - len(symbol.name), places)
    return places


def _allowed(name: str) -> None:
    tokens = words(name)
    if name in keywords():
        raise UserError(f"`{name}` is a reserved word and can't be a name")
    if len(tokens) != 1 or tokens[0].type != "NAME" or tokens[0] != name:
        raise UserError(f"`{name}` is no name: letters, digits and `_`, not a digit first")
    if name in RESERVED:
        raise UserError(f"`{name}` is a name of the language and can't be declared")
    if name in LAYERS:
        raise UserError(f"`{name}` is a layer of the language and can't be declared")


def _replaced(project: Project, file: str, spans: list[Span], name: str) -> Document:
    known = project.document(file)
    assert known is not None  # a reference was found in it
    text = known.text
    for span in sorted(spans, reverse=True):
        text = text[: span.start] + name + text[span.end :]
    return document(file, text)


def _same_meaning(before: Project, after: Project, file: str, longer: int, places: dict[str, list[Span]]) -> None:
    """Raise `UserError` when a name of a file means another declaration than before, or new mistakes appear."""
    old, new = before.document(file), after.document(file)
    assert old is not None
    assert new is not None
    known = Counter(d.message for d in analyse(file, old.text, reader=before.reader(file)).diagnostics)
    for diagnostic in analyse(file, new.text, reader=after.reader(file)).diagnostics:
        known[diagnostic.message] -= 1
        if known[diagnostic.message] < 0 and diagnostic.severity == "error":
            raise UserError(diagnostic.message)
    old_names, new_names = before.names(file), after.names(file)
    for was, now in zip(old.outline.uses, new.outline.uses, strict=True):
        meant, means = old_names.meaning(was), new_names.meaning(now)
        if isinstance(meant, Symbol) or isinstance(means, Symbol):
            moved = isinstance(meant, Symbol) and _moved(meant, places.get(meant.file, []), longer)
            if not isinstance(means, Symbol) or moved != (means.file, means.span.start):
                raise UserError(f"`{now.name}` is declared already and can't be declared again here")


def _moved(symbol: Symbol, places: list[Span], longer: int) -> tuple[str, int]:
    """Return where a declaration stands after the places before it became longer."""
    return symbol.file, symbol.span.start + longer * sum(span.start < symbol.span.start for span in places)
