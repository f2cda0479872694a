"""The parse table that is kept beside the grammar."""

from __future__ import annotations

import json
from importlib.resources import files

import lark
import pytest

from smashdsl.lang.syntax import grammar, table

AGAIN = "write it anew: python -m smashdsl.lang.syntax.table"


def kept() -> dict[str, object]:
    return dict(json.loads(files("smashdsl.grammar").joinpath("smash.json").read_text(encoding="utf-8")))


def test_the_table_was_made_for_the_grammar() -> None:
    now = table.built(table.text())
    assert kept()["made_for"]["grammar"] == now["made_for"]["grammar"], AGAIN  # type: ignore[index]
    if kept()["made_for"] == now["made_for"]:
        assert kept() == now, AGAIN
    else:
        pytest.skip(f"the table was made by another release of Lark than {lark.__version__}")


def test_a_table_of_another_grammar_is_not_used() -> None:
    other = table.text().replace('"maybe"', '"perhaps"')
    words = {terminal.pattern.value for terminal in table.parser(other, grammar.TreeBuilder()).terminals}
    assert "perhaps" in words
    assert "maybe" not in words
