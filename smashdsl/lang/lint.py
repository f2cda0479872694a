"""Warnings: what is right, but can hardly be what was meant, or could be said shorter.

The rules look at one text; only whether something is used at all is told by compiling. `# smash: allow SD1003` on the
line, or alone on the line above, silences a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields

from smashdsl.lang.compile import compile_source
from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.grammar import lex
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, Sink
from smashdsl.lang.text.folder import Reader
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Span

ALLOW = re.compile(r"#[ \t]*smash:[ \t]*allow[ \t]+(SD\d{4}(?:[ ,]+SD\d{4})*)[ \t]*$")
COMMENT = re.compile(r"#[^\n]*")
IDEMPOTENT = frozenset({"relu"})  # applied twice they do what they do once


def lint(source: Source, limits: Limits | None = None, reader: Reader | None = None) -> tuple[Diagnostic, ...]:
    """Return the warnings of a text in its order; a text without a space is not compiled.

    ``reader`` reads the files that it imports. Raises `SmashError` for a text that is wrong.
    """
    limits = limits or Limits()
    sink = Sink(source)
    tree = parse(source, sink, limits)
    sink.raise_if_failed()
    assert tree is not None
    found = list(_of_tree(tree))
    if any(isinstance(item, s.SpaceDef) for item in tree.items):
        compiled = compile_source(source, limits=limits, reader=reader)
        found += [_with_fix(source, tree, warning) for warning in compiled.warnings if not warning.span.file]
    return tuple(sorted(_allowed(source, found), key=lambda d: d.span.order))


def fixed(source: Source, warnings: Sequence[Diagnostic]) -> str:
    """Return the text with the fixes of its warnings; of fixes that overlap the first is made."""
    edits = sorted((edit for warning in warnings for edit in warning.fix), key=lambda edit: edit.span)
    out, end = [], 0
    for edit in edits:
        if edit.span.start >= end:
            out += [source.text[end : edit.span.start], edit.text]
            end = edit.span.end
    return "".join(out) + source.text[end:]


# -- rules ------------------------------------------------------------------------------------


def _walk(node: s.Node) -> Iterator[s.Node]:
    """Yield a node and all below it."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        for field in fields(here):
            value = getattr(here, field.name)
            items = value if isinstance(value, tuple) and not isinstance(value, Span) else (value,)
            stack.extend(item for item in items if isinstance(item, s.Node))


def _of_tree(tree: s.File) -> Iterator[Diagnostic]:
    for node in _walk(tree):
        match node:
            case s.Seq():
                yield from _of_path(node)
            case s.OpDef() | s.CellDef():
                yield from _unused_formals(node)
            case s.Choose():
                yield from _of_choose(node)
            case s.SetOf():
                weights = [element.weight for element in node.elements]
                yield from _equal_weights(weights, node.span, "elements")
            case s.Range() if node.low == node.high:
                yield Diagnostic("SD1005", "this range holds one number", node.span, help="write the number")
            case s.Repeat() if node.count == s.Number(1):
                yield Diagnostic("SD1006", "`repeat 1` repeats nothing", node.span, help="write what it holds alone")


def _of_path(path: s.Seq) -> Iterator[Diagnostic]:
    before: s.Node | None = None
    for i, statement in enumerate(path.statements):
        match statement:
            case s.Let():
                later = [node for after in path.statements[i + 1 :] for node in _walk(after)]
                used = {node.name.id for node in later if isinstance(node, s.Layer)}
                for name in statement.names:
                    if name.id not in used:
                        yield Diagnostic("SD1002", f"layer `{name.id}` of this `let` is never used", name.span)
            case s.Layer() if statement.name.id == "identity" and len(path.statements) > 1:
                yield Diagnostic("SD1007", "`identity` changes nothing here", statement.span, help="drop it")
            case s.Layer() if statement.name.id in IDEMPOTENT and statement == before:
                message = f"`{statement.name.id}` twice does what one does"
                yield Diagnostic("SD1008", message, statement.span, help="drop one")
        before = statement


def _unused_formals(node: s.OpDef | s.CellDef) -> Iterator[Diagnostic]:
    nodes = list(_walk(node))
    declared = {id(formal.name) for formal in node.formals}
    named = {id(argument.name) for argument in nodes if isinstance(argument, s.Argument)}
    used = {name.id for name in nodes if isinstance(name, s.Name) and id(name) not in declared | named}
    for formal in node.formals:
        if formal.name.id not in used:
            message = f"`{node.name.id}` never uses its formal `{formal.name.id}`"
            yield Diagnostic("SD1003", message, formal.name.span)


def _of_choose(node: s.Choose) -> Iterator[Diagnostic]:
    for i, alternative in enumerate(node.alternatives):
        if any(alternative.path == earlier.path for earlier in node.alternatives[:i]):
            span = alternative.span if alternative.path.statements else node.span
            help = "give one alternative a larger weight"
            yield Diagnostic("SD1004", "an equal alternative stands before this one", span, help=help)
    yield from _equal_weights([alternative.weight for alternative in node.alternatives], node.span, "alternatives")


def _equal_weights(weights: Sequence[s.Expr | None], span: Span, what: str) -> Iterator[Diagnostic]:
    first = weights[0]
    if len(weights) > 1 and isinstance(first, s.Number) and all(weight == first for weight in weights):
        message = f"all {what} have one weight, which they have without weights too"
        yield Diagnostic("SD1009", message, span, help="drop the weights")


def _with_fix(source: Source, tree: s.File, warning: Diagnostic) -> Diagnostic:
    """Return a warning of the compiler; a param that nothing uses can be dropped with its line."""
    param = next((n for n in _walk(tree) if isinstance(n, s.Param) and n.name.span == warning.span), None)
    if param is None:
        return warning
    start = source.text.rfind("\n", 0, param.span.start) + 1
    end = source.text.find("\n", param.span.end) + 1 or len(source.text)
    alone = not source.text[start : param.span.start].strip()
    behind = source.text[param.span.end : end].strip()
    if not alone or (behind and not behind.startswith("#")):
        start, end = param.span.start, param.span.end
    return Diagnostic(warning.code, warning.message, warning.span, help="drop it", fix=(Edit(Span(start, end), ""),))


# -- what is allowed --------------------------------------------------------------------------


def _comments(text: str) -> Iterator[Span]:
    end = 0
    for start, after in [*((t.start_pos or 0, t.end_pos or 0) for t in lex(text)), (len(text), len(text))]:
        yield from (Span(*comment.span()) for comment in COMMENT.finditer(text, end, start))
        end = after


def _allowed(source: Source, found: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield the warnings that no comment allows, and one for each code that is allowed but told nowhere."""
    allowed: dict[tuple[int, str], Span] = {}  # by line and code, the comment
    for span in _comments(source.text):
        match = ALLOW.match(source.text[span.start : span.end])
        if match:
            line, column = source.position(span.start)
            alone = not source.line(line)[: column - 1].strip()
            for code in re.findall(r"SD\d{4}", match[1]):
                allowed[line + alone, code] = span
    used = set()
    for warning in found:
        key = source.position(warning.span.start)[0], warning.code
        if key in allowed:
            used.add(key)
        else:
            yield warning
    for key in allowed.keys() - used:
        span = allowed[key]
        lonely = all(other == key or allowed[other] != span for other in allowed)
        fix = (Edit(span, ""),) if lonely else ()
        yield Diagnostic(
            "SD1010", f"{key[1]} is allowed here, but nothing is told of it", span, help="drop it", fix=fix
        )
