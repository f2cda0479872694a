"""Imports: which files there are to name, and the way to the one that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from smashdsl.lsp.completion import complete
from smashdsl.lsp.paths import imported_at
from smashdsl.lsp.project import Project


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    for name in ("net.smash", "common.smash", "notes.txt", "parts/cells.smash"):
        (tmp_path / name).write_text("smash 1\n", encoding="utf-8")
    return tmp_path


def opened(folder: Path, marked: str) -> tuple[Project, str, int]:
    project, file = Project(), str(folder / "net.smash")
    project.edit(file, marked.replace("▮", ""))
    return project, file, marked.index("▮")


@pytest.mark.parametrize(
    ("written", "offered", "kept"),
    [
        ('import "▮', ["parts/", "common.smash"], 'import "'),
        ('import "com▮"', ["parts/", "common.smash"], 'import "'),
        ('import "parts/▮', ["cells.smash"], 'import "parts/'),
        ('import "nowhere/▮', [], 'import "nowhere/'),
    ],
)
def test_files_beside_the_text_are_offered(folder: Path, written: str, offered: list[str], kept: str) -> None:
    project, file, offset = opened(folder, f"smash 1\n{written}")
    span, items = complete(project, file, offset)
    assert [item.label for item in items] == offered
    assert project.open[file].text[: span.start] == f"smash 1\n{kept}"


def test_the_path_of_an_import_leads_to_the_file(folder: Path) -> None:
    assert imported_at(*opened(folder, 'smash 1\nimport "parts/cel▮ls.smash"\n')) == str(
        folder / "parts" / "cells.smash"
    )
    assert imported_at(*opened(folder, 'smash 1\nimport "par▮ts/none.smash"\n')) is None
    assert imported_at(*opened(folder, 'smash 1\nimp▮ort "parts/cells.smash"\n')) is None
