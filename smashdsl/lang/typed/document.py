"""The IR as JSON, and back."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import Any

from smashdsl.lang.typed import ir


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(ir.Space)


def to_json(space: ir.Space) -> dict[str, Any]:
    """Return the IR as JSON-ready data; spans are left out."""
    return dict(_data(space))


def _data(value: Any) -> Any:
    if isinstance(value, ir.Node):
        return {f.name: _data(getattr(value, f.name)) for f in fields(value) if f.name != "span"}
    return [_data(item) for item in value] if isinstance(value, tuple) else value


def from_json(data: dict[str, Any]) -> ir.Space:
    """Return the IR that `to_json` wrote; raises `pydantic.ValidationError` for anything else."""
    space: ir.Space = _adapter().validate_python(data)
    return space


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the IR."""
    return dict(_adapter().json_schema())
