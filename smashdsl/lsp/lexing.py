"""The words of a text that is being written: characters that belong to no word are passed over."""

from __future__ import annotations

from lark import Token
from lark.exceptions import UnexpectedCharacters

from smashdsl.lang.syntax.grammar import lex

MOST_BLANKED = 200


def words(text: str) -> list[Token]:
    """Return the words of a text, up to the place where more than a few characters belong to none."""
    text = text.replace("\0", " ")
    for _ in range(MOST_BLANKED):
        try:
            return lex(text)
        except UnexpectedCharacters as error:
            start = error.pos_in_stream or 0
            end = start + 1
            if text[start] == '"':  # a string that is never closed ends with its line
                end = text.find("\n", start) if "\n" in text[start:] else len(text)
            text = text[:start] + " " * (end - start) + text[end:]
    return lex(text[:start])
