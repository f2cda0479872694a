"""Every code has its page: a minimal example that fails with it, and the same mended."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from smashdsl.errors import UserError
from smashdsl.lang.lint.lint import lint
from smashdsl.lang.syntax.format import format_text
from smashdsl.lang.text.codes import CODES
from smashdsl.lang.text.diagnostics import Diagnostic, SmashError
from smashdsl.lang.text.explain import explanation, folder
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from smashdsl.ops.table import USER_LAYERS

FENCE = re.compile(r"(?:^```python\n(.*?)^```$\n+)?^```smash ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CHARACTER = re.compile(r"<U\+([0-9A-F]{4})>")
HOW = "add smashdsl/lang/text/explanations/{}.md: its title, what it means, a ```smash fence that fails, one mended"


@pytest.fixture(autouse=True)
def _layers_only_here() -> Iterator[None]:
    before = dict(USER_LAYERS)
    yield
    USER_LAYERS.clear()
    USER_LAYERS.update(before)


def found(text: str, options: str, python: str, folder: Path, files: dict[str, str]) -> tuple[Diagnostic, ...]:
    """Check a fence, with the limits that its first line names, the layers of the Python before it, and files."""
    if python:
        path = folder / "added.py"
        path.write_text(python)
        spec = spec_from_file_location("added", path)
        assert spec is not None
        assert spec.loader is not None
        spec.loader.exec_module(module_from_spec(spec))
    limits = Limits(**{name: int(value) for name, _, value in (option.partition("=") for option in options.split())})
    text = CHARACTER.sub(lambda match: chr(int(match[1], 16)), text)

    def read(path: str, max_bytes: int) -> Source:
        if path not in files:
            raise UserError(f"there is no file `{path}`")
        return Source(path, files[path])

    try:
        return lint(Source("example.smash", text), limits, read)
    except SmashError as error:
        return error.diagnostics


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    pages = {path.name.removesuffix(".md") for path in folder().iterdir()}
    missing = sorted(CODES.keys() - pages)
    assert not missing, HOW.format(missing[0])
    assert pages == CODES.keys()


@pytest.mark.parametrize("code", sorted(CODES))
def test_page(code: str, tmp_path: Path) -> None:
    page = explanation(code)
    assert page is not None, HOW.format(code)
    assert page.startswith(f"# {code}: {CODES[code]}\n\n")
    fences = []
    files: dict[str, str] = {}
    for python, options, text in FENCE.findall(page):
        if options.startswith("file "):
            files = {**files, options.removeprefix("file "): text}
        else:
            fences.append((text, options, python, tmp_path, files))
    assert len(fences) == 2, "a page has two examples: one that fails, and that one mended"
    bad, mended = fences
    assert [diagnostic.code for diagnostic in found(*bad)] == [code]
    USER_LAYERS.pop("halve", None)
    assert found(*mended) == ()
    assert format_text(mended[0]) == mended[0]
    sys.modules.pop("added", None)
