"""The language front on drawn spaces: round trips, and every member checked one by one."""

from __future__ import annotations

import contextlib
import random
import re
from itertools import product
from pathlib import Path

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from smashdsl.errors import UserError
from smashdsl.lang.check.pools import shown
from smashdsl.lang.compile import compile_source
from smashdsl.lang.program.expand import expand
from smashdsl.lang.program.templates import Program
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Sink, SmashError
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.document import from_json, to_json
from smashdsl.lang.typed.identity import space_hash
from smashdsl.lang.typed.printer import to_text
from smashdsl.lang.typed.resolve import resolve
from smashdsl.ops import ShapeError
from tests.properties.members import members, runs
from tests.properties.specs import drafts, specs
from tests.work import ends

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.smash"))
MOST = 500
QUICK = settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
UNTOLD = re.compile(r"\bop\[|\bread|\bwrite")  # sites that `runs` names by other paths or values
LONGEST = 20.0  # seconds of the processor that any text may take


def program_of(text: str) -> Program | None:
    """Return what a text is laid out as, whether its members are right or not."""
    source = Source("drawn.smash", text)
    sink = Sink(source)
    tree = parse(source, sink, Limits())
    prelude = parse(Source("none", "smash 1"), Sink(source), Limits())
    if tree is None or prelude is None:
        return None
    space = resolve(tree, (), prelude, sink, Limits(), {})
    return None if space is None else expand(space, sink, Limits())


def space_of(text: str) -> ir.Space:
    return compile_source(Source("drawn.smash", text)).space


@QUICK
@given(specs())
def test_ir_survives_text_and_json(text: str) -> None:
    space = space_of(text)
    assert space_of(to_text(space)) == space
    assert from_json(to_json(space)) == space


@QUICK
@given(specs(), st.randoms(use_true_random=False))
def test_hash_ignores_layout_and_comments(text: str, random: random.Random) -> None:
    loose = re.sub(r"(?<=[{}();,|])[ \n]", lambda match: random.choice([" # a note\n", "\n\n", "  "]) + match[0], text)
    assert space_hash(space_of(loose)) == space_hash(space_of(text))


@QUICK
@given(specs(MOST))
def test_count_is_the_number_of_members(text: str) -> None:
    compiled = compile_source(Source("drawn.smash", text))
    found = list(members(compiled.program, MOST + 1))
    assert [one for one in found if isinstance(one, ShapeError)] == []
    assert len(set(found)) == len(found) == compiled.facts.count


@settings(QUICK, max_examples=70)
@given(drafts(risk=2))
def test_a_space_is_right_if_and_only_if_every_member_is(text: str) -> None:
    try:
        compiled = compile_source(Source("drawn.smash", text))
    except SmashError as error:
        told = error
    else:
        event("right")
        found = list(members(compiled.program, MOST))
        assert not any(isinstance(one, ShapeError) for one in found)
        assert len(found) == min(compiled.facts.count, MOST)
        return
    event("wrong")
    program = program_of(text)
    # no program: the text itself is wrong; SD0403: it is not decided whether a member is
    if program is not None and "SD0403" not in {diagnostic.code for diagnostic in told.diagnostics}:
        found = list(members(program, MOST))
        assert any(isinstance(one, ShapeError) for one in found) or len(found) == MOST, str(told)


# -- what is no spec ------------------------------------------------------------------------------

TOKENS = re.compile(r"\s+|\w+|\.\.|[<>=]=|[^\w\s]")
WORDS = (
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ";",
    "|",
    ",",
    "..",
    "=",
    "0",
    "1",
    "3x3",
    "1e9",
    "of",
    "read",
    "op",
    "choose",
    "bank",
)
SMALL = Limits(states=2_000)


@st.composite
def mutants(draw: st.DrawFn) -> str:
    """Draw an example with a few of its words dropped, doubled, exchanged or put in."""
    tokens = TOKENS.findall(draw(st.sampled_from(EXAMPLES)).read_text(encoding="utf-8"))
    for _ in range(draw(st.integers(1, 3))):
        i, j = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        match draw(st.sampled_from(["drop", "double", "swap", "put"])):
            case "drop":
                del tokens[i]
            case "double":
                tokens.insert(j, tokens[i])
            case "swap":
                tokens[i], tokens[j] = tokens[j], tokens[i]
            case _:
                tokens.insert(i, f" {draw(st.sampled_from(WORDS))} ")
    return "".join(tokens)


def ends_well(text: str) -> None:
    with ends(LONGEST), contextlib.suppress(UserError):
        compile_source(Source("drawn.smash", text), limits=SMALL)


@settings(QUICK, max_examples=150)
@given(mutants())
def test_a_broken_example_ends_in_success_or_diagnostics(text: str) -> None:
    ends_well(text)


@settings(QUICK, max_examples=100)
@given(st.one_of(st.binary().map(lambda data: data.decode("latin-1")), st.text(), st.text('{}()[];|,.=#"ab01 \n')))
def test_any_text_ends_in_success_or_diagnostics(text: str) -> None:
    ends_well(text)
    ends_well(f"smash 1\n{text}")
    ends_well(f"smash 1\nspace s {{ input vector[2]\noutput y(2)\n{text}\nhead {{ {text} }} }}")


# -- the second opinion would tell ----------------------------------------------------------------


def test_a_wrong_count_would_be_seen() -> None:
    stem = "stem { choose { relu | gelu }; linear({2, 4}) }"
    text = f"smash 1\nspace s {{\n input vector[2]\n output y(2)\n {stem}\n head {{ linear(y) }}\n}}"
    program = compile_source(Source("t.smash", text)).program
    assert len(set(members(program, 100))) == 4
    wrong = text.replace("linear(y)", "linear(channels)")
    program_of_wrong = program_of(wrong)
    assert program_of_wrong is not None
    assert [isinstance(one, ShapeError) for one in members(program_of_wrong, 100)] == [False, True] * 2


@QUICK
@given(drafts(3))
def test_every_member_with_the_decisions_of_an_error_is_wrong(text: str) -> None:
    program = program_of(text)
    if program is None:
        return
    try:
        compile_source(Source("drawn.smash", text))
        return
    except SmashError as error:
        told = [d.when for d in error.diagnostics if d.code != "SD0403" and not UNTOLD.search(str(d.when))]
    found = list(runs(program, MOST)) if any(told) else []
    if len(found) == MOST:
        return
    for when in filter(None, told):
        event("an error with decisions")
        met = [wrong for decided, wrong in found if all(shown(decided.get(path)) == value for path, value in when)]
        assert met
        assert None not in met


@settings(QUICK, max_examples=100)
@given(drafts(4))
def test_what_made_the_channels_of_an_error_made_as_many_as_it_says(text: str) -> None:
    try:
        compile_source(Source("drawn.smash", text))
        return
    except SmashError as error:
        told = error
    for diagnostic in told.diagnostics:
        said = re.findall(r"\d+", diagnostic.message)
        for label in diagnostic.others:
            made = re.match(r"(\d+) channels? ", label.text)
            if made is not None and diagnostic.code in {"SD0203", "SD0305", "SD0209"}:
                event("a maker of channels")
                assert made[1] in said, str(told)
                assert label.span != diagnostic.span


# -- the fewest decisions -------------------------------------------------------------------------

EMPTY = "SD0204"  # of the interval that the kernel bounds, which is decided before anything is wrong with the layer
CONV = "conv({}, {}, dilation = 1..4-(max(kernel, 1)-1)/2, groups = {})"


def codes_of(kernel: str, out: str, groups: str) -> dict[str, dict[str, str]]:
    """Return the codes of what is wrong with a convolution of eight channels, each with its decisions."""
    body = CONV.format(kernel, out, groups)
    text = "smash 1\nspace s {\n input image[8, 8, 8]\n output y(2)\n body { %s }\n"
    text = text % body + " head { global_avg_pool; linear(y) }\n}"
    try:
        compile_source(Source("conv.smash", text))
    except SmashError as error:
        return {d.code: {path.removeprefix("body.conv."): value for path, value in d.when} for d in error.diagnostics}
    return {}


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


@settings(QUICK, max_examples=60)
@given(some("0", "1", "3", "9", "11"), some("3", "4", "6", "8"), some("0", "1", "2", "3", "4"))
def test_an_error_of_a_layer_is_told_with_the_fewest_decisions(
    kernel: list[str], out: list[str], groups: list[str]
) -> None:
    names, lists = ("kernel", "out", "groups"), (kernel, out, groups)
    found = {values: set(codes_of(*values)) for values in product(*lists)}
    told = codes_of(*(f"{{{', '.join(values)}}}" if len(values) > 1 else values[0] for values in lists))
    assert set(told) == set().union(*found.values())
    for code, when in told.items():

        def holds(when: dict[str, str], code: str = code) -> bool:
            agreeing = [c for v, c in found.items() if when.items() <= dict(zip(names, v, strict=True)).items()]
            return code in set().union(*agreeing) and all(codes and codes <= {code, EMPTY} for codes in agreeing)

        event(f"{len(when)} decisions")
        assert holds(when)
        for path in when:
            assert not holds({other: value for other, value in when.items() if other != path})
