"""Folding of constants, and choices moved to the outside of sums and products.

`2*8` becomes `16`; `8 * {1, 2}` becomes `{8, 16}` and `b * (1..4)` becomes `b*1..b*4 step b`, so that a decision is
spoken of by the value it takes in the network. Only operations that keep different elements different move.
"""

from __future__ import annotations

from collections.abc import Callable

from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.terms import is_choice


class FoldError(Exception):
    """A constant expression that has no value."""

    def __init__(self, code: str, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def is_known(expr: ir.Expr) -> bool:
    """Return whether no decision is made in an expression; a range counts as all of its values."""
    if isinstance(expr, ir.Interval):
        return not any(is_choice(end) for end in (expr.low, expr.high, expr.step))
    return not is_choice(expr)


def is_plain(expr: ir.Expr) -> bool:
    """Return whether an expression is one choice or none."""
    return isinstance(expr, ir.Choice) or is_known(expr)


def binary(op: ir.Operator, left: ir.Expr, right: ir.Expr, span: Span, limits: Limits) -> ir.Expr:
    """Return `left op right`, folded and with a choice moved outwards where that is exact."""
    if isinstance(left, ir.Number) and isinstance(right, ir.Number):
        return _constant(op, left.value, right.value, span, limits)
    if isinstance(left, ir.Choice) and not is_choice(right) and op in "+-*/":
        return _each(left, lambda e: binary(op, e, right, span, limits), span)
    if isinstance(right, ir.Choice) and not is_choice(left) and op in "+-*":
        return _each(right, lambda e: binary(op, left, e, span, limits), span)
    if isinstance(right, ir.Choice) and op == "/" and not is_choice(left) and _divides(left, right):
        return _each(right, lambda e: binary(op, left, e, span, limits), span)
    if isinstance(left, ir.Interval) and not is_choice(right) and op in "+-*":
        return _shifted(left, op, right, span, limits, flip=False)
    if isinstance(right, ir.Interval) and not is_choice(left) and op in "+*":
        return _shifted(right, op, left, span, limits, flip=True)
    for operand in (left, right):
        if isinstance(operand, ir.Dims | ir.Word | ir.PerAxis):
            raise FoldError("SD0201", f"`{op}` takes numbers")
    return ir.Binary(op, left, right, span=span)


def _divides(left: ir.Expr, right: ir.Choice) -> bool:
    """Return whether different divisors give different quotients."""
    positive = all(isinstance(e, ir.Number) and e.value > 0 for e in right.elements)
    return positive and not (isinstance(left, ir.Number) and left.value == 0)


def _each(choice: ir.Choice, function: Callable[[ir.Expr], ir.Expr], span: Span) -> ir.Choice:
    return ir.Choice(tuple(function(e) for e in choice.elements), choice.weights, span=span)


def _shifted(
    interval: ir.Interval, op: ir.Operator, by: ir.Expr, span: Span, limits: Limits, *, flip: bool
) -> ir.Interval:
    def apply(end: ir.Expr) -> ir.Expr:
        return binary(op, by, end, span, limits) if flip else binary(op, end, by, span, limits)

    step = interval.step
    if op == "*":
        step = by if step == ir.Number(1) else apply(step)
    return ir.Interval(apply(interval.low), apply(interval.high), step, span=span)


def _constant(op: ir.Operator, a: int | float, b: int | float, span: Span, limits: Limits) -> ir.Number:
    value: int | float
    if op == "+":
        value = a + b
    elif op == "-":
        value = a - b
    elif op == "*":
        value = a * b
    elif b == 0:
        raise FoldError("SD0202", f"{a} / {b} divides by zero")
    elif isinstance(a, int) and isinstance(b, int):
        if a % b:
            raise FoldError("SD0202", f"{a} / {b} leaves a remainder", "`/` must divide exactly")
        value = a // b
    else:
        value = a / b
    return number(value, span, limits)


def number(value: int | float, span: Span, limits: Limits) -> ir.Number:
    """Return a constant, whole where its value is, refused beyond the limit on magnitude."""
    if not abs(value) <= limits.magnitude:
        raise FoldError("SD0208", f"this number is larger than {limits.magnitude:,}")
    return ir.Number(int(value) if value == int(value) else value, span=span)


def call(function: ir.Function, args: tuple[ir.Expr, ...], span: Span) -> ir.Expr:
    """Return `min(…)` or `max(…)`, folded when every argument is constant."""
    numbers = [arg.value for arg in args if isinstance(arg, ir.Number)]
    if len(numbers) == len(args):
        return ir.Number(min(numbers) if function == "min" else max(numbers), span=span)
    for arg in args:
        if isinstance(arg, ir.Dims | ir.Word | ir.PerAxis):
            raise FoldError("SD0201", f"`{function}` takes numbers")
    return ir.Call(function, args, span=span)
