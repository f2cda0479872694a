"""Characters that belong to no word: what they are, and what was meant by them.

Each is reported and replaced by as many characters that do belong to a word, so that what follows is read rightly and
places stay where they are.
"""

from __future__ import annotations

import re
import string
import unicodedata
from functools import cache

from smashdsl.lang.syntax.grammar import lark
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, Sink
from smashdsl.lang.text.source import Source, Span

# Unicode's controls of the direction of writing: with them a text shows another order than it has
DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# what is typed or pasted for a word of the language, and what takes its place while reading goes on
MEANT = {
    **dict.fromkeys("\u00d7\u2715\u2a2f", ("x", "x")),
    **dict.fromkeys("\u2013\u2014\u2212\uff0d", ("-", "-")),
    **dict.fromkeys("\u2026", ("..", ",")),
    "\u2264": ("<=", "<"),
    "\u2265": (">=", "<"),
    "\u2260": ("", "<"),
    "\u00b7": ("*", "*"),
    "\u22c5": ("*", "*"),
    "\u00f7": ("/", "/"),
    **dict.fromkeys("\u2192\u21d2", (";", ";")),
    **{chr(0xFEE0 + ord(c)): (c, c) for c in "()[]{},;:|=+*/<>0123456789"},
    **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", (" ", " ")),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ("", " ")),
}
QUOTES = {"'": "'", "`": "`", "\u2018": "\u2019", "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb"}
HELP = {
    "^": "there is no power: write the product, `2*2*2`",
    "%": "there is no remainder and no percent: write a fraction such as `0.5`",
    "!": "a constraint compares by `<=`, `>=`, `==`, `<` or `>`",
    "\u2260": "a constraint compares by `<=`, `>=`, `==`, `<` or `>`",
    "&": "write two constraints, each with its own `require`",
    "@": "one use of an op or layer follows another after `;`",
    "$": "a param stands for its value by its name alone",
    "?": "a part that may be left out is written `maybe { … }`",
    ".": "a range is written `1..4`, and a number starts or goes on with a digit: `0.5`",
    "\\": "a statement goes on over lines inside brackets; nothing else marks that",
}
BARE_PATH = re.compile(r"[ \t]*import[ \t]+(?P<path>[\w./-]+)")
ENDS = re.compile(r"[\n),;\]}]")
LOOSE = re.compile(
    r'#[^\n]*|"[^"\n]*"|\.\.|[0-9]*\.[0-9]+'
    r'|(?P<word>\w*[^\W\x00-\x7f]\w*)|(?P<char>[^\w\s"#]|[^\S \t\f\r\n])|(?P<quote>")'
)


def check_direction(source: Source, sink: Sink) -> None:
    """Report controls of the direction of writing, wherever they stand: in words, strings and comments."""
    for found in DIRECTION.finditer(source.text):
        shown = f"U+{ord(found[0]):04X}"
        message = f"the control character {shown} makes this line look different from what it says"
        at = Span(*found.span())
        sink.add(Diagnostic("SD0006", message, at, help="drop it", fix=(Edit(at, ""),)))


def mended(text: str, sink: Sink) -> str:
    """Report every character that belongs to no word and return a text of the same length without them."""
    out: list[str] = []
    done = 0
    for found in LOOSE.finditer(text):
        if found.start() < done or found.lastgroup is None:
            continue
        if found["word"]:
            end, instead = _name(found, sink)
        elif found["quote"]:
            end, instead = _unclosed(text, found.start(), sink)
        elif found["char"] in _lexable():
            continue
        elif found["char"] in QUOTES:
            end, instead = _quoted(text, found.start(), sink)
        else:
            end, instead = _character(text, found.start(), sink)
        out += (text[done : found.start()], instead)
        done = end
    return "".join((*out, text[done:]))


@cache
def _lexable() -> frozenset[str]:
    """Return the signs that words of the language hold."""
    signs = {char for terminal in lark().terminals if terminal.pattern.type == "str" for char in terminal.pattern.value}
    return frozenset(signs & set(string.punctuation)) - {"."}


def _spelled(char: str) -> str:
    """Return a character as a message shows it: by its number where it can't be seen."""
    return (
        char if char.isprintable() and not char.isspace() and not unicodedata.combining(char) else f"U+{ord(char):04X}"
    )


def _name(found: re.Match[str], sink: Sink) -> tuple[int, str]:
    word = found["word"]
    wrong = next(char for char in word if not char.isascii())
    if all(char in MEANT or char.isascii() for char in word):  # a full-width digit is a `\w` too
        text = "".join(MEANT.get(char, (char, char))[0] for char in word)
        at = Span(*found.span())
        sink.add(
            Diagnostic(
                "SD0002",
                f"`{word[:40]}` is written with letters of another width",
                at,
                help=f"write `{text[:40]}`",
                fix=(Edit(at, text),),
            )
        )
        return found.end(), "".join(MEANT.get(char, (char, char))[1] for char in word)
    message = f"`{word[:40]}` is no name: `{_spelled(wrong)}` is none of the letters that names are made of"
    help = "names are made of the letters a to z and A to Z, digits and `_`"
    plain = unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()
    if plain.isidentifier() and len(plain) == len(word):
        help += f": `{plain[:40]}`"
    sink.error("SD0002", message, Span(*found.span()), help=help)
    return found.end(), "".join(char if char.isascii() else "_" for char in word)


def _unclosed(text: str, start: int, sink: Sink) -> tuple[int, str]:
    """Report a string without an end; it is read as if it ended before the next bracket, sign or line."""
    found = ENDS.search(text, start + 1)
    end = found.start() if found else len(text)
    fix = (Edit(Span(end, end), '"'),)
    sink.error("SD0002", "this string is never closed", Span(start, end), help='close it with `"`', fix=fix)
    return end, '"' + " " * (end - start - 2) + '"' if end - start > 1 else " "


def _quoted(text: str, start: int, sink: Sink) -> tuple[int, str]:
    """Report text in quotes that are not the language's, as one."""
    line = text.find("\n", start)
    close = text.find(QUOTES[text[start]], start + 1, len(text) if line < 0 else line)
    if close < 0:
        return _character(text, start, sink)
    inside = text[start + 1 : close]
    at = Span(start, close + 1)
    message = f"{text[start]}…{text[close]} are no quotes of the language"
    before = text[max(0, start - 20) : start].rstrip()
    if before.endswith(("import", "fixed(")) or not inside.isascii():
        sink.add(Diagnostic("SD0002", message, at, help=f'write `"{inside}"`', fix=(Edit(at, f'"{inside}"'),)))
    else:
        sink.add(
            Diagnostic(
                "SD0002",
                message,
                at,
                help=f"values and names stand without quotes: `{inside}`",
                fix=(Edit(at, inside),),
            )
        )
    return close + 1, f" {inside} " if inside.isascii() else f'"{" " * len(inside)}"'


def _character(text: str, start: int, sink: Sink) -> tuple[int, str]:
    """Report a character, and all of its kind that follow it, as one."""
    char, end = text[start], start + 1
    if char == "." and (path := BARE_PATH.match(text, text.rfind("\n", 0, start) + 1)) and path.end() > start:
        at, written = Span(*path.span("path")), f'"{path["path"]}"'
        fix = (Edit(at, written),)
        sink.add(Diagnostic("SD0002", "the path of an import stands in quotes", at, help=f"write `{written}`", fix=fix))
        return path.end(), " " * (path.end() - start)
    while end < len(text) and text[end] == char:
        end += 1
    at = Span(start, end)
    name = unicodedata.name(char, "a control character").lower()
    message = f"`{_spelled(char)}` is not a word of the language" + ("" if char.isascii() else f" ({name})")
    meant, instead = MEANT.get(char, ("", " "))
    if (
        char == "%"
        and (number := re.search(r"([0-9]+)\s*\Z", text[max(0, start - 20) : start]))
        and not re.match(r"\s*[\w(]", text[start + 1 : start + 20])
    ):
        at, meant = Span(start - len(number[0]), start + 1), f"{int(number[1]) / 100:g}"
    if meant or (char in MEANT and char not in HELP):
        help = f"write `{meant}`" if meant.strip() else "write a space" if meant else "drop it"
        whole = meant * (end - start) if char in MEANT else meant
        sink.add(Diagnostic("SD0002", message, at, help=help, fix=(Edit(at, whole),)))
    else:
        sink.error("SD0002", message, at, help=HELP.get(char))
    return end, instead * (end - start)
