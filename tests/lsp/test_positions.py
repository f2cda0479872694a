"""Editors count UTF-16 code units (or bytes, or characters); the compiler counts code points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smashdsl.lang.text.source import Span
from smashdsl.lsp.positions import Encoding, Place, Positions, as_read

EMOJI = "a # 🧠 b\nc"


@pytest.mark.parametrize(("encoding", "character"), [("utf-16", 7), ("utf-8", 9), ("utf-32", 6)])
def test_an_emoji_is_as_wide_as_the_encoding_says(encoding: Encoding, character: int) -> None:
    places = Positions(EMOJI, encoding)
    assert places.place(EMOJI.index("b")) == Place(0, character)
    assert places.offset(Place(0, character)) == EMOJI.index("b")


def test_a_line_ends_with_any_of_three_ends() -> None:
    text = "a\r\nb\rc\nd"
    assert [Positions(text).place(text.index(char)) for char in "abcd"] == [(0, 0), (1, 0), (2, 0), (3, 0)]


def test_past_the_end_of_a_line_is_its_end() -> None:
    assert Positions("ab\r\nc").offset(Place(0, 99)) == 2
    assert Positions("ab").offset(Place(7, 0)) == 2


@given(st.text(st.sampled_from("a🧠é\r\n# ")), st.sampled_from(["utf-8", "utf-16", "utf-32"]), st.data())
def test_a_place_leads_back(text: str, encoding: Encoding, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    places = Positions(text, encoding)
    inside_an_end = text[max(0, offset - 1) : offset + 1] == "\r\n"
    assert places.offset(places.place(offset)) == offset - inside_an_end
    assert places.span(Span(offset, offset))[0] == places.place(offset)


@given(st.text(st.sampled_from("a\ufeff\r\n# ")))
def test_what_the_compiler_reads_is_as_long_and_has_one_kind_of_end(text: str) -> None:
    read = as_read(text)
    assert len(read) == len(text)
    assert "\r" not in read
    assert not read.startswith("\ufeff")
    assert read.count("\n") == len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1
