"""Places as editors count them: lines and code units from 0, against offsets in code points."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from smashdsl.lang.text.source import Span

Encoding = Literal["utf-8", "utf-16", "utf-32"]
LINE_END = re.compile(r"\r\n|\r|\n")
UNIT_BYTES = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


class Place(NamedTuple):
    line: int
    character: int  # in code units of the encoding that client and server agreed on


@dataclass(frozen=True)
class Positions:
    """Converts between offsets and places of one text."""

    text: str
    encoding: Encoding = "utf-16"

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE_END.finditer(self.text))]

    def place(self, offset: int) -> Place:
        """Return the place of a code point; past the end of the text is its end."""
        offset = min(offset, len(self.text))
        line = bisect.bisect_right(self._starts, offset) - 1
        return Place(line, self._units(self.text[self._starts[line] : offset]))

    def offset(self, place: Place) -> int:
        """Return the code point at a place; past the end of a line is the end of that line."""
        if place.line >= len(self._starts):
            return len(self.text)
        start = self._starts[place.line]
        end = self._starts[place.line + 1] if place.line + 1 < len(self._starts) else len(self.text)
        line = self.text[start:end].rstrip("\r\n")
        units = 0
        for i, char in enumerate(line):
            if units >= place.character:
                return start + i
            units += self._units(char)
        return start + len(line)

    def span(self, span: Span) -> tuple[Place, Place]:
        """Return where a span starts and ends."""
        return self.place(span.start), self.place(span.end)

    def _units(self, text: str) -> int:
        return (
            len(text.encode(f"{self.encoding}-le" if self.encoding != "utf-8" else "utf-8", "surrogatepass"))
            // (UNIT_BYTES[self.encoding])
        )


def as_read(text: str) -> str:
    """Return an editor's text as the compiler reads a file, every character at the place it had.

    A file is read without byte order mark and with `\\n` line ends; here blanks keep the offsets.
    """
    text = re.sub(r"\r(?=\n)", " ", text).replace("\r", "\n")
    return " " + text[1:] if text.startswith("\ufeff") else text
