"""The layout of a text as one change of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smashdsl.lang.syntax.format import format_text
from smashdsl.lsp.formatting import formatting
from tests.lsp.texts import AFTER, BEFORE, FILE

UNTIDY = f"{BEFORE}      stem {{   conv(3x3,8);relu }}   # 🧠\n\n\n{AFTER}"


def formatted(text: str) -> str:
    edit = formatting(FILE, text)
    return text if edit is None else text[: edit.span.start] + edit.text + text[edit.span.end :]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_change_leads_to_the_layout(end: str, mark: str) -> None:
    text = mark + UNTIDY.replace("\n", end)
    done = formatted(text)
    assert done == mark + format_text(UNTIDY).replace("\n", end)
    assert formatting(FILE, done) is None


@given(st.lists(st.sampled_from([" ", "\r\n", "  "]), min_size=12, max_size=12))
def test_no_line_end_is_cut_in_two(blanks: list[str]) -> None:
    words = [
        "smash 1\r\nspace s {",
        "input image[3, 8, 8]\r\n",
        "output classes(4)\r\n",
        "stem {",
        "relu",
        "}\r\n",
        "head {",
    ]
    words += ["global_avg_pool;", "linear(classes)", "}", "}\r\n", ""]
    text = "".join(word + blank for word, blank in zip(words, blanks, strict=True))
    edit = formatting(FILE, text)
    assert edit is None or not any(text[at - 1 : at + 1] == "\r\n" for at in edit.span[:2])
    assert formatting(FILE, formatted(text)) is None


def test_a_text_that_does_not_parse_stays() -> None:
    assert formatting(FILE, UNTIDY.replace("conv(3x3,8)", "conv(3x3 8)")) is None
