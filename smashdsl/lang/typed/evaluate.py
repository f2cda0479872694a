"""The value of an expression, on integers or on arrays of one integer per architecture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smashdsl.lang.typed import ir
from smashdsl.ops.op import ShapeError, greatest, least, quotient

LARGEST = 2**52  # beyond this a float64 no longer holds every integer

WHERE = {
    "bank": "it speaks of banks: use it inside a block or a cell",
    "left": "it is what a budget still allows: use it in an op of `ops while`",
}

# by identity: a choice has no value of its own, the decision made for it has
Chosen = Mapping[int, Any]


def evaluate(expr: ir.Expr, env: Mapping[str, Any], chosen: Chosen) -> Any:
    """Return the value of an expression under names and decisions; sizes per axis are tuples.

    Raises `ShapeError` where there is no value.
    """
    match expr:
        case ir.Number():
            return expr.value
        case ir.Dims():
            return expr.values
        case ir.Word():
            return {"true": True, "false": False}.get(expr.value, expr.value)
        case ir.Ref():
            if expr.name not in env:
                message = f"`{expr.name}` has no meaning here"
                raise ShapeError("SD0306", message, WHERE.get(expr.name, WHERE["bank"]))
            return env[expr.name]
        case ir.Count():
            return env[f"count({expr.op})"]
        case ir.Choice() | ir.Interval():
            return chosen[id(expr)]
        case ir.PerAxis():
            return tuple(scalar(evaluate(item, env, chosen)) for item in expr.items)
        case ir.Call():
            values = [scalar(evaluate(arg, env, chosen)) for arg in expr.args]
            result = values[0]
            for value in values[1:]:
                result = least(result, value) if expr.function == "min" else greatest(result, value)
            return result
        case ir.Binary():
            left, right = scalar(evaluate(expr.left, env, chosen)), scalar(evaluate(expr.right, env, chosen))
            return _arithmetic(expr.op, left, right)
    raise ShapeError("SD0201", "this can't stand in an expression")


def _arithmetic(op: str, left: Any, right: Any) -> Any:
    if op == "/":
        return quotient(left, right)
    result = left + right if op == "+" else left - right if op == "-" else left * right
    if isinstance(result, int) and abs(result) > LARGEST:
        raise ShapeError("SD0208", f"{left} {op} {right} is larger than any size")
    return result


def scalar(value: Any) -> Any:
    """Return a value as one number; a size that is equal along all axes counts as one."""
    if isinstance(value, tuple):
        first = value[0]
        if any(item is not first and not _equal(item, first) for item in value):
            raise ShapeError("SD0201", f"{'x'.join(map(str, value))} differs between axes and is no single number")
        return first
    if isinstance(value, bool):
        raise ShapeError("SD0201", f"`{str(value).lower()}` is a word, not a number")
    if isinstance(value, str):
        raise ShapeError("SD0201", f"`{value}` is a word, not a number")
    return value


def _equal(a: Any, b: Any) -> bool:
    same = a == b
    return same if isinstance(same, bool) else bool(same.all())
