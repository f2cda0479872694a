"""The pages of the site that are made of something else; `make docs` builds them all, and refuses a broken link."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

for needed in ("mkdocs", "pygments"):
    pytest.importorskip(needed)

ROOT = Path(__file__).parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_pages", ROOT / "scripts" / "docs_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = load()
PAGES: dict[str, str] = dict(HOOK.pages())


def test_every_page_has_one_title() -> None:
    for name, text in PAGES.items():
        outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        assert len(re.findall(r"^# ", outside, flags=re.MULTILINE)) == 1, name


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    written = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    filled = [name for names in HOOK.navigation().values() for name in names]
    made = [name for name in PAGES if not name.startswith("codes/")]  # the page of all codes leads to them
    assert [name for name in (*written, *made) if name not in listed and name not in filled] == []
    assert filled[0] == "reference/values-and-choices.md"


def test_texts_of_the_language_are_fenced_as_such() -> None:
    fences = [line for text in PAGES.values() for line in text.splitlines() if line.startswith("```smash")]
    assert len(fences) > 100
    assert set(fences) == {"```smash"}


def test_no_link_leads_into_the_checkout() -> None:
    links = re.findall(r"\]\(([^)#]+)", PAGES["index.md"])
    inside = [link for link in links if "://" not in link]
    assert inside
    for link in inside:
        assert link in PAGES or (ROOT / "docs" / link).is_file(), link


def test_commands_and_codes_are_all_there() -> None:
    assert "## search\n" in PAGES["cli.md"]
    assert "usage: smashdsl check" in PAGES["cli.md"]
    assert re.search(
        r"`SD0203`\]\(../codes/SD0203.md\) \| channels that do not fit \| .*\[errors\]\(errors.md\)",
        PAGES["reference/codes.md"],
    )
    assert "::: smashdsl.api.load\n" in PAGES["api.md"]
