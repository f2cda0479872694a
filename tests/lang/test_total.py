"""Any input ends in success or in diagnostics, in bounded time."""

from __future__ import annotations

import pytest

from smashdsl.errors import UserError
from smashdsl.lang.compile import Compiled, compile_source
from smashdsl.lang.text.diagnostics import SmashError
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from tests.work import NeverEnds, calls, ends

BEFORE = "smash 1\nspace s {\n  input image[3, 8, 8]\n  output classes(4)\n"
AFTER = "  head { global_avg_pool; linear(classes) }\n}\n"
LONGEST = 20.0  # seconds of the processor, several times what any of these texts takes


def compiled(text: str, **limits: int) -> Compiled:
    return compile_source(Source("t.smash", text), limits=Limits(**limits))


def space(members: str) -> str:
    return f"{BEFORE}{members}\n{AFTER}"


def chain(length: int, body: str) -> str:
    ops = "\n".join(f"op f{i} {{ {body.format(i + 1)} }}" for i in range(length))
    return space(f"{ops}\nop f{length} {{ relu }}\nstem {{ f0 }}")


HOSTILE = {
    "nothing": ("", "SD0001"),
    "white space": (" \n\t\n# a comment", "SD0001"),
    "binary": ("\x00\x01\x89PNG\x1a\xff", "SD0001"),
    "binary after the version": ("smash 1\n\x00\x89PNG{{{{", "SD0002"),
    "another digit": ("smash \u00b2\n", "SD0001"),
    "python": ("import torch\nclass Net: pass\n", "SD0001"),
    "a version of 5,000 digits": ("smash " + "9" * 5000, "SD0001"),
    "a number of 5,000 digits": (space(f"stem {{ conv(3x3, {'9' * 5000}) }}"), "SD0208"),
    "a size of 5,000 digits": (space(f"stem {{ conv({'9' * 5000}x3) }}"), "SD0208"),
    "a weight of nothing": (space("stem { maybe 1e-999 { relu } }"), "SD0205"),
    "deep brackets": (space(f"stem {{ conv(3x3, {'(' * 70}8{')' * 70}) }}"), "SD0401"),
    "deep paths": (space(f"stem {{ {'sum { relu | ' * 70}relu{'}' * 70} }}"), "SD0401"),
    "a long sum": (space(f"stem {{ conv(3x3, {'1+' * 5000}8) }}"), "SD0401"),
    "ops inside ops": (chain(500, "f{0}"), "SD0401"),
    "ops that double": (chain(30, "f{0}; f{0}"), "SD0402"),
    "many repeats": (space("stem { repeat 1000000000 { relu } }"), "SD0402"),
    "repeats of repeats": (space("stem { repeat 9999 { repeat 9999 { relu } } }"), "SD0402"),
    "channels that double": (space("stem { repeat 5000 { concat { identity | identity } } }"), "SD0208"),
    "many values": (space("stem { conv(3x3, 1..10000000) }"), "SD0402"),
    "many combinations": (
        space("op f(a = 1..4000, b = 1..4000, c = 1..4000) { conv(3x3, a*b*c) }\nstem { f }"),
        "SD0403",
    ),
    "many ways to decide a layer": (space("stem { conv(3, 1..400, dilation = 1..4, groups = 1..50) }"), "SD0203"),
    "a long list of banks": (
        space("stem { conv(1, 8) }\nblock b {\nbanks 4 of 8\nop { read [0..1000000000000]; write 1 }\n}"),
        "SD0302",
    ),
    "a long loop": (
        space("stem { conv(1, 8) }\nblock b {\nbanks 4 of 8\nfor i in 0..1000000000000 { op { read 0; write 1 } }\n}"),
        "SD0402",
    ),
    "only opening": (f"smash 1\n{'{' * 60}", "SD0003"),
    "only closing": (f"smash 1\n{'}' * 1000}", "SD0003"),
}


@pytest.mark.parametrize(("text", "code"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_a_diagnostic_in_bounded_time(text: str, code: str) -> None:
    with ends(LONGEST), pytest.raises(SmashError) as caught:
        compiled(text)
    assert code in {diagnostic.code for diagnostic in caught.value.diagnostics}
    assert len(str(caught.value)) < 20_000


def test_too_many_words_are_refused() -> None:
    with pytest.raises(SmashError, match="more than 100 words"):
        compiled(space("stem { " + "relu; " * 100 + "}"), tokens=100)


def test_states_beyond_the_limit_are_not_decided() -> None:
    text = space("stem { conv(1, 1..30); concat { conv(1, 1..30) | conv(1, 1..30) } }")
    assert compiled(text).facts.count == 27_000
    with pytest.raises(SmashError) as caught:
        compiled(text, states=20)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["SD0403"]


@pytest.mark.parametrize(
    "value", [True, float("nan"), float("inf"), "3)", "{3,", "9" * 5000, "nowhere", "1\nspace s {"]
)
def test_a_wrong_value_for_a_param_is_an_error(value: str | float) -> None:
    text = space("param k = 3\nstem { conv(k) }")
    with pytest.raises(UserError):
        compile_source(Source("t.smash", text), params={"k": value})


def test_a_value_for_a_param_takes_its_place() -> None:
    text = space("param k = 3\nstem { conv(k) }")
    assert compile_source(Source("t.smash", text), params={"k": "{3, 5}"}).facts.count == 2
    with pytest.raises(SmashError, match="there is no param `q`") as caught:
        compile_source(Source("t.smash", text), params={"q": 1})
    assert "did you mean" not in str(caught.value)


def test_what_never_ends_is_stopped() -> None:
    with pytest.raises(NeverEnds), ends(0.05):
        all(True for _ in iter(int, 1))


def test_work_that_grows_with_the_square_is_seen() -> None:
    def pairs(number: int) -> list[int]:
        return [abs(i - j) for i in range(number) for j in range(number)]

    assert calls(lambda: pairs(40)) > 10 * calls(lambda: pairs(10))
