"""JSON Schemas of what commands read and print, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smashdsl.lang.text.codes import CODES
from smashdsl.lang.typed.document import json_schema

DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
NUMBER_FROM_1 = {"type": "integer", "minimum": 1}
NUMBER_FROM_0 = {"type": "integer", "minimum": 0}


def architecture() -> dict[str, Any]:
    """Return the schema of an architecture; that its decisions go together only the space can tell."""
    value = {
        "description": "a number or word; a size per axis, such as 3x3, as text; a set of banks as a list",
        "anyOf": [{"type": ["number", "string", "boolean"]}, {"type": "array", "items": NUMBER_FROM_0}],
    }
    properties = {
        "format": {"const": 1},
        "space": TEXT,
        "space_hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "decisions": {"type": "object", "additionalProperties": value},
    }
    return _object("Architecture", properties, ["format", "decisions"])


def diagnostics() -> dict[str, Any]:
    """Return the schema of what `check --format json` prints: a result, or a list of one for each file."""
    edit = _closed({"start": NUMBER_FROM_0, "end": NUMBER_FROM_0, "text": TEXT})
    places = ("line", "column", "end_line", "end_column")
    label = _closed({"file": TEXT, **dict.fromkeys(places, NUMBER_FROM_1), "text": TEXT})
    diagnostic = _closed(
        {
            "code": {"enum": list(CODES)},
            "severity": {"enum": ["error", "warning"]},
            "message": TEXT,
            "file": TEXT,
            "line": NUMBER_FROM_1,
            "column": NUMBER_FROM_1,
            "end_line": NUMBER_FROM_1,
            "end_column": NUMBER_FROM_1,
            "where": {"description": "the path of the site, empty where there is none", **TEXT},
            "when": {"description": "decisions that lead there", "type": "object", "additionalProperties": TEXT},
            "labels": {"description": "other places, with a few words each", "type": "array", "items": label},
            "notes": {"type": "array", "items": TEXT},
            "help": {"type": ["string", "null"]},
            "fix": {"description": "edits, in code points of the file from 0", "type": "array", "items": edit},
        }
    )
    result = _closed(
        {
            "file": TEXT,
            "ok": {"type": "boolean"},
            "count": {"description": "as text from 2^53 on", "type": ["integer", "string", "null"]},
            "diagnostics": {"type": "array", "items": {"$ref": "#/$defs/diagnostic"}},
        }
    )
    either = [{"$ref": "#/$defs/result"}, {"type": "array", "items": {"$ref": "#/$defs/result"}}]
    return {
        "$schema": DRAFT,
        "title": "Results of checking",
        "anyOf": either,
        "$defs": {"result": result, "diagnostic": diagnostic},
    }


def intermediate() -> dict[str, Any]:
    """Return the schema of the typed IR, `space.json` of `smashdsl compile`."""
    return {"$schema": DRAFT, **json_schema()}


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "architecture": architecture,
    "diagnostics": diagnostics,
    "ir": intermediate,
}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _object(title: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"$schema": DRAFT, "title": title, "type": "object", "properties": properties, "required": required}
