"""The grammar in the EBNF of the W3C (XML 1.0, section 6), made from the Lark grammar.

Words and signs stand for themselves; only terminals that are patterns keep a production of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smashdsl.lang.syntax import table

NAMED = re.compile(r"^[?!]?(?P<name>[A-Za-z_]+)(?:\.\d+)?:\s*(?P<body>.*)$")
PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)*/|->\s*\w+|\w+|\S')
ONE_WORD = re.compile(r'"[^"]+"')
ESCAPED = {"t": "#x9", "n": "#xA", "f": "#xC", "r": "#xD"}
HEAD = "/* The grammar of the .smash language, made by `smashdsl ebnf`. White space and comments part words. */\n"


def ebnf() -> str:
    """Return the grammar of the language as W3C EBNF."""
    productions = dict(_productions(table.text()))
    plain = {name: body for name, body in productions.items() if name.isupper() and ONE_WORD.fullmatch(body)}
    out = [HEAD]
    for name, body in productions.items():
        if name not in plain:
            out.append(f"{name} ::= {_body(body, plain)}")
    return "\n".join(out) + "\n"


def _productions(text: str) -> Iterator[tuple[str, str]]:
    """Yield each rule and terminal with its right side on one line."""
    name, parts = "", [""]
    for line in [*text.split("\n"), "END: "]:
        found = NAMED.match(line)
        if found:
            if name:
                yield name, " ".join(parts)
            name, parts = found["name"], [found["body"]]
        elif line.strip() and not line.startswith(("//", "%")):
            parts.append(line.strip())


def _body(body: str, plain: dict[str, str]) -> str:
    """Return a right side: optional parts as `( … )?`, aliases gone, words for the terminals that are words."""
    out = []
    for piece in PIECE.findall(body):
        if piece.startswith("->"):
            continue
        if piece.startswith("/") and len(piece) > 1:
            out.append(_pattern(piece[1:-1]))
        else:
            out.append(plain.get(piece) or {"[": "(", "]": ")?"}.get(piece, piece))
    text = " ".join(out)
    text = re.sub(r"\( ([^() |]+) \)\?", r"\1?", text)  # one item needs no brackets
    return re.sub(r"\( ", "(", re.sub(r" (\)\??|[*+?])(?= |$|\))", r"\1", text))


def _pattern(pattern: str) -> str:
    """Return a regular expression of the grammar as EBNF: letters quoted, classes with code points."""
    out = []
    for piece in re.findall(r"\[(?:[^\]\\]|\\.)*\]|\\.|[()|*+?]|[^\[\\()|*+?]+", pattern):
        if piece.startswith("["):
            out.append(re.sub(r"\\(.)", lambda match: ESCAPED.get(match[1], match[1]), piece))
        elif piece in {"(", ")", "|", "*", "+", "?"}:
            out.append(piece)
        else:
            sign = piece.removeprefix("\\")
            out.append(f"'{sign}'" if '"' in sign else f'"{sign}"')
    text = " ".join(out)
    return re.sub(r" ([)*+?])", r"\1", text.replace("( ", "("))
