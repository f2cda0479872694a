"""The grammar, and how its words are spoken of in messages."""

from __future__ import annotations

from functools import cache

from lark import Lark, Token
from lark.exceptions import UnexpectedToken

from smashdsl.lang.syntax import table
from smashdsl.lang.syntax.builder import TreeBuilder
from smashdsl.lang.syntax.nodes import File
from smashdsl.lang.text.source import Span

CLOSER = {"LBRACE": "RBRACE", "LPAR": "RPAR", "LSQB": "RSQB"}
OPERATORS = frozenset({"PLUS", "MINUS", "STAR", "SLASH", "DOTDOT"})
# what a whole place takes, told by one word that only that place takes
PLACES = {
    "DIMS": "a value stands here: a number, a size such as `3x3`, a name, a range, or a choice `{a, b}`",
    "STEM": "a space holds `input`, `output`, `param`, `op`, `cell`, `stem`, `block`, `body`, `head` and `require`",
    "OPS": "a block or cell holds `banks`, `ops`, `op { … }`, `for`, `yield` and, in a block, `transition`",
    "LET": "a body holds layers, ops, `let`, `choose`, `maybe`, `repeat`, and joins such as `sum { … | … }`",
    "SPACE": "a file holds `import`, `param`, `op` and `cell`, and one `space NAME { … }`",
}
NAMED = {
    "NAME": "a name",
    "NUMBER": "a number",
    "DIMS": "a size like `3x3`",
    "STRING": "a string",
    "CMP": "a comparison",
    "$END": "the end of the file",
    "VERSION": "`smash 1`",
}
INNER = frozenset({"IN", "OF", "WHILE", "THROUGH", "BY", "SOME", "ALL", "LAST", "STEP"})
MOST_EXPECTED = 6


@cache
def text() -> str:
    """Return the text of the language's Lark grammar."""
    return table.text()


@cache
def lark() -> Lark:
    """Return the parser; its trees are nodes of `syntax`."""
    return table.parser(text(), TreeBuilder())


def lex(text: str) -> list[Token]:
    """Return the tokens of a text; raises Lark's `UnexpectedCharacters` at the first that belongs to none."""
    session = lark().parse_interactive(text)
    return list(session.lexer_thread.lex(session.parser_state))


def read(tokens: list[Token]) -> File | None:
    """Return the tree of tokens that have one."""
    session = lark().parse_interactive("")
    try:
        for token in tokens:
            session.feed_token(token)
        tree: File = session.feed_eof(tokens[-1] if tokens else None)
    except UnexpectedToken:
        return None
    return tree


@cache
def keywords() -> dict[str, str]:
    """Return the reserved words, from word to terminal."""
    return {t.pattern.value: t.name for t in lark().terminals if t.pattern.value.isalpha()}


@cache
def starters() -> frozenset[str]:
    """Return the terminals that may start a statement or a member when they start a line."""
    return frozenset({"NAME"} | set(keywords().values())) - INNER


@cache
def spelling() -> dict[str, str]:
    """Return how messages speak of each terminal."""
    return {t.name: NAMED.get(t.name) or f"`{t.pattern.value}`" for t in lark().terminals} | NAMED


@cache
def fixed() -> dict[str, str]:
    """Return the terminals that are always written alike, with how."""
    return {t.name: t.pattern.value for t in lark().terminals if t.pattern.type == "str"}


def expected(accepts: frozenset[str]) -> str | None:
    """Return what may stand where some terminals may, as a help line."""
    named = accepts - OPERATORS - {"SEMICOLON"} if "DIMS" not in accepts else accepts
    if 0 < len(named) <= MOST_EXPECTED:
        words = sorted(spelling()[name] for name in named)
        return f"expected {' or '.join(words)}"
    return next((sentence for word, sentence in PLACES.items() if word in accepts), None)


def span_of(token: Token) -> Span:
    """Return where a token stands."""
    return Span(token.start_pos or 0, token.end_pos or 0)
