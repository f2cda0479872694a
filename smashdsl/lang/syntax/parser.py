"""Text to syntax tree, with every syntax error of the text in one run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from lark import Token
from lark.exceptions import UnexpectedCharacters

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.grammar import CLOSER, lex, read, span_of
from smashdsl.lang.syntax.recovery import Recovery
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Span

VERSION = 1
FIRST_WORDS = re.compile(r"(?:[ \t\f\r\n]|#[^\n]*)*(smash[ \t]+([0-9]+)(?![A-Za-z0-9_]))?")
MOST_BAD_CHARACTERS = 20


def parse(source: Source, sink: Sink, limits: Limits) -> s.File | None:
    """Parse a source; on errors report them to ``sink`` and return None."""
    if not _version_is_known(source, sink):
        return None
    tokens = _lex(source, sink)
    if tokens is None:
        return None
    if len(tokens) > limits.tokens:
        sink.error("SD0404", f"this spec has more than {limits.tokens:,} words", span_of(tokens[limits.tokens]))
        return None
    if not _brackets_are_shallow(tokens, sink, limits):
        return None
    tree = read(tokens) or Recovery(sink).run(tokens)
    if tree is None or sink.failed:
        return None
    _check_tree(source, tree, sink, limits)
    return None if sink.failed else tree


def _version_is_known(source: Source, sink: Sink) -> bool:
    found = FIRST_WORDS.match(source.text)
    assert found is not None  # it matches nothing, if need be
    start, end = found.span(1) if found[1] else (found.end(), found.end() + 1)
    if not found[1]:
        message = f"the file does not start with `smash {VERSION}`"
        help = f"the first line of a spec is `smash {VERSION}`"
        sink.error("SD0001", message, Span(start, end), help=help)
    elif found[2].lstrip("0") != str(VERSION):
        shown = found[2] if len(found[2]) < 20 else f"{found[2][:20]}…"
        help = f"this release reads `smash {VERSION}`; a newer release of smashdsl may read version {shown}"
        sink.error("SD0001", f"language version {shown} is not known", Span(start, end), help=help)
    return not sink.failed


def _lex(source: Source, sink: Sink) -> list[Token] | None:
    """Return the tokens; characters that belong to no word are reported and blanked."""
    text = source.text
    if "\0" in text:
        at = text.index("\0")
        sink.error("SD0002", "this file is not text: it holds a zero byte", Span(at, at + 1))
        return None
    for _ in range(MOST_BAD_CHARACTERS):
        try:
            return lex(text)
        except UnexpectedCharacters as error:
            start = error.pos_in_stream or 0
            if text[start] == '"':
                end = text.find("\n", start) if "\n" in text[start:] else len(text)
                sink.error("SD0002", "this string is never closed", Span(start, end), help='close it with `"`')
                return None
            end = start + 1
            while end < len(text) and not text[end].isascii():
                end += 1
            shown = text[start:end] if text[start:end].isprintable() else ascii(text[start:end])[1:-1]
            sink.error("SD0002", f"`{shown[:20]}` is not a word of the language", Span(start, end))
            text = text[:start] + " " * (end - start) + text[end:]
    return None


def _brackets_are_shallow(tokens: list[Token], sink: Sink, limits: Limits) -> bool:
    depth = 0
    for token in tokens:
        if token.type in CLOSER:
            depth += 1
            if depth > limits.depth:
                sink.error("SD0401", f"brackets are nested deeper than {limits.depth}", span_of(token))
                return False
        elif token.type in CLOSER.values():
            depth -= 1
    return True


def _check_tree(source: Source, tree: s.File, sink: Sink, limits: Limits) -> None:
    """Report statements that share a line without `;`, and expressions nested beyond the limit."""
    stack: list[tuple[s.Node, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > 2 * limits.depth:
            sink.error("SD0401", f"this is nested deeper than {2 * limits.depth}", node.span)
            return
        if isinstance(node, s.Seq):
            for left, right, separated in zip(node.statements, node.statements[1:], node.semicolons, strict=False):
                gap = Span(_end(left), right.span.start)
                if not separated and "\n" not in source.text[gap.start : gap.end]:
                    sink.add(
                        Diagnostic(
                            "SD0005",
                            "two statements on one line need `;` between them",
                            right.span,
                            help="put `;` before it",
                            fix=(Edit(Span(right.span.start, right.span.start), "; "),),
                        )
                    )
        # brackets bound how deep statements nest, but nothing bounds a sum of many terms
        stack.extend((child, depth + isinstance(node, s.Binary)) for child in _children(node))


def _children(node: s.Node) -> Iterator[s.Node]:
    for field in fields(node):
        value = getattr(node, field.name)
        items = value if isinstance(value, tuple) and not isinstance(value, Span) else (value,)
        yield from (item for item in items if isinstance(item, s.Node) and is_dataclass(item))


def _end(node: s.Node) -> int:
    """Return where a node's text ends; compound statements keep the span of their head only."""
    ends = [node.span.end]
    stack = [node]
    while stack:
        for child in _children(stack.pop()):
            ends.append(child.span.end)
            stack.append(child)
    return max(ends)
