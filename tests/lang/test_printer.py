"""Printing a space's IR and naming it by its content."""

from __future__ import annotations

from pathlib import Path

import pytest

from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.document import from_json, to_json
from smashdsl.lang.typed.identity import space_hash
from smashdsl.lang.typed.printer import to_text

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.smash"))
TEXT = """smash 1
# a comment
space s {
  param k = {3, 5}
  param two = 2
  input image[3, 4, 4]
  output classes(10)
  stem { conv(k, 4*two - (3 - two)) }
  body { maybe 0.25 { conv(3x3, weights = shared) }; repeat (1..2) { relu } }
  head { global_avg_pool; linear(classes) }
}
"""


def compiled(text: str) -> ir.Space:
    return compile_source(Source("t.smash", text)).space


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_printed_examples_compile_to_the_same_space(path: Path) -> None:
    space = compiled(path.read_text(encoding="utf-8"))
    printed = to_text(space)
    assert compiled(printed) == space
    assert from_json(to_json(space)) == space


def test_print_folds_constants_and_keeps_choices() -> None:
    assert "conv(k, 7)" in to_text(compiled(TEXT))
    assert "maybe 0.25 { conv(3x3, weights = shared) }" in to_text(compiled(TEXT))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a comment\n", ""),
        ("{ relu }", "{\n   relu   # again\n}"),
        ("two", "zwei"),
        ("4*two - (3 - two)", "7"),
    ],
)
def test_hash_ignores_layout_comments_and_names_of_constants(old: str, new: str) -> None:
    assert space_hash(compiled(TEXT.replace(old, new))) == space_hash(compiled(TEXT))


@pytest.mark.parametrize(
    ("old", "new"),
    [("{3, 5}", "{5, 3}"), ("0.25", "0.26"), ("relu", "gelu"), ("space s", "space t"), ("(k", "(3")],
)
def test_hash_tells_spaces_apart(old: str, new: str) -> None:
    assert space_hash(compiled(TEXT.replace(old, new))) != space_hash(compiled(TEXT))


def test_hash_is_the_published_one() -> None:
    """A change here makes every checkpoint unreadable: bump the version of the language with it."""
    text = "smash 1\nspace s {\n input vector[3]\n output y(2)\n head { linear(y) }\n}"
    assert space_hash(compiled(text)) == "26d8d49c250955088e282e0b1fff208f9c5d6548cae4fba85757ea9c36aa7795"
