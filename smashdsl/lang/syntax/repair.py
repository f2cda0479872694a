"""The one word that is missing or too many, found by reading on.

A repair is told only where all that follows in the statement then reads, and only one repair does that.
"""

from __future__ import annotations

from smashdsl.lang.syntax.automaton import missing, reads
from smashdsl.lang.syntax.grammar import fixed, span_of, spelling
from smashdsl.lang.syntax.place import Place, told
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.text.source import Span

AHEAD = 8  # words that are read on
SIGNS = ("COMMA", "EQUAL", "COLON", "OF", "IN", "BY", "RPAR", "RBRACE", "RSQB", "LBRACE", "LPAR", "LSQB")

TIGHT = frozenset({"COMMA", "RPAR", "RSQB", "RBRACE"})  # nothing stands before them


def repaired(place: Place) -> Diagnostic | None:
    """Return the one word that is missing, wrong or too many at a place, if one is."""
    following = _following(place)
    if not following:
        return None
    token, before = place.token(), place.token(-1)
    candidates = [sign for sign in SIGNS if sign in place.accepts]
    symbol = missing(place.stack, following, candidates)
    if symbol is not None and place.i:
        sign = fixed()[symbol]
        end = span_of(before).end
        space = "" if symbol in TIGHT else " "
        after = " " if end == span_of(token).start and symbol not in TIGHT - {"COMMA"} else ""
        edit = Edit(Span(end, end), space + sign + after)
        message = f"{spelling()[symbol]} is missing before `{_shown(str(token))}`"
        right = f"{before}{space}{sign}" + ("" if symbol in TIGHT - {"COMMA"} else " ") + _shown(str(token))
        return told("SD0003", message, span_of(token), f"write `{right}`", edit)
    if len(following) > 1 and reads(place.stack, following[1:]) and token.type != "NAME":
        at = span_of(token)
        return told("SD0003", f"`{_shown(str(token))}` can't stand here", at, "drop it", Edit(at, ""))
    return None


def _following(place: Place) -> list[str]:
    """Return the terminals from a place to the end of its statement."""
    last = 0
    while last < AHEAD and place.i + last + 1 < len(place.tokens):
        if place.starts_line(last + 1):
            break
        last += 1
    return [place.token(k).type for k in range(last + 1)]


def _shown(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
