"""Sets of banks: which sizes a selection allows and how many sets there are of each."""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from typing import Any

from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate, scalar
from smashdsl.ops.op import ShapeError

MOST_VALUES = 4096


def values(domain: ir.Choice | ir.Interval, env: Mapping[str, Any], chosen: Mapping[int, Any]) -> list[Any]:
    """Return the values a choice allows, in order; raises `ShapeError` when there are none or two are equal."""
    if isinstance(domain, ir.Interval):
        low, high, step = (scalar(evaluate(end, env, chosen)) for end in (domain.low, domain.high, domain.step))
        if not all(isinstance(end, int) for end in (low, high, step)):
            raise ShapeError("SD0201", "the ends of a range are whole numbers; list the values: `{0.1, 0.2}`")
        if step < 1:
            raise ShapeError("SD0204", f"a range in steps of {step} gets nowhere")
        if low > high:
            raise ShapeError("SD0204", f"{low}..{high} is empty", "let the lower end be at most the upper one")
        if (high - low) // step >= MOST_VALUES:
            raise ShapeError("SD0402", f"{low}..{high} holds more than {MOST_VALUES:,} values")
        return list(range(low, high + 1, step))
    found = [evaluate(element, env, chosen) for element in domain.elements]
    if len(set(found)) < len(found):
        twice = next(value for i, value in enumerate(found) if value in found[:i])
        raise ShapeError("SD0204", f"this choice offers {shown(twice)} twice", "let its elements differ")
    return found


def sizes(banks: ir.Selection, low: int, high: int, env: Mapping[str, Any]) -> list[int]:
    """Return the sizes a free selection allows, each of which must lie in ``low..high``."""
    what = f"`{banks.pool}`, which holds {number_of(high)}"
    more = "declare more banks" if banks.pool in {"fresh", "reachable"} else "have more written before"
    if banks.size is None:
        if low > high:
            raise ShapeError(
                "SD0303", f"{number_of(low)} can't be taken from {what}", f"make fewer channels, or {more}"
            )
        return list(range(low, high + 1))
    if isinstance(banks.size, ir.Choice | ir.Interval):
        wanted = values(banks.size, env, {})
    else:
        wanted = [scalar(evaluate(banks.size, env, {}))]
    for size in wanted:
        if type(size) is not int:
            raise ShapeError("SD0201", f"{shown(size)} is no number of banks")
        if size < 1 or size > high:
            raise ShapeError("SD0303", f"{number_of(size)} can't be taken from {what}", f"take fewer, or {more}")
        if size < low:
            message = f"{low} banks' worth of channels is written to {number_of(size)}"
            raise ShapeError("SD0304", message, f"write to at least {low}", about="channels")
    return wanted


def number_of(banks: int) -> str:
    """Return a number of banks as a phrase."""
    return "1 bank" if banks == 1 else f"{banks} banks"


def reachable_sets(written: int, fresh: int, size: int) -> list[int]:
    """Return, for m = 0, 1, …, how many sets of a size take the first m fresh banks and the rest from the written."""
    return [comb(written, size - m) for m in range(min(size, fresh) + 1)]


def shown(value: Any) -> str:
    """Return a value as the language spells it."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
