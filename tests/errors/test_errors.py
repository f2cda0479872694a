"""Wrong specs as people write them: every ```smash fence of the pages beside this file, and what is said about it.

The fences are those of `tests/spec`; each ends with comments that state all that is found: code, line and column in
the fence, message; then when it happens, the help, and what the lines that a fix changes become.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, SmashError
from smashdsl.lang.text.source import Source
from tests.fences import AROUND

FENCE = re.compile(r"^```smash ?(\w*)\n(.*?)((?:^#[: ][^\n]*\n)*)^```$", re.MULTILINE | re.DOTALL)
LEAST_FIXED = 100
MOST_ROUNDS = 4


class Case(NamedTuple):
    name: str
    source: Source
    lines_before: int
    said: str

    def position(self, offset: int) -> str:
        line, column = self.source.position(offset)
        return f"{line - self.lines_before}:{column}"


def cases() -> Iterator[Case]:
    for page in sorted(Path(__file__).parent.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            before, after = AROUND[match[1]]
            name = f"{page.stem}:{text.count(chr(10), 0, match.start()) + 1}"
            yield Case(name, Source(name, before + match[2] + after), before.count("\n"), match[3])


CASES = list(cases())


def found(source: Source) -> tuple[Diagnostic, ...]:
    try:
        compile_source(source)
    except SmashError as error:
        return error.diagnostics
    return ()


def applied(text: str, edits: tuple[Edit, ...]) -> str:
    """Return a text with edits made; they do not overlap."""
    for edit in sorted(edits, key=lambda edit: edit.span, reverse=True):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


def statement(case: Case, diagnostic: Diagnostic) -> str:
    """Return what a fence says about one diagnostic."""
    lines = [f"# {diagnostic.code} {case.position(diagnostic.span.start)}: {diagnostic.message}"]
    lines += [f"#   when: {path} = {value}" for path, value in diagnostic.when]
    lines += [f"#   help: {diagnostic.help}"] if diagnostic.help else []
    if diagnostic.fix:
        before = case.source.text.split("\n")
        after = applied(case.source.text, diagnostic.fix).split("\n")
        last = len(after) - len(before)  # lines that a fix adds
        lines += [f"#   fix: {line}" for i, line in enumerate(after) if line not in before[max(0, i - last) : i + 1]]
    return "\n".join(lines)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_mistake_is_told(case: Case) -> None:
    assert case.said
    assert "".join(f"{statement(case, diagnostic)}\n" for diagnostic in found(case.source)) == case.said


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fixes_mend_the_spec(case: Case) -> None:
    """A fix may bring the next mistake of its line to light; in the end nothing is left."""
    source, diagnostics = case.source, found(case.source)
    for _ in range(MOST_ROUNDS):
        if not all(diagnostic.fix for diagnostic in diagnostics):
            assert diagnostics == found(case.source), "a fix leads to a mistake without one"
            return
        source = Source(case.name, applied(source.text, tuple(e for d in diagnostics for e in d.fix)))
        diagnostics = found(source)
    assert diagnostics == ()


def test_most_mistakes_come_with_the_way_out() -> None:
    told = [found(case.source) for case in CASES]
    assert len(CASES) >= 70
    assert all(diagnostics for diagnostics in told)
    helped = [all(diagnostic.help for diagnostic in diagnostics) for diagnostics in told]
    fixed = [all(diagnostic.fix for diagnostic in diagnostics) for diagnostics in told]
    assert sum(helped) >= 0.9 * len(CASES)
    assert sum(fixed) >= LEAST_FIXED
