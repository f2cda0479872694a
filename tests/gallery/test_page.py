"""The page about the gallery names every example with its number of members, and its commands run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from smashdsl.cli.main import main
from tests.gallery.record import EXAMPLES, load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
ENTRY = re.compile(r"^\*\*`(\w+)\.smash`\*\* · (.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"smashdsl ((?:info|draw|sample|check|compile|encode)\b[^`#\n]*)")


def told(count: int) -> str:
    if count == 1:
        return "1 member,"
    if count < 10**30:
        return f"{count:,} members"
    digits = f"{round(count, 2 - len(str(count)) + 1)}"
    return f"about {digits[0]}.{digits[1:3]}e{len(digits) - 1} members"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_its_paragraph(path: Path) -> None:
    entries = dict(ENTRY.findall(PAGE))
    assert path.stem in entries, f"docs/gallery.md says nothing of {path.name}"
    entry = entries[path.stem].replace("\n", " ")
    assert entry.startswith(told(load(path).count()))
    assert "smashdsl " in entry
    assert f"examples/{path.stem}.smash" in entry


def test_no_paragraph_is_about_nothing() -> None:
    assert {name for name, _ in ENTRY.findall(PAGE)} == {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("command", dict.fromkeys(COMMAND.findall(PAGE)))
def test_a_command_of_the_page_runs(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)) == 0
