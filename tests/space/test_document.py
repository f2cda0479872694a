"""Documents of architectures: read back as they were written, and refused with one message otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smashdsl
from tests.handmade import space, text

SPEC = """smash 1
space net {
  param k = {3, 5}
  input image[4, 4, 4]
  output y(2)
  stem { conv({1x1, 1x3}, {4, 8}, bias = {true, false}); leaky_relu({0.5, 2}); conv(k, 4); norm({batch, layer}) }
  block st {
    banks 3 of 2
    ops 1..2 of mix
  }
  op mix { read some of written; choose { relu | maybe { gelu } }; conv(1, 2); write 1..2 of reachable }
  head { global_avg_pool; linear(y) }
}
"""
GOOD = {
    "param.k": 3,
    "stem.conv[0].kernel": "1x3",
    "stem.conv[0].out": 8,
    "stem.conv[0].bias": True,
    "stem.leaky_relu.slope": 0.5,
    "stem.norm.kind": "layer",
    "st.ops": 1,
    "st.op[0].read": [0, 1],
    "st.op[0].choose": 0,
    "st.op[0].write": [0, 2],
}


@pytest.fixture(scope="module")
def net() -> smashdsl.Space:
    return smashdsl.loads(SPEC)


def document(changes: dict[str, Any] | None = None, without: str = "", **fields: Any) -> dict[str, Any]:
    decisions = {path: value for path, value in {**GOOD, **(changes or {})}.items() if path != without}
    return {"format": 1, "decisions": decisions, **fields}


def refused(net: smashdsl.Space, data: Any) -> str:
    with pytest.raises(smashdsl.UserError) as told:
        net.from_json(data)
    return str(told.value)


def test_a_document_is_what_the_decisions_say(net: smashdsl.Space) -> None:
    architecture = net.from_json(document())
    assert architecture.to_json() == {"format": 1, "space": "net", "space_hash": net.hash, "decisions": GOOD}
    assert architecture.decisions() == {**GOOD, "stem.conv[0].kernel": (1, 3)}
    assert list(architecture.decisions()) == list(GOOD)
    assert net.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


def test_the_order_of_decisions_and_of_banks_says_nothing(net: smashdsl.Space) -> None:
    turned = dict(reversed(GOOD.items())) | {"st.op[0].write": [2, 0]}
    assert net.from_json({"format": 1, "decisions": turned}) == net.from_json(document())


def test_what_else_a_document_holds_is_left_alone(net: smashdsl.Space) -> None:
    assert net.from_json(document(score=0.5, space="net", space_hash=None)) == net.from_json(document())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"stem.conv[0].ot": 4},
            "the space has no decision `stem.conv[0].ot`\n  = help: did you mean `stem.conv[0].out`?",
        ),
        ({"nonsense": 4}, "the space has no decision `nonsense`"),
        ({7: 4}, "the space has no decision 7"),
        ({"x" * 5000: 4}, f"the space has no decision '{'x' * 12}...{'x' * 13}'"),
        ({"stem.conv[0].out": 6}, "`stem.conv[0].out` can't be 6: it is one of 4, 8"),
        ({"stem.conv[0].out": 8.0}, "`stem.conv[0].out` can't be 8.0: it is one of 4, 8"),
        ({"stem.conv[0].out": "8"}, "`stem.conv[0].out` can't be '8': it is one of 4, 8"),
        ({"stem.conv[0].out": True}, "`stem.conv[0].out` can't be true: it is one of 4, 8"),
        ({"stem.conv[0].out": None}, "`stem.conv[0].out` can't be null: it is one of 4, 8"),
        ({"stem.conv[0].out": [8]}, "`stem.conv[0].out` can't be [8]: it is one of 4, 8"),
        ({"stem.conv[0].out": {"a": [8]}}, "`stem.conv[0].out` can't be {'a': [8]}: it is one of 4, 8"),
        ({"stem.conv[0].out": 10**5000}, "`stem.conv[0].out` can't be a number of 16610 bits: it is one of 4, 8"),
        ({"stem.conv[0].out": float("nan")}, "`stem.conv[0].out` can't be nan: it is one of 4, 8"),
        ({"stem.conv[0].bias": 1}, "`stem.conv[0].bias` can't be 1: it is one of false, true"),
        ({"stem.conv[0].kernel": [1, 3]}, "`stem.conv[0].kernel` can't be [1, 3]: it is one of 1x1, 1x3"),
        ({"stem.norm.kind": "rms"}, "`stem.norm.kind` can't be 'rms': it is one of batch, layer"),
        ({"stem.leaky_relu.slope": 2.0}, "`stem.leaky_relu.slope` can't be 2.0: it is one of 0.5, 2"),
        ({"st.op[0].choose": 2}, "`st.op[0].choose` can't be 2: it is one of 0, 1"),
        ({"st.op[0].read": 0}, "`st.op[0].read` is a list of banks from 0 to 2, not 0"),
        ({"st.op[0].read": [0, 3]}, "`st.op[0].read` is a list of banks from 0 to 2, not [0, 3]"),
        ({"st.op[0].read": [-1]}, "`st.op[0].read` is a list of banks from 0 to 2, not [-1]"),
        ({"st.op[0].read": [0.0]}, "`st.op[0].read` is a list of banks from 0 to 2, not [0.0]"),
        ({"st.op[0].read": [False]}, "`st.op[0].read` is a list of banks from 0 to 2, not [false]"),
        ({"st.op[0].read": [[[[0]]]]}, "`st.op[0].read` is a list of banks from 0 to 2, not [[[[0]]]]"),
        (
            {"st.op[0].read": [10**400] * 99},
            "`st.op[0].read` is a list of banks from 0 to 2, not [" + "a number of 1329 bits, " * 6 + "...]",
        ),
        ({"st.op[0].read": [1, 0, 1]}, "`st.op[0].read` lists bank 1 twice"),
        ({"st.op[0].read": []}, "`st.op[0].read` can't be [] here"),
        ({"st.op[0].read": [2]}, "`st.op[0].read` can't be [2] here"),
        ({"st.op[0].write": [0, 1, 2]}, "`st.op[0].write` can't be [0, 1, 2] here"),
        ({"st.ops": 2}, "`st.op[1].read` is missing"),
        (
            {"st.op[1].choose": 0},
            "`st.op[1].choose` is given, but nothing is decided there in this architecture\n  = help: leave it out",
        ),
        (
            {"st.op[0].maybe": 1},
            "`st.op[0].maybe` is given, but nothing is decided there in this architecture\n  = help: leave it out",
        ),
    ],
)
def test_a_wrong_decision_is_named(net: smashdsl.Space, changes: dict[str, Any], message: str) -> None:
    assert refused(net, document(changes)) == message


@pytest.mark.parametrize("path", GOOD)
def test_a_missing_decision_is_named(net: smashdsl.Space, path: str) -> None:
    assert refused(net, document(without=path)) == f"`{path}` is missing"


@pytest.mark.parametrize("data", [None, 1, "text", [], {}, {"format": 1}, [document()], {"decision": {}}])
def test_what_is_no_architecture_says_so(net: smashdsl.Space, data: Any) -> None:
    assert refused(net, data) == (
        "this is no architecture: it has no `decisions`\n  = help: write one with `smashdsl sample`"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": 2}, "format 2 of an architecture is not known\n  = help: this release reads 1"),
        ({"format": True}, "format true of an architecture is not known\n  = help: this release reads 1"),
        ({"format": 1.0}, "format 1.0 of an architecture is not known\n  = help: this release reads 1"),
        ({"format": [1]}, "format [1] of an architecture is not known\n  = help: this release reads 1"),
        ({"decisions": []}, "`decisions` of an architecture holds a value for each site, not []"),
        ({"decisions": None}, "`decisions` of an architecture holds a value for each site, not null"),
        ({"decisions": "a"}, "`decisions` of an architecture holds a value for each site, not 'a'"),
    ],
)
def test_the_fields_of_a_document_are_checked(net: smashdsl.Space, fields: dict[str, Any], message: str) -> None:
    assert refused(net, document(**fields)) == message


@pytest.mark.parametrize(
    ("given", "shown"), [("0123456789abcdef", "0123456789ab"), (5, "5"), ([1], "[1]"), ({}, "{}"), (False, "false")]
)
def test_an_architecture_of_another_space_is_refused(net: smashdsl.Space, given: Any, shown: str) -> None:
    assert refused(net, document(space="other", space_hash=given)) == (
        f"this architecture belongs to space `other` with hash {shown}, not to `net` with hash {net.hash[:12]}\n"
        "  = help: the spec has changed since, or params are set differently"
    )


def test_a_document_that_breaks_a_constraint_is_refused() -> None:
    of = space("required")
    decisions = {**of.sample(seed=0).to_json()["decisions"], "f.nothing": 1}
    assert refused(of, {"format": 1, "decisions": decisions}).startswith("the space has no decision `f.nothing`")
    free = smashdsl.loads("\n".join(line for line in text("required").splitlines() if "require " not in line))
    small = next(a for a in free.sample(200, seed=0) if free.costs(a).uses["g"][0] == 0)
    assert refused(of, {**small.to_json(), "space_hash": None}) == (
        "this architecture does not meet the constraints of space `required_space`"
    )


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_any_document_ends_in_an_architecture_or_one_message(net: smashdsl.Space, data: st.DataObject) -> None:
    sites = st.sampled_from([site.path for site in net.sites.all]) | st.text()
    given_ = data.draw(
        JUNK
        | st.fixed_dictionaries(
            {"format": st.just(1) | JUNK, "decisions": st.dictionaries(sites, JUNK) | JUNK},
            optional={"space": JUNK, "space_hash": st.just(net.hash) | JUNK},
        )
        | st.dictionaries(sites, JUNK, min_size=1, max_size=2).map(document)
    )
    message = ""
    try:
        architecture = net.from_json(given_)
    except smashdsl.UserError as error:
        message = str(error)
    if message:
        assert len(message) < 700
    else:
        assert net.from_json(architecture.to_json()) == architecture
