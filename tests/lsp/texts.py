"""Texts with a cursor, `▮`, and the project that an editor with one of them open has."""

from __future__ import annotations

from pathlib import Path

from smashdsl.lsp.project import Project

FILE = "net.smash"
BEFORE = "smash 1\nspace s {\n  input image[8, 8, 8]\n  output classes(4)\n"
AFTER = "  head { global_avg_pool; linear(classes) }\n}\n"
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.smash"))


def opened(marked: str) -> tuple[Project, int]:
    """Return the project of a text, and where its cursor is."""
    project = Project()
    project.edit(FILE, marked.replace("▮", ""))
    return project, marked.index("▮")


def in_space(marked: str) -> tuple[Project, int]:
    """The same for what stands in a space between its inputs and its head."""
    return opened(f"{BEFORE}{marked}\n{AFTER}")
