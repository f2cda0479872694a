"""Pictures of architectures: what is drawn is what was decided."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import smashdsl
from smashdsl.report.picture import draw

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.smash"))
SVG = "{http://www.w3.org/2000/svg}"
JOINTS = """
  input image[3, 8, 8]
  output classes(10)
  stem { conv(3x3, 8); relu }
  head { global_avg_pool; linear(classes) }
"""


@cache
def example(name: str) -> smashdsl.Space:
    return smashdsl.load(EXAMPLES[0].parent / f"{name}.smash")


@pytest.fixture(params=[path.stem for path in EXAMPLES])
def architecture(request: pytest.FixtureRequest) -> Any:
    return example(request.param).sample(seed=3)


def space(body: str) -> smashdsl.Space:
    return smashdsl.loads(f"smash 1\nspace s {{{JOINTS}{body}\n}}")


def having(svg: str, css: str) -> list[ElementTree.Element]:
    """Return the elements of a class; those of the legend are no part of the network."""
    found = [e for e in ElementTree.fromstring(svg).iter() if css in e.get("class", "").split()]
    return [e for e in found if "legend" not in e.get("class", "")]


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def counts(svg: str) -> dict[str, int]:
    return {css: len(having(svg, css)) for css in ("lane", "op", "read", "write")}


@pytest.mark.parametrize("seed", range(5))
def test_smashv1_shows_every_decision_about_banks(seed: int) -> None:
    architecture = example("smashv1").sample(seed=seed)
    decisions = architecture.decisions()

    def values(name: str) -> list[Any]:
        return [value for path, value in decisions.items() if path.rpartition(".")[2] == name]

    assert counts(draw(architecture)) == {
        "lane": sum(values("banks")),
        "op": sum(values("ops")),
        "read": sum(map(len, values("read"))),
        "write": sum(map(len, values("write"))),
    }


def test_smashv1_shows_the_convolutions_decided() -> None:
    architecture = example("smashv1").sample(seed=0)
    shown = " ".join(words(draw(architecture)))
    decisions = architecture.decisions()
    kernels = [value for path, value in decisions.items() if path.endswith(".kernel")]
    for kernel in (3, 5, 7):
        # lets used twice on one path show twice, so there are never fewer than decided
        assert shown.count(f"{kernel}\N{MULTIPLICATION SIGN}{kernel}") >= kernels.count(kernel)


def test_nas_bench_201_draws_five_uses_of_a_cell_once() -> None:
    svg = draw(example("nas_bench_201").sample(seed=0))
    assert counts(svg) == {"lane": 3 * 4, "op": 3 * 6, "read": 3 * 6, "write": 3 * 6}
    assert words(svg).count("\N{MULTIPLICATION SIGN}5") == 3


def test_densenet_reads_all_that_is_written() -> None:
    svg = draw(example("densenet_bc").sample(seed=0))
    filled = (4, 18, 25)
    assert counts(svg) == {
        "lane": sum(first + 32 for first in filled),
        "op": 3 * 16,
        "read": sum(first + 2 * op for first in filled for op in range(16)),
        "write": 3 * 16 * 2,
    }


def test_drawing_is_deterministic(architecture: Any) -> None:
    again = architecture.space.from_json(architecture.to_json())
    assert draw(architecture) == draw(again)


def test_picture_needs_nothing_from_elsewhere(architecture: Any) -> None:
    svg = draw(architecture).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not any(word in svg for word in ("http", "href", "@import", "<script"))
    assert svg.count("url(") == svg.count("url(#smash-")


def test_picture_names_the_space_and_its_costs(architecture: Any) -> None:
    costs = architecture.space.costs(architecture)
    shown = words(draw(architecture))
    assert architecture.space.name in shown
    assert f"{costs.params[0]:,} parameters \N{MIDDLE DOT} {costs.flops[0]:,} multiply-adds" in shown


def test_boxes_lie_apart_and_hold_their_labels(architecture: Any) -> None:
    svg = draw(architecture)
    bottom = 0.0
    for op in having(svg, "op"):
        box = next(e for e in op if e.get("class") == "box")
        top, height = float(box.get("y", "")), float(box.get("height", ""))
        rails = [e.get("d", "") for e in op if e.get("class") in {"read", "write"}]
        assert rails
        assert top >= bottom or top == 82  # the first of a panel
        bottom = top + height
        assert float(box.get("x", "")) + float(box.get("width", "")) < float(
            ElementTree.fromstring(svg).get("width", "")
        )


@pytest.mark.parametrize("title", ["<b>&\"'</b>", "]]>", "\N{SNOWMAN} \x00\x0b", "--&amp;"])
def test_title_is_text_whatever_it_holds(title: str) -> None:
    architecture = space("body { relu }").sample(seed=0)
    svg = draw(architecture, title)
    shown = "".join("\N{REPLACEMENT CHARACTER}" if c in "\x00\x0b" else c for c in title)
    assert shown in words(svg)
    assert ElementTree.fromstring(svg).get("aria-label") == shown


def test_network_without_banks_is_a_row_of_bars() -> None:
    unit = "op unit { sum { conv(3x3); norm | identity }; relu }"
    spec = f"{unit} body {{ repeat 3 {{ unit }}; conv(3x3, 16, stride = 2); tanh }}"
    svg = draw(space(spec).sample(seed=0))
    assert counts(svg) == {"lane": 0, "op": 0, "read": 0, "write": 0}
    assert [e.text for e in having(svg, "name")] == ["stem", "unit", "body", "head"]
    assert [e.text for e in having(svg, "shape")] == ["[3, 8, 8]", "[8, 8, 8]", "[8, 8, 8]", "[16, 4, 4]", "[10]"]
    assert "\N{MULTIPLICATION SIGN}3" in words(svg)
    assert not having(svg, "dot")[1:]  # the marker alone


def test_unwritten_banks_stay_faint_and_written_ones_turn_strong() -> None:
    block = "block b { banks 4 of 4  op { read 0; relu; write 2 } }"
    svg = draw(space(block).sample(seed=0))
    strengths = [[e.get("class") for e in lane if e.tag == f"{SVG}line"] for lane in having(svg, "lane")]
    assert strengths == [["strong"], ["strong"], ["faint", "strong"], ["faint"]]


def test_reads_within_paths_have_a_line_each_and_are_named_in_the_label() -> None:
    block = "block b { banks 2 of 4  op { sum { read 0; relu | read [0, 1] by mean; tanh }; write 1 by replace } }"
    svg = draw(space(block).sample(seed=0))
    assert counts(svg) == {"lane": 2, "op": 1, "read": 3, "write": 1}
    assert {"0", "mean of 0\N{EN DASH}1", "by replace", "+"} <= set(words(svg))


def test_cell_within_an_op_is_drawn_below_what_holds_it() -> None:
    cells = (
        "cell inner { banks 2 of channels / 2  op { read 0; relu; write 1 } }"
        "block b { banks 2 of 4  op { read 0; inner; write 1 } }"
    )
    svg = draw(space(cells).sample(seed=0))
    assert counts(svg) == {"lane": 4, "op": 2, "read": 2, "write": 2}
    assert "inside b.op[0]" in words(svg)
