"""The page on layers of one's own, done as a reader does it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from smashdsl.ops.table import USER_LAYERS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "user-ops.md"
FENCE = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    files: dict[str, str] = {}
    for kind, title, text in FENCE.findall(PAGE.read_text(encoding="utf-8")):
        name = title or f"mine.{kind}"
        files[name] = f"{files[name]}\n\n{text}" if name in files else text
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "my_layers", raising=False)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    known = dict(USER_LAYERS)
    try:
        exec(compile(files["use.py"], "use.py", "exec"), {})
    finally:
        USER_LAYERS.clear()
        USER_LAYERS.update(known)
        sys.modules.pop("my_layers", None)
    assert capsys.readouterr().out.split() == re.findall(r"print\(.*\)  # (.*)", files["use.py"])
