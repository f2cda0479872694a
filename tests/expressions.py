"""Values and names of the language once more: what an expression is worth and offers, how a scope labels its sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from smashdsl.lang.typed import ir


def labels(path: ir.Path) -> dict[int, str]:
    """Return the labels of a scope's statements by identity: siblings of one name get `[k]` in text order."""
    named = [(statement, name) for statement in in_scope(path) if (name := name_of(statement)) is not None]
    total, given = Counter(name for _, name in named), Counter[str]()
    found = {}
    for statement, name in named:
        found[id(statement)] = name if total[name] == 1 else f"{name}[{given[name]}]"
        given[name] += 1
    return found


def in_scope(path: ir.Path) -> Iterator[ir.Statement]:
    """Yield a scope's statements in text order; parallel and alternative paths belong to it, repeats are their own."""
    for statement in path:
        yield statement
        if isinstance(statement, ir.Combine | ir.Choose):
            for inner in statement.paths:
                yield from in_scope(inner)
        elif isinstance(statement, ir.Maybe):
            yield from in_scope(statement.path)


def name_of(statement: ir.Statement) -> str | None:
    match statement:
        case ir.Layer():
            return statement.op
        case ir.Use():
            return None if statement.of == "let" else statement.target
        case ir.Choose() | ir.Maybe() | ir.Repeat() | ir.Read() | ir.Write():
            return type(statement).__name__.lower()
    return None


def unrolled(members: Sequence[ir.Member], env: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, int]]]:
    """Yield ops with the values of the loops around them."""
    for member in members:
        if not isinstance(member, ir.For):
            yield member, {}
            continue
        for names in loops(member.names, member.values, env):
            for inner, more in unrolled(member.members, {**env, **names}):
                yield inner, {**names, **more}


def loops(names: Sequence[str], values: Sequence[ir.Expr], env: Mapping[str, Any]) -> Iterator[dict[str, int]]:
    if not names:
        yield {}
        return
    first = values[0]
    items = first.items if isinstance(first, ir.PerAxis) else (first,)
    for item in items:
        for value in options(item, env, {}) if isinstance(item, ir.Interval) else [evaluate(item, env, {})]:
            for rest in loops(names[1:], values[1:], {**env, names[0]: value}):
                yield {names[0]: value, **rest}


def largest(count: ir.Expr, env: Mapping[str, Any]) -> int:
    """Return the most that a count can be; its choices must not depend on decisions."""
    if isinstance(count, ir.Choice | ir.Interval):
        return max(options(count, env, {}))
    return int(evaluate(count, env, {}))


def choices(expr: ir.Expr) -> Iterator[ir.Choice | ir.Interval]:
    parts: tuple[ir.Expr, ...] = ()
    match expr:
        case ir.Interval():
            parts = (expr.low, expr.high, expr.step)
        case ir.Binary():
            parts = (expr.left, expr.right)
        case ir.Call():
            parts = expr.args
        case ir.PerAxis():
            parts = expr.items
    for part in parts:
        yield from choices(part)
    if isinstance(expr, ir.Choice | ir.Interval):
        yield expr


def options(choice: ir.Choice | ir.Interval, env: Mapping[str, Any], chosen: Mapping[int, Any]) -> list[Any]:
    if isinstance(choice, ir.Choice):
        return [evaluate(element, env, chosen) for element in choice.elements]
    low, high, step = (single(evaluate(end, env, chosen)) for end in (choice.low, choice.high, choice.step))
    return list(range(low, high + 1, step))


def evaluate(expr: ir.Expr, env: Mapping[str, Any], chosen: Mapping[int, Any]) -> Any:
    match expr:
        case ir.Number():
            return expr.value
        case ir.Dims():
            return expr.values
        case ir.Word():
            return expr.value == "true" if expr.value in {"true", "false"} else expr.value
        case ir.Ref():
            return env[expr.name]
        case ir.PerAxis():
            return tuple(single(evaluate(item, env, chosen)) for item in expr.items)
        case ir.Call():
            values = [single(evaluate(arg, env, chosen)) for arg in expr.args]
            return min(values) if expr.function == "min" else max(values)
        case ir.Binary():
            a, b = (single(evaluate(side, env, chosen)) for side in (expr.left, expr.right))
            if expr.op == "/":
                if isinstance(a, int) and isinstance(b, int):
                    assert a % b == 0
                    return a // b
                return a / b
            return {"+": a + b, "-": a - b, "*": a * b}[expr.op]
    return chosen[id(expr)]


def single(value: Any) -> Any:
    if isinstance(value, tuple):
        assert len(set(value)) == 1
        return value[0]
    return value
