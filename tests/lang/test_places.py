"""A place in the text knows its file, and every rendering speaks of that file."""

from __future__ import annotations

import pytest

from smashdsl.api import loads
from smashdsl.graph.build import build
from smashdsl.lang.text.diagnostics import Diagnostic, Label, Sink, SmashError
from smashdsl.lang.text.render import as_data, concise, render
from smashdsl.lang.text.source import Source, Sources, Span

OWN = Source("net.smash", "smash 1\n\nop a { relu }\n")
OTHER = Source("common.smash", "smash 1\n\n\n\n\n\n\n\n\nop a { gelu }\n")
SOURCES = Sources([OWN, OTHER])
TWICE = Diagnostic("SD0102", "`a` is declared twice", Span(12, 13), others=(Label(Span(19, 20, 1), "first here"),))


def test_a_label_in_another_file_is_shown_below_the_name_of_that_file() -> None:
    assert render(SOURCES, TWICE) == "\n".join(
        (
            "error[SD0102]: `a` is declared twice",
            "  --> net.smash:3:4",
            "   |",
            " 3 | op a { relu }",
            "   |    ^",
            "   |",
            "  --> common.smash:10:4",
            "   |",
            "10 | op a { gelu }",
            "   |    - first here",
            "   |",
        )
    )


def test_a_finding_in_another_file_is_told_there() -> None:
    found = TWICE.in_file(1)
    assert concise(SOURCES, found).startswith("common.smash:6:1: error[SD0102]")
    assert as_data(SOURCES, found)["file"] == "common.smash"


def test_what_is_wrong_in_the_own_text_comes_first() -> None:
    sink = Sink(SOURCES)
    sink.error("SD0101", "in the other", Span(0, 1, 1))
    sink.error("SD0101", "in the own", Span(9, 10))
    with pytest.raises(SmashError) as error:
        sink.raise_if_failed()
    assert [d.message for d in error.value.diagnostics] == ["in the own", "in the other"]


def test_the_nodes_of_an_op_of_the_prelude_name_its_line() -> None:
    space = loads(
        "smash 1\nspace s {\n input image[4, 8, 8]\n output classes(4)\n"
        " stem { residual_downsample(8) }\n head { global_avg_pool; linear(classes) }\n}\n",
        name="net.smash",
    )
    traces = [node.stack_trace or "" for node in build(space.sample(seed=0)).graph.nodes]
    assert any('File "prelude.smash", line' in trace and "conv" in trace for trace in traces)
    assert any('File "net.smash", line 6' in trace for trace in traces)
