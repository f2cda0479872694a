"""What expressions are made of: every question about what stands inside one is asked through `parts`."""

from __future__ import annotations

from collections.abc import Iterator

from smashdsl.lang.typed import ir


def parts(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    """Return the expressions directly inside another, in text order."""
    match expr:
        case ir.Binary():
            return (expr.left, expr.right)
        case ir.Call():
            return expr.args
        case ir.Choice():
            return expr.elements
        case ir.Interval():
            return (expr.low, expr.high, expr.step)
        case ir.PerAxis():
            return expr.items
    return ()


def choices(expr: ir.Expr) -> Iterator[ir.Choice | ir.Interval]:
    """Yield the choices of an expression, inner ones first: the ends of a range may be choices."""
    for part in parts(expr):
        yield from choices(part)
    if isinstance(expr, ir.Choice | ir.Interval):
        yield expr


def names(expr: ir.Expr) -> Iterator[str]:
    """Yield the names an expression refers to."""
    if isinstance(expr, ir.Ref):
        yield expr.name
    for part in parts(expr):
        yield from names(part)


def is_choice(expr: ir.Expr) -> bool:
    """Return whether a decision is made somewhere in an expression."""
    return next(choices(expr), None) is not None
