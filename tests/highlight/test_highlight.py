"""Every text of the language is coloured, and both lists of colours are those of the grammar."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from smashdsl.highlight.classes import CLASSES, patterns
from smashdsl.highlight.textmate import grammar, places, text
from smashdsl.lang.syntax.grammar import lex

pytest.importorskip("pygments")

from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Error, Keyword, Name, Number, Whitespace
from pygments.util import ClassNotFound

from smashdsl.highlight.lexer import SmashLexer

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.smash"))
FENCES = [
    fence
    for page in sorted((ROOT / "tests" / "spec").glob("*.md"))
    for fence in re.findall(r"^```smash[^\n]*\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
]


def test_every_terminal_of_the_grammar_has_a_class() -> None:
    assert CLASSES.keys() == patterns().keys()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_coloured_whole(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tokens = list(SmashLexer(stripnl=False, ensurenl=False).get_tokens(source))
    assert not [value for kind, value in tokens if kind in Error]
    assert "".join(value for _, value in tokens) == source
    spoken = [v for kind, v in tokens if kind not in Whitespace and kind not in Comment]
    assert spoken == [str(token) for token in lex(source)]


def test_the_reference_has_no_colourless_words() -> None:
    wrong = [v for fence in FENCES for kind, v in SmashLexer().get_tokens(fence) if kind in Error]
    assert len(FENCES) > 50
    assert set(wrong) == {"@", '"'}  # what the reference shows to be wrong


def test_words_are_told_apart() -> None:
    told = {v: k for k, v in SmashLexer().get_tokens("op mix(c = 8) { conv(3x3, c, bias = true) }")}
    assert (told["op"], told["mix"]) == (Keyword.Declaration, Name.Class)
    assert (told["conv"], told["bias"], told["true"]) == (Name.Function, Name.Attribute, Keyword.Constant)
    assert told["3x3"] is Number.Integer


def test_the_lexer_is_found_by_name() -> None:
    try:
        lexer = get_lexer_by_name("smash")
    except ClassNotFound:
        pytest.skip("the package is not installed, so it has no entry points")
    assert type(lexer).__name__ == "SmashLexer"


@pytest.mark.parametrize("path", places(), ids=lambda path: path.parent.name)
def test_the_textmate_grammar_is_that_of_the_language(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == text(), "run `python -m smashdsl.highlight.textmate`"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_textmate_grammar_names_every_word(path: Path) -> None:
    first = re.compile("|".join(f"(?:{pattern['match']})" for pattern in json.loads(text())["patterns"]))
    left = first.sub("", path.read_text(encoding="utf-8"))
    assert left.strip() == ""
    assert grammar()["scopeName"] == "source.smash"
