"""What is wrong with a text, as an editor tells it."""

from __future__ import annotations

import pytest

from smashdsl.lang.check.watch import Stopped, Watch
from smashdsl.lang.text.limits import Limits
from smashdsl.lsp.analysis import Analysis, analyse
from tests.lsp.texts import AFTER, BEFORE, FILE


def told(text: str) -> list[tuple[str, str]]:
    """Return codes and the words they stand at."""
    return [(d.code, text[d.span.start : d.span.end]) for d in analyse(FILE, text).diagnostics]


def test_a_word_that_was_meant_is_a_fix() -> None:
    text = f"{BEFORE}  stem {{ rellu }}\n{AFTER}"
    [found] = analyse(FILE, text).diagnostics
    assert [(text[edit.span.start : edit.span.end], edit.text) for edit in found.fix] == [("rellu", "relu")]


def test_warnings_are_told_of_a_space_that_is_right() -> None:
    text = f"{BEFORE}  op idle {{ relu }}\n{AFTER}"
    assert told(text) == [("SD1001", "idle")]
    assert analyse(FILE, text).compiled is not None


def test_a_file_of_ops_needs_no_space() -> None:
    library = "smash 1\nparam k = 3\nop mix(c) { conv(k, c) }\n"
    assert told(library) == []
    assert told(library.replace("conv(", "convv(")) == [("SD0101", "convv")]
    assert told(library.replace("k, c)", "k, c")) != []
    assert [code for code, _ in told("smash 1\n")] == ["SD0107"]


def test_a_text_beyond_the_limits_is_refused_without_a_place() -> None:
    found = analyse(FILE, f"{BEFORE}{AFTER}", limits=Limits(bytes=10))
    assert found == Analysis(f"{BEFORE}{AFTER}", trouble="this text is larger than 10 bytes, more than any spec")


def test_a_compilation_can_be_called_off() -> None:
    with pytest.raises(Stopped):
        analyse(FILE, f"{BEFORE}  stem {{ relu }}\n{AFTER}", Watch(stop=True))
