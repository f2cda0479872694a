"""Warnings that a comment allows: `# smash: allow SD1003` on the line, or alone on the line above."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from smashdsl.lang.syntax.grammar import lex
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.text.source import Source, Span

ALLOW = re.compile(r"#[ \t]*smash:[ \t]*allow[ \t]+(SD\d{4}(?:[ ,]+SD\d{4})*)[ \t]*$")
COMMENT = re.compile(r"#[^\n]*")


def allowed(source: Source, found: Sequence[Diagnostic], unsought: frozenset[str]) -> Iterator[Diagnostic]:
    """Yield the warnings that no comment allows, and one for each code that is allowed but told nowhere.

    ``unsought``: codes that were not looked for, of which nothing can be said.
    """
    by_line: dict[tuple[int, str], Span] = {}  # by line and code, the comment
    for span in _comments(source.text):
        match = ALLOW.match(source.text[span.start : span.end])
        if match:
            line, column = source.position(span.start)
            alone = not source.line(line)[: column - 1].strip()
            for code in re.findall(r"SD\d{4}", match[1]):
                by_line[line + alone, code] = span
    codes = Counter(by_line.values())
    used = set()
    for warning in found:
        key = source.position(warning.span.start)[0], warning.code
        if key in by_line:
            used.add(key)
        else:
            yield warning
    for key in by_line.keys() - used:
        if key[1] in unsought:
            continue
        span = by_line[key]
        fix = (Edit(span, ""),) if codes[span] == 1 else ()
        yield Diagnostic(
            "SD1010", f"{key[1]} is allowed here, but nothing is told of it", span, help="drop it", fix=fix
        )


def _comments(text: str) -> Iterator[Span]:
    end = 0
    for start, after in [*((t.start_pos or 0, t.end_pos or 0) for t in lex(text)), (len(text), len(text))]:
        yield from (Span(*comment.span()) for comment in COMMENT.finditer(text, end, start))
        end = after
