"""What may be written at a cursor."""

from __future__ import annotations

import pytest

from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.source import Source
from smashdsl.lsp.completion import Item, complete
from smashdsl.lsp.language import SNIPPETS
from tests.lsp.texts import FILE, in_space, opened

OP = "  op mix(c = 8) {\n    read some of written\n    let deep = relu\n    ▮\n    write 1 of fresh\n  }"


def items(marked: str, whole: bool = False) -> dict[str, Item]:
    project, offset = opened(marked) if whole else in_space(marked)
    return {item.label: item for item in complete(project, FILE, offset)[1]}


@pytest.mark.parametrize(
    ("marked", "offered", "not_offered"),
    [
        ("  ▮", "param op input stem block head require cell", "conv read banks some"),
        ("  stem { ▮ }", "conv norm choose let residual_downsample", "read write banks stem mix kernel"),
        (OP, "conv deep let choose sum write", "mix c bank stem space"),
        ("  op mix { read some of ▮", "written banks", "fresh reachable conv"),
        ("  op mix { read all; relu; write 1 of ▮", "written banks fresh reachable", "conv"),
        ("  op mix { read 2 of written by ▮", "add concat mean max mul", "replace sum"),
        ("  op mix { write 1 by ▮", "add replace mul max", "concat sum"),
        ("  param k = 3\n  op mix(c) { conv(▮", "kernel= out= k c channels bank min", "conv sum mix"),
        ("  stem { conv(3x3, ▮", "out= bias= kernel", "kernel= filled sum"),
        ("  stem { conv(3x3, bias = ▮) }", "true false", "generated"),
        ("  stem { conv(3x3, weights = ▮) }", "generated shared own", "true channels kernel"),
        ("  stem { norm(▮) }", "batch layer group rms kind=", "own"),
        ("  stem { conv(5, stride = 2, dilation = k▮) }", "kernel out stride channels", "dilation groups"),
        ("  op a { relu }\n  block b[i in 0..2] { banks 4 of 8\n    ops 2 of ▮", "a", "conv b i"),
        ("  op a { relu }\n  block b { banks 4 of 8\n    op { read all through ▮", "a", "conv b"),
        ("  block b[i in 0..2] { banks 4 of 8 * ▮", "i bank channels", "relu ops"),
        ("  block b { banks 4 of 8\n    ▮\n  }", "ops op for yield transition", "relu stem conv"),
        ("  require ▮", "params flops reads count", "channels bank"),
        ("  cell deep { banks 2 of 8 }\n  body { repeat 2 { ▮ } }", "deep conv", "banks"),
    ],
)
def test_at_a_cursor(marked: str, offered: str, not_offered: str) -> None:
    found = set(items(marked))
    assert _labels(offered) <= found
    assert not _labels(not_offered) & found


def _labels(text: str) -> set[str]:
    """Split labels at blanks; `name=` is the label `name =`."""
    return {word.replace("=", " =") for word in text.split()}


@pytest.mark.parametrize("marked", ["  # read ▮", '  stem { conv(", ▮', "  param ▮", "  op ▮", "  stem { let ▮"])
def test_nothing_where_no_word_of_the_language_stands(marked: str) -> None:
    assert items(marked) == {}


def test_an_empty_file_starts_with_the_version() -> None:
    assert list(items("▮", whole=True)) == ["smash 1"]
    assert {"import", "space", "op"} <= set(items("smash 1\n▮", whole=True))


def test_a_broken_statement_before_does_not_matter() -> None:
    assert {"conv", "relu"} <= set(items("  stem { conv(3x3 8)\n  ▮ }"))
    assert {"stem", "block"} <= set(items("  param = \n  ▮"))


def test_the_word_at_the_cursor_is_replaced() -> None:
    project, offset = in_space("  stem { con▮ }")
    span, found = complete(project, FILE, offset)
    assert project.open[FILE].text[span.start : span.end] == "con"
    assert "conv" in {item.label for item in found}


def test_a_call_is_written_with_places_for_what_it_needs() -> None:
    assert items("  stem { ▮ }")["conv"].insert == "conv(${1:kernel})"
    assert items("  op mix(c, d = 2) { relu }\n  stem { ▮ }")["mix"].insert == "mix(${1:c}, ${2:d})"


def test_a_whole_space_comes_out_of_one_word() -> None:
    text = SNIPPETS["space"].replace("$0", "")
    for place, value in (("1:name", "s"), ("2:3, 32, 32", "3, 32, 32"), ("3:10", "10"), ("4:16", "16")):
        text = text.replace(f"${{{place}}}", value)
    assert compile_source(Source("net.smash", f"smash 1\n{text}")).facts.count == 1
