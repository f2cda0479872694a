"""The formatter: examples are fixed points, drawn texts keep their meaning, each rule of the layout is shown."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lark.exceptions import UnexpectedCharacters

from smashdsl.lang.syntax.format import WIDTH, format_text
from smashdsl.lang.syntax.grammar import keywords, lex
from smashdsl.lang.syntax.nodes import File
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from tests.properties.specs import drafts

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.smash"))
LAYOUT = sorted(Path(__file__).parent.glob("format/*.smash"))
QUICK = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
COMMENT = re.compile(r"#[^\n]*")


def tree_of(text: str) -> File | None:
    source = Source("drawn.smash", text)
    return parse(source, Sink(source), Limits())


def words(text: str) -> list[tuple[str, str]]:
    """Return the tokens and comments of a text in order."""
    found, end = [], 0
    for token in lex(text):
        start = token.start_pos or 0
        found += [("COMMENT", comment.rstrip()) for comment in COMMENT.findall(text[end:start])]
        found.append((token.type, " ".join(token.split()) if token.type == "VERSION" else str(token)))
        end = token.end_pos or 0
    return found + [("COMMENT", comment.rstrip()) for comment in COMMENT.findall(text[end:])]


def disturbed(text: str, draw: random.Random) -> str:
    """Return a text with other white space and more comments between its tokens, of the same meaning."""
    out, end = [], 0
    for token in lex(text):
        start = token.start_pos or 0
        gap = text[end:start]
        if "\n" in gap:
            gap = draw.choice([gap, "\n", "\n\n\n", "  # a note  \n\t", "\r\n", "\n# own line\n\n"])
        elif gap or (out and not out[-1][-1].isalnum() and not token[0].isalnum() and draw.random() < 0.3):
            gap = draw.choice([gap, " ", "   ", "\t", "\n", " # why\n", "\n\n# so\n"] if draw.random() < 0.3 else [gap])
        out += [gap, str(token)]
        end = token.end_pos or 0
    return "".join(out) + draw.choice(["", "\n", "\n\n # the end"])


def holds(text: str) -> None:
    """Check everything that formatting promises of a text."""
    done = format_text(text)
    assert format_text(done) == done
    assert words(done) == words(text)
    assert tree_of(done) == tree_of(text)
    assert done.endswith("\n")
    assert not re.search(r"\r|[ \t]$|\n\n\n", done, re.MULTILINE)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_stand_in_the_layout(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_text(text) == text


@pytest.mark.parametrize("path", LAYOUT, ids=lambda path: path.stem)
def test_layout(path: Path) -> None:
    """A file holds a text, a line of dashes, and the text formatted."""
    before, after = re.split(r"^-+\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert format_text(before) == after
    holds(before)


@QUICK
@given(drafts(), st.randoms(use_true_random=False))
def test_drawn_spaces_keep_their_meaning(text: str, draw: random.Random) -> None:
    holds(text)
    holds(disturbed(text, draw))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@settings(QUICK, max_examples=15)
@given(st.randoms(use_true_random=False))
def test_disturbed_examples_keep_their_meaning(path: Path, draw: random.Random) -> None:
    holds(disturbed(path.read_text(encoding="utf-8"), draw))


WORDS = [*sorted(keywords()), *"{}()[],;:|=+-*/", "..", "<=", "x", "3", "0.5", "3x3", '"s"', "# c\n", "\n", "smash 1"]


@settings(QUICK, max_examples=200)
@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_texts_that_do_not_parse_keep_their_words(drawn: list[str]) -> None:
    text = " ".join(drawn)
    done = format_text(text)
    assert words(done) == words(text)
    assert format_text(done) == done


def test_long_lines_are_split_where_they_can_be() -> None:
    layers = "; ".join(f"conv({k}x{k}, channels, weights = shared)" for k in range(1, 99, 2))
    values = ", ".join(str(k) for k in range(200))
    text = f"smash 1\nspace s {{ stem {{ {layers}; choose {{ {layers} | conv({{{values}}}) }} }} }}"
    holds(text)
    assert max(map(len, format_text(text).split("\n"))) <= WIDTH


def test_characters_of_no_word_are_refused() -> None:
    with pytest.raises(UnexpectedCharacters):
        format_text("smash 1\n§")
