"""Every warning, told where `lint.md` says and nowhere else, and what mending makes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from smashdsl.lang.compile import compile_source
from smashdsl.lang.lint.lint import lint
from smashdsl.lang.lint.mend import mended
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed.identity import space_hash
from tests.fences import AROUND

PAGE = Path(__file__).parent / "lint.md"
FENCE = re.compile(r"^```smash ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WARNING = re.compile(r"# warning\[(SD\d{4})\](?:: ([^#\n]*[^#\s]))?")


class Case(NamedTuple):
    kind: str
    text: str
    fixed: str | None
    every: str | None

    def whole(self, text: str) -> Source:
        before, after = AROUND[self.kind]
        return Source("case.smash", before + text + after)

    @property
    def expected(self) -> list[tuple[int, str, str]]:
        """The lines, codes and messages that are told."""
        lines = enumerate(self.whole(self.text).text.split("\n"), 1)
        return [(i, match[1], match[2] or "") for i, line in lines for match in WARNING.finditer(line)]


def cases() -> list[Case]:
    found: list[Case] = []
    for kind, text in FENCE.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "fixed":
            found[-1] = found[-1]._replace(fixed=text)
        elif kind == "all":
            found[-1] = found[-1]._replace(every=text)
        else:
            found.append(Case(kind, text, None, None))
    return found


CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_what_is_told(case: Case) -> None:
    source = case.whole(case.text)
    told = [(source.position(w.span.start)[0], w.code, w.message) for w in lint(source)]
    wanted = sorted(case.expected)
    assert [(line, code) for line, code, _ in sorted(told)] == [(line, code) for line, code, _ in wanted]
    assert all(any(line == at and message in said for at, _, said in told) for line, _, message in wanted)


@pytest.mark.parametrize("case", [case for case in CASES if case.fixed or case.every])
def test_what_is_mended(case: Case) -> None:
    source = case.whole(case.text)
    after, left = mended(source, renaming=case.every is not None)
    text = re.sub(r"# warning.*", "#", after.text)
    assert text == case.whole(case.fixed or case.every or "").text
    assert lint(after) == left
    if case.fixed:
        assert space_hash(compile_source(after).space) == space_hash(compile_source(source).space)


def test_a_fix_that_would_make_the_text_wrong_is_left_out() -> None:
    """Without its `repeat` the second `let` would declare the name again; the others are made all the same."""
    case = Case("body", "let a = relu\na\nrepeat 1 { let b = gelu; b }\nlet b = relu\nb\nconv({3}, 8)\n", None, None)
    after, left = mended(case.whole(case.text), renaming=True)
    assert "repeat 1 { let b = gelu; b }" in after.text
    assert "conv(3, 8)" in after.text
    assert [warning.code for warning in left] == ["SD1006"]


def test_a_library_keeps_what_others_import() -> None:
    """A param that only an importing file uses is no warning, and is not dropped."""
    source = Source("ops.smash", "smash 1\nparam width = 8\nop unit { conv(3x3, stride = 1) }\n")
    after, left = mended(source)
    assert after.text == "smash 1\nparam width = 8\nop unit { conv(3x3) }\n"
    assert left == ()


def test_a_constraint_is_only_judged_by_counting() -> None:
    """What `check` and editors show costs little: a comment that allows a constraint's warning is not doubted there."""
    from smashdsl.lang.lint.lint import warnings_of

    text = "require params <= 1e9  # smash: allow SD1016\nbody { conv({3, 5}) }\n"
    source = Case("space", text, None, None).whole(text)
    assert lint(source) == ()
    assert warnings_of(compile_source(source)) == ()
