"""The TextMate grammar that editors colour `.smash` texts by.

`python -m smashdsl.highlight.textmate` writes it anew, beside the grammar that it is read off and into the extension of
VS Code, after a change of that grammar or of the layers.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from smashdsl.files import write_text
from smashdsl.highlight.classes import CONSTANTS, CONTEXT_NAMES, DEFINING, FUNCTIONS, any_of, layers, patterns, words_of

FILE = "smash.tmLanguage.json"


def grammar() -> dict[str, Any]:
    """Return the grammar as JSON-ready data; of two patterns the first counts."""
    found = patterns()
    name = found["NAME"]
    defining = any_of(tuple(found[terminal] for terminal in DEFINING))
    return {
        "name": "Smash",
        "scopeName": "source.smash",
        "fileTypes": ["smash"],
        "patterns": [
            _one("comment.line.number-sign", found["COMMENT"]),
            _one("string.quoted.double", found["STRING"]),
            _one("keyword.control.version", found["VERSION"]),
            _two(rf"({defining})[ \t]+({name})", "storage.type", "entity.name.function"),
            _two(rf"(\bparam\b)[ \t]+({name})", "storage.type", "variable.other.constant"),
            _one("support.function", rf"{any_of(FUNCTIONS)}(?=[ \t]*\()"),
            _one("storage.type", any_of(words_of("declaration"))),
            _one("keyword.control", any_of(words_of("control"))),
            _one("keyword.other", any_of(words_of("word"))),
            _one("variable.parameter", rf"\b{name}(?=[ \t]*=(?!=))"),
            _one("support.function", any_of(layers())),
            _one("variable.language", any_of(CONTEXT_NAMES)),
            _one("constant.language", any_of(CONSTANTS)),
            _one("variable.other", rf"\b{name}"),
            _one("constant.numeric", f"{found['DIMS']}|{found['NUMBER']}"),
            _one("keyword.operator", "|".join(words_of("operator"))),
            _one("punctuation", "|".join(words_of("punctuation"))),
        ],
    }


def text() -> str:
    """Return the grammar's file."""
    return json.dumps(grammar(), indent=2) + "\n"


def places() -> tuple[Path, ...]:
    """Return where the grammar lies in a checkout."""
    folder = Path(str(files("smashdsl.grammar")))
    return folder / FILE, folder.parent / "editors" / "vscode" / "syntaxes" / FILE


def _one(scope: str, match: str) -> dict[str, Any]:
    return {"name": f"{scope}.smash", "match": match}


def _two(match: str, first: str, second: str) -> dict[str, Any]:
    return {"match": match, "captures": {"1": {"name": f"{first}.smash"}, "2": {"name": f"{second}.smash"}}}


if __name__ == "__main__":
    for path in places():
        write_text(path, text())
