"""Source text and places in it."""

from __future__ import annotations

import bisect
import stat
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from smashdsl.errors import UserError

PRELUDE = 1  # the number of its text in every compilation
LONGEST_PATH = 200  # of a path in a message


class Span(NamedTuple):
    """A half-open range of code points in one of the texts that a compilation reads."""

    start: int
    end: int
    file: int = 0  # its number in `Sources`; 0 is the user's own text

    @property
    def order(self) -> tuple[int, int, int]:
        """The place among others: the user's own text first, then by position."""
        return self.file, self.start, self.end


NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Source:
    """A `.smash` text and the name it goes by in messages."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def _line_starts(self) -> list[int]:
        starts = [0]
        starts.extend(i + 1 for i, char in enumerate(self.text) if char == "\n")
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of a code point."""
        line = bisect.bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def in_own(self, span: Span) -> Span | None:
        """Return the place in the user's own text that a place belongs to."""
        return span if span.file == 0 else None

    def line(self, number: int) -> str:
        """Return the text of a 1-based line, without its line end."""
        start = self._line_starts[number - 1]
        end = self._line_starts[number] if number < len(self._line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def of(self, span: Span) -> Source:
        """Return this text: alone, it holds every place."""
        return self


@dataclass
class Sources:
    """The texts of one compilation by number: the user's own, the prelude, then imports in order of reading."""

    texts: list[Source]
    imported: dict[int, Span] = field(default_factory=dict)  # by number: the import that was read first

    def add(self, source: Source, span: Span) -> int:
        """Take in a text that is imported at ``span``, and return its number."""
        self.texts.append(source)
        self.imported[len(self.texts) - 1] = span
        return len(self.texts) - 1

    def in_own(self, span: Span) -> Span | None:
        """Return the place in the user's own text that a place belongs to: itself, an import, or none (the prelude)."""
        while span.file in self.imported:
            span = self.imported[span.file]
        return span if span.file == 0 else None

    def of(self, span: Span) -> Source:
        """Return the text that a place stands in."""
        return self.texts[span.file]


def read_source(path: str | Path, max_bytes: int) -> Source:
    """Read a `.smash` file as text with `\\n` line ends.

    Raises `UserError` when the file can't be read, is larger than ``max_bytes`` or is not UTF-8.
    """
    path = Path(path)
    try:
        if not stat.S_ISREG(mode := path.stat().st_mode) and not stat.S_ISDIR(mode):
            # a pipe would wait for a writer, and a device may have no end
            raise UserError(f"`{_shown(path)}` is no file of text, but a pipe or a device")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise UserError(f"there is no file `{path}`", _nearby(path)) from None
    except IsADirectoryError:
        raise UserError(f"`{path}` is a folder, not a `.smash` file") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name holds a zero byte"
        raise UserError(f"`{_shown(path)}` can't be read: {why}") from None
    return decoded(str(path), data, max_bytes)


def decoded(name: str, data: bytes, max_bytes: int) -> Source:
    """Return the text that bytes stand for, with `\\n` line ends.

    Raises `UserError` when there are more than ``max_bytes`` or they are not UTF-8.
    """
    if len(data) > max_bytes:
        raise UserError(
            f"`{name}` is larger than {max_bytes:,} bytes, more than any spec",
            "is it a `.smash` file? a spec is a page of text",
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"`{name}` is not text: byte {error.start}, on line {line}, is not UTF-8"
        raise UserError(message, "save it as UTF-8") from None
    return Source(name, with_plain_ends(text))


def with_plain_ends(text: str) -> str:
    """Return a text with `\\n` at the end of every line."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _shown(path: Path) -> str:
    text = str(path).replace("\0", "?")
    return text if len(text) <= LONGEST_PATH else f"{text[:LONGEST_PATH]}…"


def _nearby(path: Path) -> str | None:
    folder = path.parent
    if not folder.is_dir():
        return None
    others = sorted(other.name for other in folder.glob("*.smash"))[:5]
    return f"`{folder}` holds {', '.join(others)}" if others else None
