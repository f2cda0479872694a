"""The signature table of the reference against the op table."""

from __future__ import annotations

import re
from pathlib import Path

from smashdsl.ops import LAYERS, Arg

PAGE = Path(__file__).with_name("layers.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| (none|`[^|]*) \|", re.MULTILINE)


def documented() -> dict[str, list[str]]:
    """Return the signatures of the page, an argument as it is written there."""
    table = PAGE[PAGE.index("| layer | arguments |") :].split("\n\n")[0]
    found = {}
    for layers, arguments in ROW.findall(table):
        for layer in re.findall(r"\w+", layers):
            assert layer not in found
            found[layer] = [] if arguments == "none" else arguments.split("; ")
    return found


def written(arg: Arg) -> str:
    """Return an argument as the page must write it."""
    default = "" if arg.default is None else f" = {str(arg.default).lower() if arg.kind == 'flag' else arg.default}"
    words = f" ({', '.join(arg.words)})" if arg.words else ""
    return f"`{arg.name}` {arg.kind}{default}{words}"


def test_the_reference_has_every_layer_with_its_arguments() -> None:
    assert documented() == {name: [written(arg) for arg in op.args] for name, op in LAYERS.items()}


def test_the_reference_tells_every_type() -> None:
    types = set(re.findall(r"^\| (\w+) \|", PAGE[: PAGE.index("| layer | arguments |")], re.MULTILINE)) - {"type"}
    assert types == {arg.kind for op in LAYERS.values() for arg in op.args}


def test_every_layer_says_what_it_does() -> None:
    assert all(op.doc for op in LAYERS.values())
