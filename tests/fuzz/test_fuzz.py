"""Whatever is given ends in a space or in diagnostics; `scripts/fuzz.py` tries far more."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from smashdsl.lang.syntax import grammar
from tests.fuzz.inputs import made, walk
from tests.fuzz.tried import tried

ROOT = Path(__file__).parents[2]
MANY = settings(deadline=None, max_examples=1000, suppress_health_check=list(HealthCheck))
SOME = settings(MANY, max_examples=200)


@MANY
@given(st.integers(0, 2**40))
def test_mutated_specs(number: int) -> None:
    event(tried(made(number)))


@SOME
@given(st.randoms(use_true_random=False))
def test_walks_through_the_grammar(draw: object) -> None:
    event(tried(walk(draw, 60).encode()))  # type: ignore[arg-type]


@cache
def _sentences() -> st.SearchStrategy[str]:
    return from_lark(Lark(grammar.text(), parser="lalr", lexer="basic"))


@SOME
@given(st.data())
def test_sentences_of_the_grammar(data: st.DataObject) -> None:
    event(tried(data.draw(_sentences()).encode("utf-8", "surrogatepass")))


@SOME
@given(st.binary(), st.booleans())
def test_bytes(data: bytes, versioned: bool) -> None:
    event(tried(b"smash 1\n" + data if versioned else data))


@SOME
@given(st.text())
def test_text(text: str) -> None:
    event(tried(f"smash 1\nspace s {{\n{text}\n}}".encode("utf-8", "surrogatepass")))


def test_the_script_keeps_what_is_at_fault(tmp_path: Path) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "scripts/fuzz.py"), "--inputs", "3", "--out", str(tmp_path), *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    good = run()
    assert good.returncode == 0, good.stdout
    assert "at fault: 0" in good.stdout
    # no input is compiled in no time at all
    bad = run("--seconds", "1e-9", "--first", "7")
    assert bad.returncode == 1
    assert (tmp_path / "7.smash").read_bytes() == made(7)
    assert "more than" in (tmp_path / "7.txt").read_text()
