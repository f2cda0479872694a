"""Files that are no text, texts that hide something, and thousands of mistakes in one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smashdsl.errors import UserError
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.diagnostics import Diagnostic, SmashError
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, decoded, read_source, with_plain_ends
from tests.work import calls, ends

SPACE = "smash 1\nspace s {\n  input image[3, 8, 8]\n  output classes(4)\n"
HEAD = "  head { global_avg_pool; linear(classes) }\n}\n"


def found(text: str) -> tuple[Diagnostic, ...]:
    try:
        compile_source(Source("t.smash", text))
    except SmashError as error:
        return error.diagnostics
    return ()


def places(text: str) -> list[tuple[str, int, int]]:
    source = Source("t.smash", text)
    return [(d.code, *source.position(d.span.start)) for d in found(text)]


# -- files ----------------------------------------------------------------------------------------


def reason(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_source(path, 1000)
    return str(caught.value)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    assert "there is no file" in reason(tmp_path / "none.smash")
    assert "is a folder" in reason(tmp_path)
    assert "is a folder" in reason(Path("/"))
    os.mkfifo(tmp_path / "pipe.smash")  # opening it would wait for a writer
    assert "is no file of text" in reason(tmp_path / "pipe.smash")
    assert "is no file of text" in reason(Path("/dev/zero"))
    (tmp_path / "large.smash").write_bytes(b" " * 1001)
    assert "larger than 1,000 bytes" in reason(tmp_path / "large.smash")
    (tmp_path / "a\0b.smash".replace("\0", "_")).write_text("smash 1")
    assert "can't be read" in reason(tmp_path / "a\0b.smash")
    assert "can't be read" in reason(tmp_path / ("n" * 5000))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.smash"
    path.write_text("smash 1")
    path.chmod(0)
    assert "can't be read" in reason(path)


def test_bytes_that_are_not_utf8_are_told_by_line() -> None:
    with pytest.raises(UserError, match="on line 2, is not UTF-8"):
        decoded("t.smash", b"smash 1\n# caf\xe9\n", 10_000)
    with pytest.raises(UserError, match="not UTF-8"):
        decoded("t.smash", "smash 1\n".encode("utf-16"), 10_000)


def test_a_mark_of_the_byte_order_is_no_part_of_the_text() -> None:
    assert decoded("t.smash", b"\xef\xbb\xbf" + (SPACE + HEAD).encode(), 10_000).text == SPACE + HEAD


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_by_any_line_end(end: str) -> None:
    text = f"{SPACE}# a comment\nstem {{ conv(3x3 8) }}\n{HEAD}".replace("\n", end)
    assert places(decoded("t.smash", text.encode(), 10_000).text) == [("SD0003", 6, 17)]
    assert places(with_plain_ends(text)) == [("SD0003", 6, 17)]


def test_line_ends_may_be_mixed() -> None:
    lines = f"{SPACE}stem {{\nrelu\ngelu\nnorm(\n}}\n{HEAD}".split("\n")
    text = "".join(line + ("\n", "\r\n", "\r")[i % 3] for i, line in enumerate(lines))
    assert places(decoded("t.smash", text.encode(), 10_000).text) == [("SD0004", 8, 5)]


# -- characters -----------------------------------------------------------------------------------


@pytest.mark.parametrize("char", ["\u202e", "\u202a", "\u2066", "\u2069", "\u200f", "\u061c"])
@pytest.mark.parametrize("line", ["# {}", 'import "a{}.smash"', "param a = {}3", "param a{} = 3"])
def test_controls_of_direction_are_refused_everywhere(char: str, line: str) -> None:
    text = f"smash 1\n{line.format(char)}\n{SPACE[8:]}{HEAD}"
    first = found(text)[0]
    assert first.code == "SD0006"
    assert f"U+{ord(char):04X}" in first.message
    with pytest.raises(SmashError) as caught:
        compile_source(Source("t.smash", text))
    assert char not in str(caught.value), "a terminal would obey it"


def test_other_characters_may_stand_in_comments() -> None:
    assert found(f"{SPACE}  # naïve “quotes”, 日本語, 🙂, 3×3\n{HEAD}") == ()  # noqa: RUF001


def test_a_zero_byte_is_no_text() -> None:
    assert [d.code for d in found(f"{SPACE}\0{HEAD}")] == ["SD0002"]


@pytest.mark.parametrize("char", ["\x1b", "\x07", "\u200b", "\u2028", "\U000e0001", "\ud800"])
def test_characters_that_can_not_be_seen_are_spelled(char: str) -> None:
    diagnostics = found(f"{SPACE}  stem {{ relu{char} }}\n{HEAD}")
    assert f"U+{ord(char):04X}" in diagnostics[0].message
    assert char not in diagnostics[0].message


def test_a_run_of_one_character_is_told_once() -> None:
    diagnostics = found(f"{SPACE}{'🙂' * 50_000}\n{HEAD}")
    assert [d.code for d in diagnostics] == ["SD0002"]
    assert diagnostics[0].span.end - diagnostics[0].span.start == 50_000


def test_names_in_other_scripts_are_told_once() -> None:
    diagnostics = found(f"{SPACE}  op größe {{ relu }}\n  stem {{ größe }}\n{HEAD}")
    assert [d.code for d in diagnostics] == ["SD0002", "SD0002"]
    assert "`ö` is none of the letters" in diagnostics[0].message


# -- sizes ----------------------------------------------------------------------------------------


BROKEN = {
    "words that can't stand there": "conv(3x3 8)\n",
    "unknown layers": "no_such_layer(3)\n",
    "unknown characters": "conv(3×3)\n",  # noqa: RUF001
    "wrong arguments": "conv(3x3, strid = 2)\n",
    "strings without an end": 'conv("3)\n',
    "statements on one line": "relu relu\n",
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_thousands_of_mistakes_are_counted_in_linear_time(line: str) -> None:
    def body(count: int) -> str:
        return f"{SPACE}body {{\n{line * count}}}\n{HEAD}"

    diagnostics = found(body(1600))
    assert len(diagnostics) == 1600
    with pytest.raises(SmashError) as caught:
        compile_source(Source("t.smash", body(1600)))
    assert f"… and {len(diagnostics) - 20} more" in str(caught.value)
    assert str(caught.value).count(" --> ") == 20
    small, large = (calls(lambda count=count: found(body(count))) for count in (400, 1600))
    assert large < 4.5 * small, "four times the text is about four times the work"


LONG = {
    "a line": f"stem {{ {'relu; ' * 20_000}}}",
    "a name": f"stem {{ {'a' * 1_000_000} }}",
    "a number": f"stem {{ conv({'1' * 1_000_000}) }}",
    "a size": f"stem {{ conv({'1x' * 100_000}1) }}",
    "a string": f'stem {{ conv("{"a" * 1_000_000}") }}',
    "a list": f"stem {{ conv([{'3,' * 50_000}3]) }}",
    "an argument list": f"stem {{ conv({'3,' * 50_000}3) }}",
    "a comment": f"# {'a' * 1_000_000}\nstem {{ no_such }}",
}


@pytest.mark.parametrize("member", LONG.values(), ids=LONG)
def test_what_is_very_long_is_told_shortly(member: str) -> None:
    with ends(10), pytest.raises(SmashError) as caught:
        compile_source(Source("t.smash", f"{SPACE}{member}\n{HEAD}"), limits=Limits())
    assert all(len(line) < 500 for line in str(caught.value).split("\n"))
