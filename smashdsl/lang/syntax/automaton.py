"""The parser's automaton without its values: what may follow a state, tried out at the cost of a few list operations.

A stack is the states of the LALR(1) parser. Nothing here changes a stack that is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from typing import Any

from lark.parsers.lalr_analysis import Shift

from smashdsl.lang.syntax.grammar import lark

Stack = tuple[int, ...]


@cache
def _table() -> Any:
    return lark().parse_interactive("").parser_state.parse_conf


def start() -> Stack:
    """Return the stack before the first terminal."""
    return (_table().start_state,)


def shifted(stack: Stack, symbol: str) -> Stack | None:
    """Return the stack after a terminal, or None where it can't stand."""
    table, out = _table(), list(stack)
    while True:
        found = table.states[out[-1]].get(symbol)
        if found is None:
            return None
        action, target = found
        if action is Shift:
            out.append(target)
            return tuple(out)
        if target.expansion:
            del out[-len(target.expansion) :]
        out.append(table.states[out[-1]][target.origin.name][1])
        if symbol == "$END" and out[-1] == table.end_state:
            return tuple(out)


@lru_cache(maxsize=1024)
def accepts(stack: Stack) -> frozenset[str]:
    """Return the terminals that may stand after a stack."""
    possible = (symbol for symbol in _table().states[stack[-1]] if symbol.isupper())
    return frozenset(symbol for symbol in possible if shifted(stack, symbol) is not None)


def reads(stack: Stack, symbols: Iterable[str]) -> bool:
    """Return whether some terminals may stand after a stack, one after another."""
    for symbol in symbols:
        after = shifted(stack, symbol)
        if after is None:
            return False
        stack = after
    return True


def missing(stack: Stack, following: Sequence[str], candidates: Iterable[str]) -> str | None:
    """Return the one candidate with which before them the following terminals can be read."""
    good = [symbol for symbol in candidates if reads(stack, (symbol, *following))]
    return good[0] if len(good) == 1 else None
