"""What `require` says, as meters to keep along the walk and a test of what they read in the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor
from operator import eq, ge, gt, le, lt
from typing import NamedTuple

from smashdsl.lang.check.account import Meter, Spent, bounded
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate

COMPARE = {"<=": le, ">=": ge, "==": eq, "<": lt, ">": gt}
MIRRORED: dict[ir.Relation, ir.Relation] = {"<=": ">=", ">=": "<=", "==": "==", "<": ">", ">": "<"}
Number = int | float


class Sum(NamedTuple):
    """A constant and measures, each times a number."""

    constant: Number
    factors: dict[str, Number]


class _Plain(NamedTuple):
    """A constraint on one meter."""

    meter: Meter
    comparison: str
    bound: Number


class Constraints:
    """The constraints of a space, and the meters that they need."""

    def __init__(self, requires: Sequence[ir.Require]) -> None:
        self.others: list[ir.Require] = []
        plain: list[_Plain] = []
        for require in requires:
            found = _plain(require)
            if found is None:
                self.others.append(require)
            else:
                plain.append(found)
        measures = sorted({measure for require in self.others for measure in _measures(require)})
        bare = dict.fromkeys(one.meter for one in plain)
        meters = [*(_bounded(meter, plain) for meter in bare), *(Meter(((measure, 1),)) for measure in measures)]
        self.meters = tuple(meters)
        self.plain = [(list(bare).index(one.meter), one.comparison, one.bound) for one in plain]
        self.named = {measure: len(bare) + i for i, measure in enumerate(measures)}

    def met(self, spent: Spent) -> bool:
        """Return whether a member that has spent so much in all meets every constraint.

        Raises `ShapeError` where numbers become too large to compare.
        """
        if not all(COMPARE[comparison](spent[index], bound) for index, comparison, bound in self.plain):
            return False
        env = {measure: spent[index] for measure, index in self.named.items()}
        return all(
            COMPARE[require.comparison](evaluate(require.left, env, {}), evaluate(require.right, env, {}))
            for require in self.others
        )


def _plain(require: ir.Require) -> _Plain | None:
    """Return a constraint as a bound on whole multiples of measures, None where it is something else."""
    left, right = _sum(require.left), _sum(require.right)
    if left is None or right is None:
        return None
    factors = {m: left.factors.get(m, 0) - right.factors.get(m, 0) for m in {**left.factors, **right.factors}}
    if not all(isinstance(factor, int) for factor in factors.values()):
        return None
    comparison, bound = require.comparison, right.constant - left.constant
    kept = {m: int(factor) for m, factor in factors.items() if factor}
    if kept and all(factor < 0 for factor in kept.values()):
        kept, bound, comparison = {m: -factor for m, factor in kept.items()}, -bound, MIRRORED[comparison]
    return _Plain(Meter(tuple(sorted(kept.items()))), comparison, bound)


def _bounded(meter: Meter, plain: Sequence[_Plain]) -> Meter:
    """Return a meter with what all constraints on it say."""
    most: list[int] = []
    enough: list[int] = []
    for one in plain:
        if one.meter != meter:
            continue
        if one.comparison in {"<=", "<", "=="}:
            most.append(floor(one.bound) if one.comparison != "<" else ceil(one.bound) - 1)
        else:
            enough.append(ceil(one.bound) if one.comparison == ">=" else floor(one.bound) + 1)
    return bounded(dict(meter.factors), min(most, default=None), max(enough, default=None))


def _sum(expr: ir.Expr) -> Sum | None:
    """Return an expression as a sum of measures times numbers, None where it is none."""
    match expr:
        case ir.Number():
            return Sum(expr.value, {})
        case ir.Ref():
            return Sum(0, {expr.name: 1})
        case ir.Count():
            return Sum(0, {f"count({expr.op})": 1})
        case ir.Binary():
            left, right = _sum(expr.left), _sum(expr.right)
            if left is None or right is None or expr.op == "/":
                return None
            if expr.op == "*":
                return _times(left, right)
            sign = 1 if expr.op == "+" else -1
            names = {**left.factors, **right.factors}
            factors = {name: left.factors.get(name, 0) + sign * right.factors.get(name, 0) for name in names}
            return Sum(left.constant + sign * right.constant, factors)
    return None


def _times(left: Sum, right: Sum) -> Sum | None:
    if left.factors and right.factors:
        return None
    one, many = (right, left) if left.factors else (left, right)
    return Sum(one.constant * many.constant, {name: one.constant * f for name, f in many.factors.items()})


def _measures(require: ir.Require) -> Iterator[str]:
    stack = [require.left, require.right]
    while stack:
        expr = stack.pop()
        match expr:
            case ir.Ref():
                yield expr.name
            case ir.Count():
                yield f"count({expr.op})"
            case ir.Binary():
                stack.extend((expr.left, expr.right))
            case ir.Call():
                stack.extend(expr.args)
