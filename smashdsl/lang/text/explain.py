"""The page of each diagnostic code: what it means, an example that fails with it, and the example mended."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def folder() -> Path:
    """Return the folder of pages, `CODE.md` each."""
    return Path(str(files("smashdsl.lang.text").joinpath("explanations")))


def explanation(code: str) -> str | None:
    """Return the page of a code as Markdown, or None when there is none."""
    page = folder() / f"{code}.md"
    return page.read_text(encoding="utf-8") if page.is_file() else None
