"""A word that can't stand where it does, and what stands around it."""

from __future__ import annotations

from typing import NamedTuple

from lark import Token

from smashdsl.lang.syntax.automaton import Stack, accepts
from smashdsl.lang.syntax.grammar import CLOSER, span_of
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.text.source import Span

NOTHING = Token("$END", "")
BRANCHES = frozenset({"SUM", "PRODUCT", "CONCAT", "MEAN", "MAX", "CHOOSE"})


class Place(NamedTuple):
    """A word that can't stand where it does: ``tokens[i]``, after ``stack``, inside the brackets at ``open``."""

    tokens: list[Token]
    i: int
    stack: Stack
    open: tuple[int, ...]

    @property
    def accepts(self) -> frozenset[str]:
        return accepts(self.stack)

    @property
    def bracket(self) -> Token:
        """The innermost bracket around the word."""
        return self.tokens[self.open[-1]] if self.open else NOTHING

    @property
    def bracketed(self) -> Token:
        """What stands before the innermost bracket."""
        return self.tokens[self.open[-1] - 1] if self.open and self.open[-1] else NOTHING

    def token(self, offset: int = 0) -> Token:
        i = self.i + offset
        return self.tokens[i] if 0 <= i < len(self.tokens) else NOTHING

    def types(self, first: int, *types: str) -> bool:
        """Return whether tokens of some types stand one after another, the first at an offset."""
        return all(self.token(first + k).type == type for k, type in enumerate(types))

    def joined(self, offset: int = 0) -> bool:
        """Return whether nothing stands between a token and the one before it."""
        return self.token(offset - 1).end_pos == self.token(offset).start_pos

    def starts_line(self, offset: int = 0) -> bool:
        return self.i + offset == 0 or self.token(offset - 1).line != self.token(offset).line

    def span(self, first: int, last: int) -> Span:
        return Span(span_of(self.token(first)).start, span_of(self.token(last)).end)

    def line_end(self, offset: int = 0) -> int:
        """Return the offset of the last token on a token's line."""
        while self.token(offset + 1) is not NOTHING and not self.starts_line(offset + 1):
            offset += 1
        return offset

    def opener(self, offset: int) -> int | None:
        """Return the offset of the bracket that the closing one at an offset closes."""
        depth = 0
        while self.token(offset) is not NOTHING:
            kind = self.token(offset).type
            depth += (kind in CLOSER.values()) - (kind in CLOSER)
            if depth == 0:
                return offset
            offset -= 1
        return None

    def closer(self, offset: int) -> int:
        """Return the offset of the bracket that closes the one at an offset, or of the last token."""
        depth = 0
        while self.token(offset) is not NOTHING:
            kind = self.token(offset).type
            depth += (kind in CLOSER) - (kind in CLOSER.values())
            if depth == 0:
                return offset
            offset += 1
        return offset - 1


def told(code: str, message: str, at: Span, help: str, *edits: Edit) -> Diagnostic:
    """Return a diagnostic with the way out, and the edits that take it."""
    return Diagnostic(code, message, at, help=help, fix=edits)


def misplaced(place: Place) -> str:
    """Return the plainest message about a place."""
    return f"`{place.token()}` can't stand here"
