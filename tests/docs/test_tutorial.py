"""The tutorial, done as a reader does it: its files are written, its commands run, its programs executed, in order.

In what a command prints, `…` stands for anything on that line.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from smashdsl.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCE = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
COMMAND = "$ smashdsl "


def steps() -> list[tuple[str, str, str]]:
    return FENCE.findall(PAGE.read_text(encoding="utf-8"))


def commands(text: str) -> list[tuple[str, list[str]]]:
    """Split a console into commands, each with the lines that it prints."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith(COMMAND):
            found.append((line.removeprefix(COMMAND), []))
        else:
            found[-1][1].append(line)
    return found


def prints(wanted: list[str], shown: str) -> bool:
    lines = [re.escape(line).replace("…", ".*") for line in wanted]
    return re.fullmatch(r"\s*" + "\n".join(lines) + r"\s*", shown) is not None


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    kinds = set()
    for kind, title, text in steps():
        kinds.add(kind)
        if kind == "smash":
            Path(title).write_text(text, encoding="utf-8")
        elif kind == "python":
            exec(compile(text, str(PAGE), "exec"), {})
            said = re.findall(r"print\(.*\)  # (.*)", text)
            assert capsys.readouterr().out.split() == said
        else:
            assert kind == "console"
            for command, wanted in commands(text):
                main(shlex.split(command))
                told = capsys.readouterr()
                assert prints(wanted, told.out + told.err), f"{command}\n{told.out}{told.err}"
    assert kinds == {"smash", "console", "python"}


def test_another_output_is_seen() -> None:
    assert prints(["a … c", "d"], "a b c\nd\n")
    assert not prints(["a … c"], "a b d\n")
    assert not prints(["a"], "a\nb\n")
