"""Signs and numbers as other languages write them."""

from __future__ import annotations

import re

from smashdsl.lang.syntax.grammar import span_of
from smashdsl.lang.syntax.place import BRANCHES, Place, told
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.text.source import Span


def equals(p: Place) -> Diagnostic | None:
    """`name := 3`, `name: 3`, `name == 3` for `name = 3`; `params = 3` for `params == 3`."""
    last = 1 if p.types(0, "COLON", "EQUAL") and p.joined(1) else 0
    sign = str(p.token()) + (str(p.token(1)) if last else "")
    if "CMP" in p.accepts and p.types(0, "EQUAL") and not p.types(1, "CMP"):
        return told("SD0003", "a comparison is written `==`", p.span(0, 0), "write `==`", Edit(p.span(0, 0), "=="))
    if p.types(0, "EQUAL", "CMP") and p.joined(1) and "CMP" in p.accepts:
        right = f"{str(p.token(1))[0]}="
        at = p.span(0, 1)
        return told("SD0003", f"`={p.token(1)}` is no comparison", at, f"write `{right}`", Edit(at, right))
    if not (p.types(0, "COLON") or (p.types(0, "CMP") and sign == "==")) or "EQUAL" not in p.accepts:
        return None
    if p.token(last + 1) in ("int", "float", "str", "bool") and p.types(last + 1, "NAME"):
        at = p.span(0, last + 1)
        help = f"names have no types: drop `: {p.token(last + 1)}`"
        return told("SD0003", "a type can't stand here", at, help, Edit(at, ""))
    at = p.span(0, last)
    edit = Edit(at, "=" if p.token(-1).end_pos != at.start else " =")
    alone = p.starts_line(last + 2) or p.token(last + 2).type in ("COMMA", "RPAR", "SEMICOLON", "RBRACE")
    right = f"{p.token(-1)} = {p.token(last + 1) if alone else '…'}"
    return told("SD0003", f"a value is given by `=`, not by `{sign}`", at, f"write `{right}`", edit)


def assignment(p: Place) -> Diagnostic | None:
    """`x = 3` for `param x = 3`, or `x = conv(3)` for `let x = conv(3)`."""
    name = p.token(-1)
    if p.types(0, "NAME", "EQUAL") and "PARAM" in p.accepts and p.starts_line():
        at = p.span(0, 0)
        return told(
            "SD0003",
            f"`{p.token()}` is not declared as a param",
            at,
            f"write `param {p.token()} = …`",
            Edit(Span(at.start, at.start), "param "),
        )
    if p.types(0, "EQUAL") and p.types(-1, "NAME") and "LET" in p.accepts:
        start = span_of(name).start
        return told(
            "SD0003",
            f"`{name}` is not declared by `let`",
            p.span(-1, -1),
            f"write `let {name} = …`",
            Edit(Span(start, start), "let "),
        )
    if p.types(0, "LET", "NAME", "EQUAL") and "PARAM" in p.accepts:
        at = p.span(0, 0)
        return told(
            "SD0003",
            "`let` names layers inside a body",
            at,
            f"for a value write `param {p.token(1)} = …`",
            Edit(at, "param"),
        )
    return None


def comment(p: Place) -> Diagnostic | None:
    for types, sign in ((("SLASH", "SLASH"), "//"), (("SLASH", "STAR"), "/*"), (("MINUS", "MINUS"), "--")):
        if p.types(0, *types) and p.joined(1) and p.starts_line():
            at, end = p.span(0, 1), p.line_end()
            edits = [Edit(at, "#")]
            if p.types(end - 1, "STAR", "SLASH"):
                edits.append(Edit(p.span(end - 1, end), ""))
            return told("SD0003", f"`{sign}` starts no comment", at, "a comment starts with `#`", *edits)
    return None


def operators(p: Place) -> Diagnostic | None:
    """`2**3`, `16 // 2`, `x -> y`, `x + y` of layers."""
    if p.types(-1, "STAR", "STAR") and p.joined():
        return told(
            "SD0003", "`**` is not a word of the language", p.span(-1, 0), "write the product, `2*2*2`, or the number"
        )
    if p.types(-1, "SLASH", "SLASH") and p.joined():
        return told(
            "SD0003",
            "`//` is not a word of the language",
            p.span(-1, 0),
            "write `/`, which divides exactly",
            Edit(p.span(-1, 0), "/"),
        )
    if "LET" not in p.accepts or p.starts_line():
        return None
    arrow = f"{p.token()}{p.token(1)}"
    if arrow in ("->", ">>", "|>", "=>") and p.joined(1):
        return told(
            "SD0003",
            f"`{arrow}` can't stand between layers",
            p.span(0, 1),
            "one layer follows another after `;`",
            Edit(p.span(0, 1), ";"),
        )
    if p.token().type in ("PLUS", "STAR") and not _is_weight(p):
        join = "sum" if p.types(0, "PLUS") else "product"
        return told(
            "SD0003",
            f"`{p.token()}` can't stand between layers",
            p.span(0, 0),
            f"paths are joined by `{join} {{ … | … }}`",
        )
    return None


def _is_weight(p: Place) -> bool:
    """Return whether a colon follows in the same alternative."""
    last = 0
    while p.token(last).type not in ("BAR", "RBRACE", "SEMICOLON", "$END") and last < 20:
        if p.token(last).type == "COLON":
            return True
        last += 1
    return False


def separators(p: Place) -> Diagnostic | None:
    """`,` between layers or alternatives, `;` between arguments, `|` between values or outside of a join."""
    top, before = p.bracket, p.bracketed
    if p.types(0, "COMMA") and p.token(-2).type in ("READ", "WRITE"):
        return _list_of_banks(p)
    if p.types(0, "COMMA") and "LET" in p.accepts:
        sign = "|" if before.type in BRANCHES else ";"
        what = "alternatives" if before.type == "CHOOSE" else "paths" if sign == "|" else "layers"
        edit = Edit(p.span(0, 0), " |" if sign == "|" else sign)
        return told("SD0003", f"`,` can't stand between {what}", p.span(0, 0), f"write `{sign}`", edit)
    if p.types(0, "BAR") and "COMMA" in p.accepts and top.type == "LBRACE":
        edit = Edit(Span(span_of(p.token(-1)).end, span_of(p.token()).end), ",")
        return told(
            "SD0003", "`|` can't stand between the values of a choice", p.span(0, 0), "write `,`: `{8, 16}`", edit
        )
    if p.types(0, "BAR") and "LET" in p.accepts:
        help = "write `choose { … | … }` for one of the paths, `sum { … | … }` or another join for all of them"
        return told("SD0003", "`|` stands between paths, and no `choose` or join is open here", p.span(0, 0), help)
    if p.types(0, "SEMICOLON") and top.type in ("LPAR", "LSQB") and "COMMA" in p.accepts and not p.starts_line(1):
        return told("SD0003", f"`;` can't stand inside `{top}`", p.span(0, 0), "write `,`", Edit(p.span(0, 0), ","))
    if p.types(0, "COLON") and p.types(-1, "RPAR") and "LET" in p.accepts:
        return _weight_last(p)
    return None


def _list_of_banks(p: Place) -> Diagnostic:
    last = 0
    while p.token(last).type == "COMMA" and p.token(last + 1).type in ("NUMBER", "NAME"):
        last += 2
    at = p.span(-1, last - 1 if last else 0)
    shown = ", ".join(str(p.token(k)) for k in range(-1, last, 2))
    return told("SD0003", "several banks stand in a list", at, f"write `[{shown}]`", Edit(at, f"[{shown}]"))


def _weight_last(p: Place) -> Diagnostic:
    return told("SD0003", "a weight stands before its path", p.span(0, 0), "write `0.3: relu`")


def swapped_weight(p: Place) -> Diagnostic | None:
    """`choose { relu: 0.3 | … }`."""
    if not p.types(-2, "NAME", "COLON", "NUMBER") or "LET" not in p.accepts:
        return None
    right = f"{p.token()}: {p.token(-2)}"
    at = p.span(-2, 0)
    return told("SD0003", "a weight stands before its path", at, f"write `{right}`", Edit(at, right))


def numbers(p: Place) -> Diagnostic | None:
    """`3 x 3`, `3X3`, `1_000`, `4M`, `3x`, `(3, 3)`."""
    word, before = str(p.token()), p.token(-1)
    if p.types(0, "COMMA") and p.types(-2, "LPAR", "NUMBER", "COMMA") and p.bracket is p.token(-2):
        return _tuple(p)
    if before.type not in ("NUMBER", "DIMS") or p.token().type != "NAME" or p.starts_line():
        return None
    tail = re.fullmatch(r"[xX]([0-9]*)", word)
    if tail and (tail[1] or p.types(1, "NUMBER") or p.types(1, "DIMS")):
        last = 0 if tail[1] else 1
        right = f"{before}x{tail[1] or p.token(1)}"
        at = p.span(-1, last)
        if "OF" in p.accepts:
            right = f"{before} of {tail[1] or p.token(1)}"
        what = "the number of banks and their channels" if "OF" in p.accepts else "a size"
        return told("SD0003", f"{what} can't be written like this", at, f"write `{right}`", Edit(at, right))
    if not p.joined():
        return None
    if re.fullmatch(r"_[0-9_]+", word):
        right, at = f"{before}{word.replace('_', '')}", p.span(-1, 0)
        return told("SD0003", "digits of a number stand together", at, f"write `{right}`", Edit(at, right))
    powers = {"k": 3, "m": 6, "g": 9, "b": 9}
    if word.lower() in powers:
        right, at = f"{before}e{powers[word.lower()]}", p.span(-1, 0)
        return told("SD0003", "a number has no unit", at, f"write `{right}`", Edit(at, right))
    if tail and "LBRACE" in p.accepts:
        return told("SD0003", "a count is a number alone", p.span(-1, 0), f"write `{before}`", Edit(p.span(0, 0), ""))
    if "NAME" not in p.accepts:
        return told(
            "SD0003",
            f"`{before}{word}` is neither a number nor a name",
            p.span(-1, 0),
            "a name starts with a letter or `_`, and a number holds digits only",
        )
    return None


def _tuple(p: Place) -> Diagnostic:
    """`(3, 3)`: round brackets hold one value."""
    numbers, last = [str(p.token(-1))], 0
    while p.types(last, "COMMA", "NUMBER"):
        numbers.append(str(p.token(last + 1)))
        last += 2
    at = p.span(-2, last)
    right = "x".join(numbers)
    if not p.types(last, "RPAR") or not all(number.isdigit() for number in numbers):
        return told(
            "SD0003", "round brackets hold one value", p.span(0, 0), "a list is written `[a, b]`, a choice `{a, b}`"
        )
    return told("SD0003", "round brackets hold one value", at, f"a size is written `{right}`", Edit(at, right))


def early_digit(p: Place) -> Diagnostic | None:
    if p.types(0, "NUMBER", "NAME") and p.joined(1) and "NAME" in p.accepts and "NUMBER" not in p.accepts:
        return told(
            "SD0003", f"`{p.token()}{p.token(1)}` is no name", p.span(0, 1), "a name starts with a letter or `_`"
        )
    return None
