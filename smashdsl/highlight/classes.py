"""What each terminal of the grammar is to a reader, and the names that the language gives a meaning."""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

from smashdsl.lang.syntax.grammar import lark
from smashdsl.lang.typed.expressions import WEIGHT_WORDS
from smashdsl.lang.typed.scope import RESERVED
from smashdsl.ops import LAYERS

Class: TypeAlias = Literal[
    "version",
    "declaration",
    "control",
    "word",
    "number",
    "string",
    "name",
    "operator",
    "punctuation",
    "comment",
    "space",
]
CLASSES: dict[str, Class] = {
    "VERSION": "version",
    "COMMENT": "comment",
    "STRING": "string",
    "DIMS": "number",
    "NUMBER": "number",
    "NAME": "name",
    "SPACES": "space",
    **dict.fromkeys(("IMPORT", "PARAM", "OP", "SPACE", "TIED", "CELL", "BLOCK", "LET"), "declaration"),
    **dict.fromkeys(("INPUT", "OUTPUT", "STEM", "BODY", "HEAD", "REQUIRE", "BANKS", "OPS"), "declaration"),
    **dict.fromkeys(("INPUTS", "ENTRY", "TRANSITION", "YIELD"), "declaration"),
    **dict.fromkeys(("CHOOSE", "MAYBE", "REPEAT", "FOR", "WHILE"), "control"),
    **dict.fromkeys(("SUM", "PRODUCT", "CONCAT", "MEAN", "MAX"), "control"),
    **dict.fromkeys(("READ", "WRITE", "THROUGH", "BY", "OF", "IN", "SOME", "ALL", "LAST", "STEP"), "word"),
    **dict.fromkeys(("DOTDOT", "CMP", "EQUAL", "PLUS", "MINUS", "STAR", "SLASH", "BAR", "COLON"), "operator"),
    **dict.fromkeys(("LPAR", "RPAR", "LBRACE", "RBRACE", "LSQB", "RSQB", "COMMA", "SEMICOLON"), "punctuation"),
}
DEFINING = ("OP", "CELL", "BLOCK", "SPACE")  # the next name is what they define
CONSTANTS = ("true", "false", *WEIGHT_WORDS, "fixed")
FUNCTIONS = ("min", "max", "count")
CONTEXT_NAMES = tuple(sorted(RESERVED.difference(CONSTANTS, FUNCTIONS)))


@cache
def patterns() -> dict[str, str]:
    """Return the regular expression of each terminal."""
    return {terminal.name: terminal.pattern.to_regexp() for terminal in lark().terminals}


def words_of(kind: Class) -> tuple[str, ...]:
    """Return the reserved words of a class."""
    return tuple(patterns()[name] for name, found in CLASSES.items() if found == kind and name in patterns())


def any_of(words: tuple[str, ...]) -> str:
    """Return the pattern of one of some whole words."""
    return rf"\b(?:{'|'.join(sorted(words, key=lambda word: (-len(word), word)))})\b"


def layers() -> tuple[str, ...]:
    """Return the names of the language's layers."""
    return tuple(LAYERS)
