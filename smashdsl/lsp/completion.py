"""What may be written at a cursor: words that the parser accepts there, and names that mean something there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from smashdsl.lang.syntax.grammar import keywords
from smashdsl.lang.syntax.recovery import Recovery
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.text.source import Source, Span
from smashdsl.lang.typed.resolve import INPUTS
from smashdsl.lang.typed.scope import CONTEXT, MEASURES
from smashdsl.lang.typed.selections import POOLS, READ_JOINS, WRITE_JOINS
from smashdsl.lsp.binding import LayerArgument, Names
from smashdsl.lsp.hover import argument, signature
from smashdsl.lsp.language import JOINS, KEYWORDS, NAMES, READABLE, SNIPPETS
from smashdsl.lsp.paths import importable
from smashdsl.lsp.project import Document, Project
from smashdsl.lsp.scan import at_cursor
from smashdsl.lsp.symbols import Symbol, Use
from smashdsl.ops import LAYERS, LayerOp, plugins

Kind = Literal["keyword", "layer", "op", "cell", "let", "param", "variable", "argument", "word", "function", "file"]
FIRST_LINE = "smash 1"
COMBINERS = frozenset({"sum", "product", "concat", "mean", "max"})


@dataclass(frozen=True)
class Item:
    """One thing that may be written. ``insert`` may hold places to fill in, `$1` or `${1:text}`."""

    label: str
    kind: Kind
    detail: str = ""
    insert: str = ""
    doc: str = ""


def complete(project: Project, file: str, offset: int) -> tuple[Span, list[Item]]:
    """Return what may stand at a cursor, and the part of a word that it replaces; the likeliest come first."""
    document = project.document(file)
    files = importable(project, file, offset)
    if files is not None:
        return files[0], [Item(name, "file") for name in files[1]]
    if document is None or in_comment_or_string(document.text, offset):
        return Span(offset, offset), []
    start = word_start(document.text, offset)
    use = at_cursor(document.text, document.tokens, start)
    accepts = accepted(document, start)
    found: dict[str, Item] = {}
    items = [*_names(project.names(file), use), *_keywords(accepts, use)] if accepts else []
    for item in items:
        found.setdefault(item.label, item)
    return Span(start, offset), list(found.values())


def word_start(text: str, offset: int) -> int:
    """Return where the word that ends at a cursor starts."""
    while offset and (text[offset - 1].isalnum() or text[offset - 1] == "_") and text[offset - 1].isascii():
        offset -= 1
    return offset


def in_comment_or_string(text: str, offset: int) -> bool:
    """Return whether a cursor stands where no word of the language is read."""
    quoted = False
    for char in text[text.rfind("\n", 0, offset) + 1 : offset]:
        if char == "#" and not quoted:
            return True
        quoted ^= char == '"'
    return quoted


def accepted(document: Document, offset: int) -> frozenset[str]:
    """Return the terminals that may stand at a place, by what is written before it."""
    before = [token for token in document.tokens if (token.end_pos or 0) <= offset]
    recovery = Recovery(Sink(Source(document.file, document.text)), before)
    return recovery.accepts() if recovery.read() else frozenset()


# -- words of the language ------------------------------------------------------------------------


def _keywords(accepts: frozenset[str], use: Use) -> Iterator[Item]:
    if "VERSION" in accepts:
        yield Item(FIRST_LINE, "keyword", "the version of the language, on the first line")
    if use.role in {"join", "pool"}:
        return
    for word, terminal in keywords().items():
        joint = use.role == "layer" and use.owner is None  # no op around it, so no banks
        # where a value stands, `max` and its like are functions, and `banks` is a name
        other = word in {"read", "write"} if joint else use.role == "value" and (word in NAMES or word in COMBINERS)
        if terminal in accepts and not other:
            yield Item(word, "keyword", insert=_snippet(word, use), doc=KEYWORDS.get(word, ""))


def _snippet(word: str, use: Use) -> str:
    if word == "op" and use.role == "declared" and use.owner is not None:
        return "op {\n\t$0\n}"
    return SNIPPETS.get(word, "")


# -- names ----------------------------------------------------------------------------------------


def _names(names: Names, use: Use) -> Iterator[Item]:
    match use.role:
        case "layer":
            yield from _symbols(names, use, {"let", "op", "cell"})
            yield from (_layer(layer) for layer in LAYERS.values())
            yield from (Item(name, "layer", "of a package") for name in sorted(plugins.names()))
        case "op":
            yield from _symbols(names, use, {"op"})
        case "value":
            yield from _values(names, use)
        case "pool":
            for pool in READABLE if use.statement == "READ" else POOLS:
                yield Item(pool, "word", doc=NAMES[pool])
        case "join":
            for join in WRITE_JOINS if use.statement == "WRITE" else READ_JOINS:
                yield Item(join, "word", doc=JOINS[join])
        case "input":
            yield from (Item(kind, "word") for kind in INPUTS)


def _values(names: Names, use: Use) -> Iterator[Item]:
    current = names.current(use)
    weights = current is not None and isinstance(current[1], LayerArgument) and current[1].arg.kind == "weights"
    if current is not None:
        yield from (Item(word, "word", f"`{current[0]}`") for word in names.words(use))
    if use.call is not None and use.first:
        for i, (name, meaning) in enumerate(names.signature(use.call)):
            if name not in use.call.given and i >= use.call.position:
                detail = argument(meaning.arg) if isinstance(meaning, LayerArgument) else "a formal"
                yield Item(f"{name} =", "argument", detail, insert=f"{name} = $0")
    if weights:
        return
    yield from _symbols(names, use, {"formal", "index", "loop", "param", "output"})
    for name, _ in names.earlier(use):
        yield Item(name, "variable", "an earlier argument")
    context = MEASURES if use.statement == "REQUIRE" else CONTEXT if use.owner is not None else {"channels"}
    if use.owner is not None and use.owner.kind == "cell":
        context = context | {"shrink"}
    for name in sorted(context):
        yield Item(name, "variable", doc=NAMES[name])
    for function in ("min", "max", *(("count",) if use.statement == "REQUIRE" else ())):
        yield Item(function, "function", insert=f"{function}($0)", doc=NAMES[function])


def _symbols(names: Names, use: Use, kinds: set[str]) -> Iterator[Item]:
    here = [s for s in names.outline.visible(use.span.start) if s.span.end <= use.span.start or s.scope.start == 0]
    for symbol in (*here, *names.imported.values()):
        if symbol.kind in kinds and (use.owner is None or symbol.span != use.owner.span):
            yield _symbol(symbol)


def _symbol(symbol: Symbol) -> Item:
    kinds: dict[str, Kind] = {"op": "op", "cell": "cell", "let": "let", "param": "param"}
    owner = "" if symbol.owner is None else f" of `{symbol.owner.name}`"
    insert = ""
    if symbol.formals:
        insert = f"{symbol.name}({', '.join(f'${{{i}:{f.name}}}' for i, f in enumerate(symbol.formals, 1))})"
    return Item(symbol.name, kinds.get(symbol.kind, "variable"), f"{symbol.kind}{owner}", insert)


def _layer(layer: LayerOp) -> Item:
    required = [arg.name for arg in layer.args if arg.required]
    filled = ", ".join(f"${{{i}:{name}}}" for i, name in enumerate(required, 1))
    insert = f"{layer.name}({filled})" if required else ""
    return Item(layer.name, "layer", signature(layer), insert, layer.doc)
