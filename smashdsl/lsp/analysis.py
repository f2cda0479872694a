"""A text compiled for an editor: what is wrong with it, and what was seen at each of its places."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import compress
from pathlib import Path

from smashdsl.errors import UserError
from smashdsl.lang.check.watch import Watch
from smashdsl.lang.compile import STAND_IN, Compiled, compile_source
from smashdsl.lang.lint.lint import warnings_of
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, SmashError
from smashdsl.lang.text.folder import Folder, Reader
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Sources, Span
from smashdsl.lsp.lexing import words

SUGGESTION = re.compile(r"did you mean `(\w+)`\?")


@dataclass(frozen=True)
class Related:
    """A place that a diagnostic speaks of, in this text or another, and what is said of it."""

    source: Source
    span: Span
    label: str


@dataclass(frozen=True)
class Analysis:
    """What is wrong, told at places of this text; ``related`` has the further places of each, in the same order.

    ``trouble`` is what is wrong where no place in the text is to blame.
    """

    text: str
    diagnostics: tuple[Diagnostic, ...] = ()
    related: tuple[tuple[Related, ...], ...] = ()
    compiled: Compiled | None = None
    watch: Watch = field(default_factory=Watch)
    trouble: str = ""


def analyse(
    name: str, text: str, watch: Watch | None = None, limits: Limits | None = None, reader: Reader | None = None
) -> Analysis:
    """Compile a text; ``reader`` reads what it imports. Raises `Stopped` when the watch is told to stop."""
    watch, limits = watch or Watch(), limits or Limits()
    if len(text.encode("utf-8", "surrogatepass")) > limits.bytes:
        return Analysis(text, trouble=f"this text is larger than {limits.bytes:,} bytes, more than any spec")
    if _is_library(text):
        whole = analyse(name, text + STAND_IN, watch, limits, reader)
        # whether another file uses what stands here can't be known
        own = [d.span.start <= len(text) and d.code != "SD1001" for d in whole.diagnostics]
        told, related = tuple(compress(whole.diagnostics, own)), tuple(compress(whole.related, own))
        return Analysis(text, told, related, watch=whole.watch, trouble=whole.trouble)
    try:
        compiled = compile_source(
            Source(name, text), limits=limits, watch=watch, reader=reader or Folder(Path(name).parent)
        )
    except SmashError as error:
        found = tuple(_with_fix(text, _in_text(error.sources, d)) for d in error.diagnostics)
        return Analysis(text, found, tuple(_related(error.sources, d) for d in error.diagnostics), watch=watch)
    except UserError as error:
        return Analysis(text, trouble=error.message, watch=watch)
    sources = compiled.sources
    warnings = warnings_of(compiled)
    found = tuple(_in_text(sources, d) for d in warnings)
    return Analysis(text, found, tuple(_related(sources, d) for d in warnings), compiled, watch)


def _is_library(text: str) -> bool:
    """Return whether a text has ops, cells or params for other files to import, and no space."""
    kinds = {token.type for token in words(text)}
    return "SPACE" not in kinds and bool(kinds & {"OP", "CELL", "PARAM"})


def _in_text(sources: Source | Sources, diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic that stands in this text: what is wrong in another file is told at its import."""
    if diagnostic.span.file == 0:
        return diagnostic
    source = sources.of(diagnostic.span)
    line, column = source.position(diagnostic.span.start)
    message = f"{source.name}:{line}:{column}: {diagnostic.message}"
    at = sources.in_own(diagnostic.span) or Span(0, 1)
    return replace(diagnostic, message=message, span=at, fix=())


def _related(sources: Source | Sources, diagnostic: Diagnostic) -> tuple[Related, ...]:
    """Return the places that a diagnostic speaks of beside the one it is told at."""
    places = [(label.span, label.text) for label in diagnostic.others if label.text]
    if diagnostic.span.file:
        places.insert(0, (diagnostic.span, diagnostic.message))
    return tuple(Related(sources.of(span), span, label) for span, label in places)


def _with_fix(text: str, diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic that suggests another word together with the edit that puts it in."""
    meant = SUGGESTION.fullmatch(diagnostic.help or "")
    written = text[diagnostic.span.start : diagnostic.span.end]
    if diagnostic.fix or meant is None or not re.fullmatch(r"\w+", written):
        return diagnostic
    return replace(diagnostic, fix=(Edit(diagnostic.span, meant[1]),))
