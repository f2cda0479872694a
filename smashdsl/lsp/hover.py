"""What a name is, in Markdown: its signature, its text, and what the whole space makes of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Span
from smashdsl.lang.typed.expressions import Expressions
from smashdsl.lang.typed.layers import LayerTable
from smashdsl.lang.typed.printer import expression
from smashdsl.lang.typed.scope import Scope
from smashdsl.lsp.analysis import Analysis
from smashdsl.lsp.binding import LayerArgument, Word
from smashdsl.lsp.language import JOINS, KEYWORDS, NAMES
from smashdsl.lsp.project import Document, Project
from smashdsl.lsp.shapes import described, seen_at
from smashdsl.lsp.symbols import Symbol
from smashdsl.ops import Arg, LayerOp

READABLE_DIGITS = 30


def hover(project: Project, file: str, offset: int, analysis: Analysis | None) -> tuple[str, Span] | None:
    """Return what to show for the word at a place, and the word's span.

    ``analysis`` says what compiling this very text found; without one, shapes and counts are left out.
    """
    found = project.meaning_at(file, offset)
    if found is None:
        return _keyword(project, file, offset, analysis)
    use, meaning = found
    parts: list[str] = []
    match meaning:
        case LayerOp():
            parts = [code(signature(meaning)), meaning.doc]
        case LayerArgument():
            parts = [code(f"{meaning.layer.name}({argument(meaning.arg)})"), f"an argument of `{meaning.layer.name}`"]
        case Symbol():
            parts = _symbol(project, meaning, analysis)
        case Word():
            known = JOINS if use.role == "join" else NAMES
            parts = [known[meaning.text]] if meaning.text in known else []
    if use.role in {"layer", "op"}:
        parts += _seen(analysis, use.span.start)
    text = "\n\n".join(part for part in parts if part)
    return (text, use.span) if text else None


def signature(layer: LayerOp) -> str:
    """Return a layer with its arguments and their defaults."""
    return f"{layer.name}({', '.join(argument(arg) for arg in layer.args)})" if layer.args else layer.name


def argument(arg: Arg) -> str:
    """Return an argument with its default, or with the words it takes."""
    default = str(arg.default).lower() if isinstance(arg.default, bool) else arg.default
    return arg.name if arg.required else f"{arg.name} = {default}"


def code(text: str) -> str:
    """Return text as a block of the language."""
    return f"```smash\n{text}\n```"


def value_of(document: Document, name: str) -> str | None:
    """Return what the value of a param comes to, or None when it is wrong or the text does not parse."""
    source = Source(document.file, document.text)
    sink = Sink(source)
    tree = parse(source, sink, Limits())
    if tree is None:
        return None
    members = [m for item in tree.items if isinstance(item, s.SpaceDef) for m in item.members]
    params = {p.name.id: p for p in (*tree.items, *members) if isinstance(p, s.Param)}
    expressions = Expressions(sink, Limits(), LayerTable(sink))
    expressions.declared = params
    for known, param in params.items():
        value = expressions.value(param.value, Scope())
        if known == name:
            return None if value is None else expression(replace(value, span=Span(0, 0)))
        expressions.define(known, value)
    return None


def _symbol(project: Project, symbol: Symbol, analysis: Analysis | None) -> list[str]:
    document = project.document(symbol.file)
    if document is None:
        return []
    text = document.text
    above = comment_above(text, symbol.whole.start)
    match symbol.kind:
        case "op" | "cell" | "block":
            head = text[symbol.whole.start : symbol.whole.end].partition("{")[0]
            if symbol.formals:
                head = text[symbol.whole.start : _closing(text, symbol.span.end)]
            return [code(head.strip()), above]
        case "param":
            value = value_of(document, symbol.name)
            written = text[symbol.whole.start : symbol.whole.end]
            shown = "" if value is None or written.endswith(f"= {value}") else f"is `{value}`"
            return [code(written), shown, above]
        case "space":
            return [code(f"space {symbol.name}"), _count(analysis), above]
    line = text[text.rfind("\n", 0, symbol.span.start) + 1 :].partition("\n")[0].strip()
    owner = "" if symbol.owner is None else f", of {symbol.owner.kind} `{symbol.owner.name}`"
    kind = {"index": "an index", "output": "the output"}.get(symbol.kind, f"a {symbol.kind}")
    return [code(line), f"{kind}{owner}"]


def _closing(text: str, start: int) -> int:
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0 and text[i] == ")":
            return i + 1
    return start


def comment_above(text: str, start: int) -> str:
    """Return the comment in the lines directly above a place."""
    lines = text[:start].split("\n")[:-1]
    found: list[str] = []
    while lines and lines[-1].strip().startswith("#"):
        found.insert(0, lines.pop().strip().lstrip("#").strip())
    return "\n".join(found)


def _count(analysis: Analysis | None) -> str:
    if analysis is None or analysis.compiled is None:
        return "not well made: its architectures are not counted" if analysis is not None else ""
    count = analysis.compiled.facts.count
    digits = str(Decimal(count))
    if count == 1:
        return "one architecture"
    exact = f"{count:,}" if len(digits) <= READABLE_DIGITS else digits
    about = "" if len(digits) <= READABLE_DIGITS else f", about {digits[0]}.{digits[1:4]}e{len(digits) - 1}"
    constraints = ", constraints not considered" if analysis.compiled.space.requires else ""
    return f"{exact} architectures{about}{constraints}"


def _seen(analysis: Analysis | None, start: int) -> list[str]:
    seen = None if analysis is None else seen_at(analysis, start)
    if analysis is None or seen is None:
        return []
    return ["\n".join(f"- {line}" for line in described(seen, analysis.watch.facts))]


def _keyword(project: Project, file: str, offset: int, analysis: Analysis | None) -> tuple[str, Span] | None:
    document = project.document(file)
    tokens = [] if document is None else document.tokens
    for token in tokens:
        span = Span(token.start_pos or 0, token.end_pos or 0)
        if span.start <= offset <= span.end and str(token) in KEYWORDS:
            return "\n\n".join([KEYWORDS[str(token)], *_seen(analysis, span.start)]), span
    return None
