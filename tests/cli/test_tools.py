"""The tools that read specs without building networks: what they print, what they write, and how they end."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest

from smashdsl.cli.main import main
from tests.small import SPEC

LOOSE = SPEC.replace("conv(1x1, 8)", "conv( 1x1,8 )")


def run(*argv: str) -> int:
    return main(list(argv))


@pytest.fixture
def loose(tmp_path: Path) -> Path:
    path = tmp_path / "loose.smash"
    path.write_text(LOOSE)
    return path


def test_fmt_writes_what_changed(loose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loose.chmod(0o600)
    assert run("fmt", str(loose.parent)) == 0
    assert capsys.readouterr().out == f"formatted {loose}\n"
    assert "conv(1x1, 8)" in loose.read_text()
    assert loose.stat().st_mode & 0o777 == 0o600
    assert run("fmt", "--check", str(loose)) == 0
    assert run("fmt", str(loose)) == 0
    assert capsys.readouterr().out == ""


def test_fmt_checks_and_shows_without_writing(loose: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fmt", "--check", str(loose)) == 1
    assert capsys.readouterr().err == f"{loose} is not formatted\n"
    assert run("fmt", "--diff", str(loose)) == 1
    shown = capsys.readouterr().out
    assert "conv( 1x1,8 )" in shown
    assert "conv(1x1, 8)" in shown
    assert loose.read_text() == LOOSE


def test_fmt_mends_line_ends(loose: Path) -> None:
    assert run("fmt", str(loose)) == 0
    text = loose.read_bytes()
    loose.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert run("fmt", "--check", str(loose)) == 1
    assert run("fmt", str(loose)) == 0
    assert loose.read_bytes() == text


def test_fmt_follows_links(loose: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    os.symlink(loose, link)
    assert run("fmt", str(link)) == 0
    assert link.is_symlink()
    assert loose.read_text() != LOOSE


def test_fmt_leaves_what_does_not_parse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.smash"
    path.write_text("smash 1\nspace s {{\n")
    assert run("fmt", str(path)) == 1
    assert "error[SD0003]" in capsys.readouterr().err
    assert path.read_text() == "smash 1\nspace s {{\n"


def test_fmt_is_a_filter(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"smash 1\nparam n=3")))
    assert run("fmt", "-") == 0
    assert capsys.readouterr().out == "smash 1\nparam n = 3\n"
    assert run("fmt", "-", "other.smash") == 2
    assert run("fmt", "nowhere.smash") == 1


def test_explain_shows_a_page_and_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("explain", "sd0203") == 0
    page = capsys.readouterr().out
    assert page.startswith("# SD0203: channels that do not fit\n")
    assert page.count("```smash") == 2
    assert run("explain") == 0
    assert "SD0203  channels that do not fit\n" in capsys.readouterr().out
    assert run("explain", "SD02O3") == 1
    assert "did you mean `SD0203`?" in capsys.readouterr().err
    assert run("explain", "nothing") == 1


def changed(tmp_path: Path, *edits: tuple[str, str]) -> tuple[str, str]:
    """Write a spec and the same with edits."""
    text = Path("examples/fashion.smash").read_text(encoding="utf-8")
    after = text
    for old, new in edits:
        assert old in after
        after = after.replace(old, new)
    (tmp_path / "old.smash").write_text(text, encoding="utf-8")
    (tmp_path / "new.smash").write_text(after, encoding="utf-8")
    return str(tmp_path / "old.smash"), str(tmp_path / "new.smash")


def test_diff_of_one_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = changed(tmp_path, ("\n  input", "\n\n  param width = 16  # a note\n  input"), ("(3x3, 16,", "(3x3, width,"))
    assert run("diff", *files) == 0
    assert capsys.readouterr().out.startswith("same space: about ")
    assert run("diff", *files, "--json") == 0
    assert json.loads(capsys.readouterr().out)["same"] is True


def test_diff_shows_what_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = changed(tmp_path, ("{3, 5}, c", "{3, 5, 7}, c"), ("  require flops <= 3e6\n", ""), ("{8, 16}", "8"))
    assert run("diff", *files) == 1
    shown = capsys.readouterr().out
    assert "op `mix` changed\n  - op mix(c = {8, 16}) {\n  + op mix(c = 8) {\n" in shown
    assert "require removed\n  - flops <= 3000000\n" in shown
    assert "  mix.conv[1].kernel changed: {3, 5} -> {3, 5, 7}\n" in shown
    assert "  mix.c removed: {8, 16}\n" in shown
    assert "block" not in shown
    assert run("diff", *files, "--json") == 1
    data = json.loads(capsys.readouterr().out)
    assert [change["what"] for change in data["parts"]] == ["op `mix`", "require"]
    assert int(data["counts"][0]) > int(data["counts"][1])


def test_diff_tells_of_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = "  op a { relu }\n", "  op b { gelu }\n"
    spec = "smash 1\nspace s {\n  input image[1, 8, 8]\n  output y(2)\n%s  head { a; b; flatten; linear(y) }\n}\n"
    (tmp_path / "a.smash").write_text(spec % (a + b))
    (tmp_path / "b.smash").write_text(spec % (b + a))
    assert run("diff", str(tmp_path / "a.smash"), str(tmp_path / "b.smash")) == 1
    assert "the order of the parts moved" in capsys.readouterr().out


def test_diff_of_what_is_no_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = changed(tmp_path, ("stem", "stm"))
    assert run("diff", old, new) == 2
    assert "error[SD0003]" in capsys.readouterr().err
    assert run("diff", old, str(tmp_path / "none.smash")) == 2


def test_lint_of_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("lint", *map(str, sorted(Path("examples").glob("*.smash")))) == 0
    assert capsys.readouterr() == ("", "")


def test_lint_shows_what_it_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, new = changed(tmp_path, ("norm; relu }\n\n", "norm; relu; relu }\n\n"), ("{8, 16}", "8..8"))
    assert run("lint", new) == 1
    assert "warning[SD1008]: `relu` twice does what one does" in capsys.readouterr().err
    assert run("lint", new, "--format", "concise") == 1
    assert [line.split("[")[1][:6] for line in capsys.readouterr().out.splitlines()] == ["SD1008", "SD1005"]
    assert run("lint", new, "--format", "json") == 1
    assert [one["code"] for one in json.loads(capsys.readouterr().out)["diagnostics"]] == ["SD1008", "SD1005"]


def test_lint_mends_what_keeps_the_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extra = "  param lost = 3  # of no use\n  input"
    old, new = changed(tmp_path, ("  input", extra), ("relu }\n\n", "relu }  # smash: allow SD1008\n\n"))
    assert run("lint", new) == 1
    assert run("lint", new, "--fix") == 0
    assert run("fmt", new) == 0
    assert Path(new).read_text(encoding="utf-8") == Path(old).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "comment", ["conv(3, 8..8)  # smash: allow SD1005", "# smash: allow SD1005, SD1009\nconv({3: 1, 5: 1}, 8..8)"]
)
def test_a_warning_is_allowed(comment: str, tmp_path: Path) -> None:
    _, new = changed(tmp_path, ("norm; relu }\n\n", f"norm; relu\n{comment}\n}}\n\n"))
    assert run("lint", new) == 0


def test_lint_of_a_wrong_spec_tells_its_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, new = changed(tmp_path, ("norm; relu }\n\n", "norm; rleu }\n\n"))
    assert run("lint", new) == 1
    assert "error[SD0101]" in capsys.readouterr().err


def test_lint_drops_a_param_that_shares_its_line(tmp_path: Path) -> None:
    old, new = changed(tmp_path, ("  input", "  param lost = 3  input"))
    assert run("lint", new, "--fix") == 0
    assert run("fmt", new) == 0
    assert Path(new).read_text(encoding="utf-8") == Path(old).read_text(encoding="utf-8")
