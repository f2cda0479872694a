"""What is shown for the word at a cursor."""

from __future__ import annotations

import pytest

from smashdsl.lsp.analysis import Analysis, analyse
from smashdsl.lsp.hover import hover
from smashdsl.lsp.shapes import seen_at
from tests.lsp.texts import AFTER, BEFORE, EXAMPLES, FILE, in_space, opened

NAS = next(path for path in EXAMPLES if path.stem == "nas_bench_201").read_text(encoding="utf-8")
BLOCK = """
  # Two branches.
  # Joined by adding.
  op mix(c = {8, 16}) { read all; conv({3, 5}, c▮); conv(1x1, 8); write last by add }
  block b { banks 1 of 8
    ops 2 of mix }"""


def shown(marked: str, whole: bool = False) -> str:
    project, offset = opened(marked) if whole else in_space(marked)
    found = hover(project, FILE, offset, analyse(FILE, project.open[FILE].text))
    return "" if found is None else found[0]


def at(text: str, part: str, inside: str) -> str:
    """Return a text with the cursor at the start of a part of its first `inside`."""
    start = text.index(inside) + inside.index(part)
    return f"{text[:start]}▮{text[start:]}"


def test_a_layer_shows_its_signature_and_the_shapes_of_all_members() -> None:
    text = shown(at(NAS, "conv", "conv(3x3)"), whole=True)
    assert "conv(kernel, out = channels, stride = 1," in text
    assert "- arrives `[16|32|64, 8|16|32, 8|16|32]`\n- leaves `[16|32|64, 8|16|32, 8|16|32]`" in text


def test_a_layer_shows_its_decisions_and_in_how_many_ways_they_fall() -> None:
    text = shown(at(BLOCK.replace("▮", ""), "conv", "conv({3"))
    assert "- arrives `[8, 8, 8]`\n- leaves `[8|16, 8, 8]`\n- `kernel` is one of 3, 5\n- 2 ways" in text
    assert "leaves `[8, 8, 8]`" in shown(at(BLOCK.replace("▮", ""), "conv", "conv(1x1"))


def test_the_use_of_an_op_on_banks_shows_what_is_decided_in_it() -> None:
    text = shown(at(BLOCK.replace("▮", ""), "mix", "mix }"))
    assert text.endswith("- `c` is one of 8, 16\n- 4 ways")


def test_a_choice_shows_the_ways_through_it() -> None:
    assert shown(at(NAS, "choose", "choose {"), whole=True).endswith("- 5 ways")


def test_shapes_are_shown_in_a_space_that_is_wrong_elsewhere() -> None:
    text = shown("  stem { conv(3x3, 4▮); co▮nv(3, groups = 3) }".replace("4▮", "4"))
    assert "- arrives `[4, 8, 8]`" in text
    assert "leaves" not in text


@pytest.mark.parametrize(
    ("marked", "lines"),
    [
        ("  param k = 2 * 4\n  stem { conv(3x3, k▮) }", ["param k = 2 * 4", "is `8`"]),
        ("  param k = {2, 4}\n  stem { conv(3x3, k▮) }", ["param k = {2, 4}"]),
        ("  param a = 4\n  param k = {2, a}\n  stem { conv(3x3, k▮) }", ["is `{2, 4}`"]),
        (BLOCK, ["a formal, of op `mix`"]),
        ("  stem { norm; residual_down▮sample(8) }", ["op residual_downsample(out)", "leaves `[8, 4, 4]`"]),
        ("  stem { conv(3x3, dil▮ation = 2) }", ["conv(dilation = 1)"]),
        ("  stem { conv(3x3, ch▮annels) }", ["channels of what arrives here"]),
        ("  ste▮m { conv(3x3, channels) }", ["layers before the first block"]),
        (
            f"{BLOCK.replace('▮', '')}\n  block c {{ banks 1 of 8\n    ops 1 of mi▮x }}",
            ["Two branches.\nJoined by adding."],
        ),
    ],
)
def test_of_a_name(marked: str, lines: list[str]) -> None:
    text = shown(marked)
    for line in lines:
        assert line in text


def test_the_name_of_the_space_shows_the_exact_number_of_architectures() -> None:
    assert "\n\n15,625 architectures" in shown(at(NAS, "nas", "nas_bench_201 {"), whole=True)
    assert "not well made" in shown(at(NAS.replace("conv(1x1)", "conv(1x1, 3)"), "nas", "nas_bench_201 {"), whole=True)


def test_nothing_is_shown_between_words() -> None:
    assert shown("  stem { conv(3x3,  ▮  channels) }") == ""


def test_a_place_of_another_text_is_not_taken_for_one_of_this() -> None:
    text = f"{BEFORE}  stem {{ residual_downsample(8) }}\n{AFTER}"
    watch = analyse(FILE, text).watch
    foreign = {span.start for span in watch.places if span.file} - {
        span.start for span in watch.places if not span.file
    }
    assert foreign  # the layers of the prelude
    assert not any(seen_at(Analysis(text, watch=watch), start) for start in foreign)
