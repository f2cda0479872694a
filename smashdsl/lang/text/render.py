"""Diagnostics as text for people, as one line each, and as plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from smashdsl.lang.text.source import Source, Sources, Span

if TYPE_CHECKING:
    from smashdsl.lang.text.diagnostics import Diagnostic

SHOWN = 20
MAX_WIDTH = 160
Mark = tuple[Span, str, str]  # where, the words beside it, and the sign below it


def render_all(sources: Source | Sources, diagnostics: Sequence[Diagnostic]) -> str:
    """Render diagnostics for people: the first twenty whole, the rest counted."""
    blocks = [render(sources, diagnostic) for diagnostic in diagnostics[:SHOWN]]
    if len(diagnostics) > SHOWN:
        blocks.append(f"… and {len(diagnostics) - SHOWN} more")
    return "\n\n".join(blocks)


def render(sources: Source | Sources, diagnostic: Diagnostic) -> str:
    """Render one diagnostic with its lines, carets, choice path and help; labels in other files stand below."""
    at = diagnostic.span
    marks: dict[int, list[Mark]] = {at.file: [(at, diagnostic.label, "^")]}
    for label in diagnostic.others:
        marks.setdefault(label.span.file, []).append((label.span, label.text, "-"))
    last = max(
        (span for found in marks.values() for span, _, _ in found), key=lambda s: sources.of(s).position(s.start)
    )
    width = len(str(sources.of(last).position(last.start)[0]))
    gutter = " " * width
    out = [f"{diagnostic.severity}[{diagnostic.code}]: {diagnostic.message}"]
    for file, found in marks.items():
        first = at if file == at.file else found[0][0]
        source = sources.of(first)
        line, column = source.position(first.start)
        out.append(f"  --> {source.name}:{line}:{column}")
        out.append(f"{gutter} |")
        out.extend(_lines(source, sorted(found, key=lambda mark: mark[0]), width))
        out.append(f"{gutter} |")
    if diagnostic.where or diagnostic.when:
        when = ", ".join(f"{path} = {value}" for path, value in diagnostic.when)
        place = diagnostic.where or "the space"
        out.append(f"{gutter} = in: {place}" + (f", when {when}" if when else ""))
    out.extend(f"{gutter} = note: {note}" for note in diagnostic.notes)
    if diagnostic.help:
        out.append(f"{gutter} = help: {diagnostic.help}")
    return "\n".join(out)


def _lines(source: Source, marks: Sequence[Mark], width: int) -> Iterator[str]:
    """Yield each line that is marked once, each mark below its line."""
    told = 0
    for span, text, sign in marks:
        shown, marker = _excerpt(source, span, text, sign, width)
        number = source.position(span.start)[0]
        yield from (marker,) if number == told else (shown, marker)
        told = number


def _excerpt(source: Source, span: Span, text: str, sign: str, width: int) -> tuple[str, str]:
    line, column = source.position(span.start)
    content = source.line(line)
    # A tab counts one column in positions; drawn as one space, the carets stay below what they mark. Nothing else that
    # a terminal would obey is drawn either.
    shown = "".join(char if char.isprintable() else " " for char in content)
    length = max(1, min(span.end - span.start, len(content) - column + 1))
    if len(shown) > MAX_WIDTH:
        first = max(0, column - 1 - MAX_WIDTH // 2)
        shown = shown[first : first + MAX_WIDTH]
        column -= first
        length = min(length, MAX_WIDTH - column + 1)
    marker = " " * (column - 1) + sign * max(1, length) + (f" {text}" if text else "")
    return f"{line:>{width}} | {shown}".rstrip(), f"{' ' * width} | {marker}"


def concise(sources: Source | Sources, diagnostic: Diagnostic) -> str:
    """Render one diagnostic as `file:line:column: code message`."""
    source = sources.of(diagnostic.span)
    line, column = source.position(diagnostic.span.start)
    return f"{source.name}:{line}:{column}: {diagnostic.severity}[{diagnostic.code}] {diagnostic.message}"


def as_data(sources: Source | Sources, diagnostic: Diagnostic) -> dict[str, Any]:
    """Return one diagnostic as JSON-ready data, lines and columns counted from 1."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place(sources, diagnostic.span),
        "where": diagnostic.where,
        "when": dict(diagnostic.when),
        "labels": [{**_place(sources, label.span), "text": label.text} for label in diagnostic.others],
        "notes": list(diagnostic.notes),
        "help": diagnostic.help,
        "fix": [{"start": e.span.start, "end": e.span.end, "text": e.text} for e in diagnostic.fix],
    }


def _place(sources: Source | Sources, span: Span) -> dict[str, Any]:
    source = sources.of(span)
    line, column = source.position(span.start)
    end_line, end_column = source.position(span.end)
    return {"file": source.name, "line": line, "column": column, "end_line": end_line, "end_column": end_column}
