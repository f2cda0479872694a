"""Texts that no one would write: every input is a function of one number.

Most are mutations of specs that are right or nearly so, by words, lines, numbers, brackets and bytes; some are walks
through the grammar, right in form and senseless otherwise.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from smashdsl.lang.syntax import automaton
from smashdsl.lang.syntax.grammar import fixed
from tests.fences import AROUND

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```smash ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORD = re.compile(r"[A-Za-z_]\w*|[0-9.]+(?:x[0-9]+)*|\.\.|[<>=]=|\s+|.", re.DOTALL)
NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "63",
    "64",
    "65",
    "-1",
    "0.5",
    "1e9",
    "1e-9",
    "999999999999",
    "9" * 400,
    "2.5e300",
    "3x3",
)
NAMES = (
    "self",
    "None",
    "__class__",
    "lambda",
    "import",
    "channels",
    "bank",
    "last",
    "true",
    "e1",
    "x",
    "_",
    "a" * 3000,
)
SIGNS = (*"{}()[]|;:,=+-*/<>.\"'#@!%&~^?$\\`", "..", "==", "<=", "...", "**", "//", "->", ":=")
ODD = (
    "\u202e",
    "\u2066",
    "\u00d7",
    "\u00e9",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\x00",
    "\x1b",
    "\r",
    "\t",
    "\U0001f600",
    "\u0661",
)
LENGTH = {"NAME": "f", "NUMBER": "2", "DIMS": "3x3", "STRING": '"a"', "CMP": "<=", "VERSION": "smash 1"}


@cache
def corpus() -> tuple[str, ...]:
    """Return the examples, and the fences of the pages of tests, as whole files."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "examples").glob("*.smash"))]
    for page in sorted((ROOT / "tests").glob("*/*.md")):
        for kind, text in FENCE.findall(page.read_text(encoding="utf-8")):
            before, after = AROUND.get(kind, ("", ""))
            texts.append(before + text + after)
    return tuple(texts)


@cache
def right() -> tuple[str, ...]:
    """Return the part of the corpus that is right: a mutation of it reaches the last passes."""
    return tuple(text for text in corpus() if "# error" not in text and "# SD" not in text)


@cache
def _words() -> tuple[str, ...]:
    return tuple(sorted({word for text in corpus() for word in WORD.findall(text)}))


def made(number: int) -> bytes:
    """Return the input of a number, as the bytes of a file."""
    draw = random.Random(number)
    if draw.random() < 0.1:
        return walk(draw).encode()
    text = draw.choice(right() if draw.random() < 0.8 else corpus())
    for _ in range(draw.choice((1, 1, 1, 1, 1, 2, 2, 3, 5, 12))):
        text = draw.choice(MUTATIONS)(text, draw)[:200_000]
    if not text.startswith("smash 1") and draw.random() < 0.9:
        text = f"smash 1\n{text}"
    data = text.encode("utf-8", "surrogatepass")
    return _noise(data, draw) if draw.random() < 0.05 else data


def walk(draw: random.Random, most: int = 300) -> str:
    """Return words that the grammar takes one after another, closed at the end where that is near."""
    stack, words = automaton.start(), []
    for step in range(most):
        options = sorted(automaton.accepts(stack))
        closing = [name for name in options if name in ("RBRACE", "RPAR", "RSQB", "$END")]
        name = draw.choice(closing if closing and step > most // 2 else options)
        if name == "$END":
            break
        following = automaton.shifted(stack, name)
        assert following is not None
        stack = following
        words.append(LENGTH.get(name) or fixed().get(name, name))
    return draw.choice((" ", "\n")).join(words)


def _noise(data: bytes, draw: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(draw.randint(1, 20)):
        at = draw.randrange(len(out) + 1)
        out[at : at + draw.randint(0, 3)] = draw.randbytes(draw.randint(0, 3))
    return bytes(out)


# -- mutations ------------------------------------------------------------------------------------


def _edit_word(text: str, draw: random.Random) -> str:
    words = WORD.findall(text) or [""]
    i = draw.randrange(len(words))
    j = draw.randrange(len(words))
    match draw.randrange(6):
        case 0:
            del words[i]
        case 1:
            words.insert(i, words[i])
        case 2:
            words[i], words[j] = words[j], words[i]
        case 3:
            words[i] = draw.choice(_words())
        case 4:
            words.insert(i, draw.choice(_words()))
        case 5:
            del words[min(i, j) : min(i, j) + draw.randint(1, 20)]
    return "".join(words)


def _edit_line(text: str, draw: random.Random) -> str:
    lines = text.split("\n")
    other = draw.choice(corpus()).split("\n")
    i = draw.randrange(len(lines))
    match draw.choice((0, 0, 1, 1, 2, 2, 3, 4)):
        case 0:
            del lines[i]
        case 1:
            lines.insert(draw.randrange(len(lines)), lines[i])
        case 2:
            lines[i:i] = other[draw.randrange(len(other)) :][: draw.randint(1, 6)]
        case 3:
            lines[i : i + 1] = [lines[i]] * draw.choice((2, 10, 300))
        case 4:
            draw.shuffle(lines)
    return draw.choice((*["\n"] * 12, "\r\n", "\r", "")).join(lines)


def _number(text: str, draw: random.Random) -> str:
    found = list(re.finditer(r"[0-9]+(?:\.[0-9]+)?", text))
    if not found:
        return text
    at = draw.choice(found)
    return text[: at.start()] + draw.choice(NUMBERS) + text[at.end() :]


def _name(text: str, draw: random.Random) -> str:
    found = sorted(set(re.findall(r"[A-Za-z_]\w*", text)))
    if not found:
        return text
    old = draw.choice(found)
    return re.sub(rf"\b{old}\b", draw.choice((*NAMES, *found)), text, count=draw.choice((0, 1)))


def _insert(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text) + 1)
    return text[:at] + draw.choice((*SIGNS, *ODD)) * draw.choice((1, 1, 1, 2, 3, 70, 2000)) + text[at:]


def _nest(text: str, draw: random.Random) -> str:
    words = WORD.findall(text) or [""]
    i = draw.randrange(len(words))
    before, after = draw.choice((("(", ")"), ("{", "}"), ("[", "]"), ("sum { relu | ", "}"), ("repeat 2 { ", "}")))
    depth = draw.choice((1, 2, 5, 30, 63, 200))
    return "".join((*words[:i], before * depth, words[i], after * depth, *words[i + 1 :]))


def _cut(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    _edit_word,
    _edit_word,
    _edit_word,
    _edit_line,
    _edit_line,
    _number,
    _number,
    _number,
    _name,
    _name,
    _insert,
    _nest,
    _cut,
)
