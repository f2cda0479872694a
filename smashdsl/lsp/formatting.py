"""A text in the language's layout, as the change that brings it there."""

from __future__ import annotations

import re

from smashdsl.lang.syntax.format import format_text
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Edit, Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Span
from smashdsl.lsp.positions import as_read


def formatting(file: str, text: str) -> Edit | None:
    """Return the stretch to replace, or None where nothing changes or the text does not parse.

    Line ends stay of the kind that the first one is.
    """
    sink = Sink(Source(file, as_read(text)))
    if parse(Source(file, as_read(text)), sink, Limits()) is None:
        return None
    mark = text[:1] if text.startswith("\ufeff") else ""
    wanted = mark + format_text(text[len(mark) :])
    end = re.search(r"\r\n|\r|\n", text)
    if end is not None and end[0] != "\n":
        wanted = wanted.replace("\n", end[0])
    return None if wanted == text else _changed(text, wanted)


def _changed(text: str, wanted: str) -> Edit:
    """Return the smallest stretch that differs, where no line end is cut in two."""
    most = min(len(text), len(wanted))
    start = next((i for i in range(most) if text[i] != wanted[i]), most)
    after = next((i for i in range(most - start) if text[-1 - i] != wanted[-1 - i]), most - start)
    start -= text[:start].endswith("\r")
    after -= after > 0 and text[-after - 1 : -after] == "\r" and text[-after] == "\n"
    return Edit(Span(start, len(text) - after), wanted[start : len(wanted) - after])
