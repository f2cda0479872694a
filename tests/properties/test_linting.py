"""Drawn spaces made needlessly long, and mended: the members stay, counted and weighed one by one."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from smashdsl.errors import UserError
from smashdsl.lang.check.count import count_members
from smashdsl.lang.compile import Compiled, compile_source
from smashdsl.lang.lint.lint import lint
from smashdsl.lang.lint.meaning import MOST_STATES
from smashdsl.lang.lint.mend import RENAMING, mended
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.identity import space_hash
from tests.properties.members import accounts
from tests.properties.specs import specs

MOST = 200
QUICK = settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
LONGER = (
    (r"\b(relu|gelu|tanh)\b", r"repeat 1 { \1 }"),
    (r"\b(relu|gelu|tanh)\b", r"\1; identity"),
    (r"\b(relu|gelu|tanh)\b", r"let never = conv({3, 5}); \1"),
    (r"\bconv\((\d)(?=[,)])", r"conv({\1}"),
    (r"\bconv\(([^(){}]*)\)", r"conv(\1, stride = 1)"),
    (r"\bnorm\b(?!\()", r"norm(batch)"),
    (r"\bops (\d)\b", r"ops \1..\1"),
    (r"\n( *)head\b", r"\n\1op never(k = 3) { conv(k, {4, 8}) }\n\1head"),
)


def compiled(text: str) -> Compiled | None:
    try:
        return compile_source(Source("drawn.smash", text))
    except UserError:
        return None


def longer(text: str, seed: int) -> str:
    """Return a text in which some things are said at greater length."""
    rng = random.Random(seed)
    for pattern, by in rng.sample(LONGER, 3):
        found = list(re.finditer(pattern, text))
        if found:
            match = rng.choice(found)
            text = text[: match.start()] + match.expand(by) + text[match.end() :]
    return text


def weighed(space: Compiled) -> Counter[tuple[tuple[str, int], ...]]:
    """Return how many members spend what."""
    return Counter(tuple(sorted(spent.items())) for spent in accounts(space.program, MOST))


@QUICK
@given(specs(MOST), st.integers(0, 2**32))
def test_mending_keeps_the_members(text: str, seed: int) -> None:
    source = Source("drawn.smash", longer(text, seed))
    before = compiled(source.text)
    assume(before is not None and before.facts.count <= MOST)
    assert before is not None
    same, _ = mended(source)
    every, left = mended(source, renaming=True)
    event(f"mended: {sorted({w.code for w in lint(source)} & RENAMING)}")
    assert space_hash(compile_source(same).space) == space_hash(before.space)
    assert weighed(compile_source(every)) == weighed(before)
    assert mended(every, renaming=True) == (every, left)


@QUICK
@given(specs(MOST), st.sampled_from(["params", "flops"]), st.sampled_from(["<=", ">="]), st.data())
def test_what_is_said_of_constraints(text: str, measure: str, comparison: str, data: st.DataObject) -> None:
    """What can be counted is told to be met by all, or by none, exactly when the members one by one say so."""
    space = compiled(text)
    assert space is not None
    assume(not space.space.requires)
    spent = [account[measure] for account in accounts(space.program, MOST)]
    bound = data.draw(st.sampled_from([min(spent) - 1, min(spent), max(spent), max(spent) + 1]))
    assume(bound >= 0)
    source = Source("drawn.smash", re.sub(r"\n( *)head\b", f"\n  require {measure} {comparison} {bound}\n  head", text))
    assert isinstance(compile_source(source).space.requires[0].right, ir.Number)
    met = sum(amount <= bound if comparison == "<=" else amount >= bound for amount in spent)
    wanted = {0: {"SD1017"}, len(spent): {"SD1016"}}.get(met, set())
    told = {w.code for w in lint(source)} & {"SD1016", "SD1017"}
    limits = replace(space.limits, states=MOST_STATES)
    constrained = compile_source(source)
    if count_members(constrained.program, constrained.facts, limits) is None:
        event("too much to count")
        assert told == set()
    else:
        assert told == wanted
