"""The grammar itself: no conflicts, no collisions, no terminal without a name."""

from __future__ import annotations

import pytest
from lark import Lark
from lark.exceptions import LarkError

from smashdsl.lang.syntax import grammar


def strict(text: str) -> Lark:
    """Build a parser that refuses terminals which collide and rules which conflict."""
    pytest.importorskip("interegular")
    return Lark(text, parser="lalr", lexer="basic", strict=True)


def test_the_grammar_has_neither_conflicts_nor_collisions() -> None:
    terminals = strict(grammar.text()).terminals
    assert not [terminal.name for terminal in terminals if terminal.name.startswith("__")]


def test_a_collision_would_be_found() -> None:
    with pytest.raises(LarkError):
        strict(grammar.text() + '\nTWIN: /[a-z]+/\nstart_twin: TWIN\n%extend atom: TWIN "!"\n')


@pytest.mark.parametrize("text", ["smash1 space a { }", "smash 1 spacefoo { }", "smash 1 letx = 1"])
def test_words_do_not_run_into_each_other(text: str) -> None:
    with pytest.raises(LarkError):
        strict(grammar.text()).parse(text)
