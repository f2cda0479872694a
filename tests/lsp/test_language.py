"""Every word and name of the language has its sentence."""

from __future__ import annotations

from smashdsl.lang.syntax.grammar import keywords
from smashdsl.lang.typed.scope import RESERVED
from smashdsl.lang.typed.selections import POOLS, READ_JOINS, WRITE_JOINS
from smashdsl.lsp.language import JOINS, KEYWORDS, NAMES, SNIPPETS

CONSTANTS = {"true", "false", "fixed"}


def test_every_reserved_word_is_explained() -> None:
    assert KEYWORDS.keys() == keywords().keys()
    assert SNIPPETS.keys() <= keywords().keys()


def test_every_name_of_the_language_is_explained() -> None:
    assert NAMES.keys() == (RESERVED | set(POOLS)) - CONSTANTS


def test_every_way_to_join_is_explained() -> None:
    assert JOINS.keys() == READ_JOINS.keys() | WRITE_JOINS.keys()
