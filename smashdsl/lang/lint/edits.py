"""Edits that take something out of a text and leave what stands around it right."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from itertools import islice

from lark import Token

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.grammar import lex
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.text.source import Source, Span

ROUND = {"LPAR": 1, "RPAR": -1}
CURLY = {"LBRACE": 1, "RBRACE": -1}
SEPARATED = re.compile(r"[ \t]*;[ \t]*")
SEPARATOR = re.compile(r";[ \t]*\Z")


def walk(node: s.Node) -> Iterator[s.Node]:
    """Yield a node and all below it."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        for field in fields(here):
            value = getattr(here, field.name)
            items = value if isinstance(value, tuple) and not isinstance(value, Span) else (value,)
            stack.extend(item for item in items if isinstance(item, s.Node))


def extent(source: Source, node: s.Node) -> Span:
    """Return where a node stands with its body, up to the `}`: spans of nodes with a body are those of its head."""
    body = node.body if isinstance(node, s.Let) else node
    if not isinstance(body, s.OpDef | s.CellDef | s.Combine):
        return node.span
    round, curly = 0, 0
    tokens, starts = _tokens(source.text)
    for token in islice(tokens, bisect_left(starts, node.span.start), None):
        round += ROUND.get(token.type, 0)
        curly += 0 if round else CURLY.get(token.type, 0)
        if token.type == "RBRACE" and not round and not curly:
            return Span(node.span.start, token.end_pos or 0)
    raise AssertionError("a body that is never closed has no tree")


@lru_cache(maxsize=1)
def _tokens(text: str) -> tuple[list[Token], list[int]]:
    """Return the tokens of a text and where they start."""
    tokens = lex(text)
    return tokens, [token.start_pos or 0 for token in tokens]


def without_lines(source: Source, node: s.Node) -> Edit:
    """Return the edit that drops a declaration, with its lines and the comment behind it where it has them alone."""
    span = extent(source, node)
    start = source.text.rfind("\n", 0, span.start) + 1
    end = source.text.find("\n", span.end) + 1 or len(source.text)
    alone = not source.text[start : span.start].strip()
    behind = source.text[span.end : end].strip()
    if not alone or (behind and not behind.startswith("#")):
        start, end = span.start, span.end
    return Edit(Span(start, end), "")


def without_statement(source: Source, path: s.Seq, statement: s.Node) -> Edit:
    """Return the edit that drops a statement of a path with its `;`; a path that would be empty says so."""
    start, end, _ = whole = extent(source, statement)
    if len(path.statements) == 1:
        return Edit(whole, "identity")
    after = SEPARATED.match(source.text, end)
    before = SEPARATOR.search(source.text, source.text.rfind("\n", 0, start) + 1, start)
    if after:
        end = after.end()
    elif before:
        return Edit(Span(before.start(), end), "")
    line, stop = source.text.rfind("\n", 0, start) + 1, source.text.find("\n", end)
    if stop >= 0 and not source.text[line:start].strip() and not source.text[end:stop].strip():
        start, end = line, stop + 1
    return Edit(Span(start, end), "")


def unwrapped(source: Source, start: int, body: Span) -> tuple[Edit, ...]:
    """Return the edits that leave only what stands between the braces of a body, of all from ``start`` on."""
    inside = source.text[body.start + 1 : body.end - 1]
    first = body.start + 1 + len(inside) - len(inside.lstrip())
    last = body.start + 1 + len(inside.rstrip())
    commented = "#" in source.text[source.text.rfind("\n", 0, last) + 1 : last]
    return Edit(Span(start, first), ""), Edit(Span(body.end - 1 if commented else last, body.end), "")


def text_of(source: Source, span: Span) -> str:
    """Return what stands at a place."""
    return source.text[span.start : span.end]


def fixed(source: Source, warnings: Sequence[Diagnostic]) -> str:
    """Return the text with the fixes of warnings, each whole or not at all; of two that overlap the first is made."""
    made: list[Edit] = []
    for warning in warnings:
        if all(_is_clear(made, edit) for edit in warning.fix):
            for edit in warning.fix:
                insort(made, edit, key=lambda edit: edit.span)
    out, end = [], 0
    for edit in made:
        out += [source.text[end : edit.span.start], edit.text]
        end = edit.span.end
    return "".join(out) + source.text[end:]


def _is_clear(made: Sequence[Edit], edit: Edit) -> bool:
    """Return whether an edit overlaps none of others, which are in their order."""
    i = bisect_left(made, edit.span, key=lambda edit: edit.span)
    before_next = i == len(made) or edit.span.end <= made[i].span.start
    return before_next and (i == 0 or made[i - 1].span.end <= edit.span.start)
