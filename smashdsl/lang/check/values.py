"""Values of arguments, held to the kinds that signatures ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smashdsl.lang.check.pools import shown
from smashdsl.lang.program import templates as p
from smashdsl.lang.typed.evaluate import evaluate
from smashdsl.lang.typed.kinds import KINDS
from smashdsl.ops import ShapeError


def value_of(arg: p.Argument, env: Mapping[str, Any], chosen: Mapping[int, Any]) -> Any:
    """Return an argument's value; raises `ShapeError` when it is not of the argument's kind."""
    value = evaluate(arg.value, env, chosen)
    if not _is_kind(value, arg.kind):
        wanted = "one whole number" if arg.kind == "size" else KINDS.get(arg.kind, "one of its words")
        raise ShapeError("SD0201", f"`{arg.name}` must be {wanted}, not {shown(value)}")
    return value


def _is_kind(value: Any, kind: str) -> bool:
    match kind:
        case "size":
            return type(value) is int
        case "axes":
            return type(value) is int or (type(value) is tuple and all(type(item) is int for item in value))
        case "number":
            return type(value) in (int, float)
        case "flag":
            return type(value) is bool
        case "any":
            return True
    return type(value) is str


def order(value: Any) -> tuple[str, Any]:
    """Return what values of one decision are sorted by: numbers and words apart."""
    return "number" if isinstance(value, int | float) else type(value).__name__, value
