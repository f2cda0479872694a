"""Text to syntax tree, with every syntax error of the text in one run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from lark import Token
from lark.exceptions import UnexpectedCharacters

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.characters import check_direction, mended
from smashdsl.lang.syntax.grammar import CLOSER, lex, read, span_of
from smashdsl.lang.syntax.recovery import Recovery
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Span

VERSION = 1
FIRST_WORDS = re.compile(r"(?:[ \t\f\r\n]|#[^\n]*)*(smash[ \t]+([0-9]+)(?![A-Za-z0-9_.]))?")
# what was meant for the first line: `smash`, `Smash 1`, `smash v1`, `smash 1.0`, `smash = 1`
NEAR = re.compile(
    r"smash\b[ \t]*[=:]?[ \t]*(v?[0-9][0-9.]*|\"[0-9.]*\")?;?(?=[ \t]*(#|\r|\n|\Z))|smash1\b", re.IGNORECASE
)
MOST_BAD_CHARACTERS = 20
# two words between which a path is empty
EMPTY = frozenset({("LBRACE", "BAR"), ("BAR", "BAR"), ("BAR", "RBRACE"), ("COLON", "BAR")})


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
    _check_words(tokens, sink)
    tree = read(tokens)
    if tree is None:
        Recovery(sink, tokens).run()
    if tree is None or sink.failed:
        return None
    _check_tree(source, tree, sink, limits)
    return None if sink.failed else tree


def _version_is_known(source: Source, sink: Sink) -> bool:
    found = FIRST_WORDS.match(source.text)
    assert found is not None  # it matches nothing, if need be
    first = f"the first line of a spec is `smash {VERSION}`"
    if not found[1]:
        start = found.end()
        near = NEAR.match(source.text, start)
        at, text = (Span(*near.span()), "") if near else (Span(start, start), "\n")
        shown = at if near else Span(start, start + 1)
        message = f"the file does not start with `smash {VERSION}`"
        fix = (Edit(at, f"smash {VERSION}{text}"),)
        sink.error("SD0001", message, shown, help=first, fix=fix)
    elif found[2].lstrip("0") != str(VERSION):
        shown_version = found[2] if len(found[2]) < 20 else f"{found[2][:20]}…"
        help = f"this release reads `smash {VERSION}`; a newer release of smashdsl may read version {shown_version}"
        at = Span(*found.span(1))
        sink.error("SD0001", f"language version {shown_version} is not known", at, help=help)
    return not sink.failed


def _lex(source: Source, sink: Sink) -> list[Token] | None:
    """Return the tokens; characters that belong to no word are reported, and read as what was meant."""
    text = source.text
    if "\0" in text:
        at = text.index("\0")
        sink.error("SD0002", "this file is not text: it holds a zero byte", Span(at, at + 1))
        return None
    check_direction(source, sink)
    try:
        return lex(text)
    except UnexpectedCharacters:
        text = mended(text, sink)
    for _ in range(MOST_BAD_CHARACTERS):
        try:
            return lex(text)
        except UnexpectedCharacters as error:
            start = error.pos_in_stream or 0
            sink.error("SD0002", f"`{text[start]}` is not a word of the language", Span(start, start + 1))
            text = text[:start] + " " + text[start + 1 :]
    return None


def _check_words(tokens: list[Token], sink: Sink) -> None:
    """Report `1,000`, `1...4` and paths without a layer, which would be read as something else than was meant."""
    for before, sign, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.type == "DOTDOT" and after.startswith(".") and sign.end_pos == after.start_pos:
            at = Span(span_of(sign).start, span_of(after).start + 1)
            fix = (Edit(at, ".."),)
            sink.error("SD0003", "`...` is not a word of the language", at, help="a range is written `1..4`", fix=fix)
        elif _is_thousand(before, sign, after):
            at = Span(span_of(before).start, span_of(after).end)
            fix = (Edit(at, f"{before}{after}"),)
            message = "`,` stands between values, not between the digits of one"
            sink.error("SD0003", message, at, help=f"write `{before}{after}`", fix=fix)
        elif (sign.type, after.type) in EMPTY:
            at, start = span_of(after), span_of(sign).end
            fix = (Edit(Span(start, start), " identity"),)
            message = f"nothing stands before this `{after}`"
            sink.error("SD0003", message, at, help="a path without layers is written `identity`", fix=fix)


def _is_thousand(before: Token, sign: Token, after: Token) -> bool:
    number = before.type == "NUMBER" and sign.type == "COMMA" and after.type == "NUMBER"
    return number and len(after) == 3 and after.startswith("0") and sign.end_pos == after.start_pos


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
