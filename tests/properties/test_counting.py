"""Members counted under constraints and drawn uniformly, against all members one by one."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import smashdsl
from smashdsl.lang.check.count import count_members
from smashdsl.lang.check.ways import Sets
from smashdsl.lang.compile import compile_source
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed import ir
from smashdsl.space import space as space_module
from tests.handmade import NAMES, handmade, space, text
from tests.properties.members import accounts
from tests.properties.specs import specs
from tests.properties.test_sampling import fits

MOST = 400
QUICK = settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
TIED_AND_SPENT = "tied"  # what a second use of a tied cell spends depends on its decisions
REQUIRES = (
    "params <= {params}",
    "params >= {params}",
    "flops < {flops}",
    "reads == {reads}",
    "params > {params}\n  require params <= {params} + 300",
    "{params} - 200 < params",
    "2 * params + 3 * reads <= 2 * {params}",
    "flops - 8 * params >= {flops} - 8 * {params}",
    "0.5 * flops >= 0.5 * {flops}",
    "max(params, flops) <= {flops}",
    "params * 2 <= {params} + 0.5",
)


def value(expr: ir.Expr, spent: Counter[str]) -> Any:
    """Return what a side of a constraint is worth, exactly."""
    match expr:
        case ir.Number():
            return Fraction(expr.value)
        case ir.Ref():
            return spent[expr.name]
        case ir.Count():
            return spent[f"count({expr.op})"]
        case ir.Call():
            return (min if expr.function == "min" else max)(value(arg, spent) for arg in expr.args)
        case ir.Binary():
            a, b = value(expr.left, spent), value(expr.right, spent)
            return a + b if expr.op == "+" else a - b if expr.op == "-" else a * b
    raise AssertionError(expr)


def meets(requires: tuple[ir.Require, ...], spent: Counter[str]) -> bool:
    for require in requires:
        a, b = value(require.left, spent), value(require.right, spent)
        good = {"<=": a <= b, ">=": a >= b, "<": a < b, ">": a > b, "==": a == b}
        if not good[require.comparison]:
            return False
    return True


def meeting(program: p.Program) -> int:
    return sum(meets(program.space.requires, spent) for spent in accounts(program, MOST + 1))


# -- counts -------------------------------------------------------------------------------------------


@QUICK
@given(specs(MOST), st.data())
def test_the_count_under_constraints_is_the_number_of_members_that_meet_them(drawn: str, data: st.DataObject) -> None:
    """The bounds are what some member spends, so that most constraints part the members."""
    found = list(accounts(compile_source(Source("drawn", drawn)).program, MOST + 1))
    spent = data.draw(st.sampled_from(found))
    required = data.draw(st.sampled_from(REQUIRES)).format_map({m: spent[m] for m in ("params", "flops", "reads")})
    compiled = compile_source(Source("drawn", drawn.replace("  head {", f"  require {required}\n  head {{")))
    count = count_members(compiled.program, compiled.facts, compiled.limits)
    event(f"{required.split()[1]} {'not counted' if count is None else 'counted'}")
    if count is not None:
        assert count == meeting(compiled.program)
    else:
        assert TIED_AND_SPENT in drawn or "let" in drawn
    # what states can't tell, members one by one can
    assert smashdsl.loads(drawn.replace("  head {", f"  require {required}\n  head {{")).count_members() == meeting(
        compiled.program
    )


def test_counts_of_uses_are_counted() -> None:
    of = smashdsl.loads(
        "smash 1\nspace s {\n input vector[4]\n output y(2)\n op a { relu }\n op b { maybe { a }; maybe { a } }\n"
        " stem { repeat 1..3 { b } }\n require count(a) == 2\n require count(b) <= 2\n head { linear(y) }\n}\n"
    )
    # one b with both, two with two of their four
    assert of.count() == 4 + 4**2 + 4**3
    assert of.count_members() == 1 + 6


def too_many(require: str) -> smashdsl.Space:
    body = "repeat 12 { conv({1, 3, 5, 7, 9, 11}, 1..12) }"
    source = (
        "smash 1\nspace s {\n input image[3, 12, 12]\n output y(2)\n stem { " + body + " }\n"
        f" require {require}\n head {{ global_avg_pool; linear(y) }}\n}}\n"
    )
    return smashdsl.loads(source, limits=Limits(states=5_000))


def test_a_count_that_takes_too_many_states_is_not_given_and_draws_are_rejected() -> None:
    of = too_many("params <= 40000")
    assert of.count() == 72**12
    assert of.count_members() is None
    drawn = of.sample(20, seed=0, law="uniform")
    assert len(set(drawn)) == 20
    assert of.costs(drawn).params.max() <= 40_000
    assert 0 < of.acceptance()[0] < 1


def test_uniform_draws_that_hardly_meet_the_constraints_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_module, "HOPELESS_UNIFORM", 200)
    of = too_many("flops == params + 1")
    assert of.count_members() is None
    with pytest.raises(smashdsl.UserError, match="random architectures 0 meet the constraints of space `s`"):
        of.sample(3, seed=0, law="uniform")


def test_a_constraint_on_tied_cells_of_a_small_space_is_counted_one_by_one() -> None:
    source = """smash 1
space s {
  input image[4, 8, 8]
  output y(2)
  tied cell c { banks 2 of channels
    op { read 0; choose { conv(1) | conv(3) | identity }; write 1 }
    yield 1 }
  body { c; c; c }
  require params <= 100
  head { global_avg_pool; linear(y) }
}
"""
    of = smashdsl.loads(source)
    compiled = of.compiled
    # three of 16 or none fit with the head's 10 into 100, three of 144 do not
    assert count_members(compiled.program, compiled.facts, compiled.limits) is None
    assert of.count_members() == 2
    assert {a.decisions()["c.op[0].choose"] for a in of.sample(50, seed=0, law="uniform")} == {0, 2}


# -- published sizes ------------------------------------------------------------------------------------


def test_once_for_all_has_its_published_size() -> None:
    """Once-for-all's MobileNetV3 (Cai et al., 2020): five units of two to four layers, each layer with one of three
    kernels and one of three expansions. A unit makes 9^2 + 9^3 + 9^4 = 7,371 ways, five of them 7371^5 = 2.18e19."""
    of = smashdsl.loads(
        "smash 1\nspace ofa {\n input image[3, 16, 16]\n output y(10)\n"
        " op layer { sum { conv(1x1, channels * {3, 4, 6}); depthwise_conv({3, 5, 7}); conv(1x1, 8) | identity } }\n"
        " stem { conv(3x3, 8) }\n body { repeat 5 { repeat 2..4 { layer } } }\n"
        " head { global_avg_pool; linear(y) }\n}\n"
    )
    assert of.count() == 7371**5 == 21_758_655_492_572_485_851


# -- members by number --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if handmade(name).count() <= 20_000])
def test_each_number_is_another_member(name: str) -> None:
    of = handmade(name)
    numbering = space_module.number(of.compiled, of.sites)
    assert numbering is not None
    codes = numbering.codes(list(range(numbering.count)))
    assert len(np.unique(codes, axis=0)) == numbering.count == of.count_members()
    assert np.array_equal(of.validate(codes), codes)


@QUICK
@given(specs(MOST))
def test_each_number_of_a_generated_space_is_another_member(drawn: str) -> None:
    of = smashdsl.loads(drawn)
    numbering = space_module.number(of.compiled, of.sites)
    assert numbering is not None
    codes = numbering.codes(list(range(numbering.count)))
    assert len(np.unique(codes, axis=0)) == numbering.count
    free = smashdsl.loads("\n".join(line for line in drawn.splitlines() if not line.startswith("  require")))
    assert np.array_equal(free.validate(codes), codes)


@given(st.integers(0, 2**9 - 1), st.integers(0, 2**9 - 1), st.lists(st.integers(0, 9), unique=True, min_size=1))
def test_each_rank_is_another_set(fixed: int, pool: int, sizes: list[int]) -> None:
    sets = Sets("", fixed & ~pool, pool, tuple(size for size in sizes if size <= pool.bit_count()))
    found = {sets.number(rank) for rank in range(sets.ways)}
    assert len(found) == sets.ways
    for one in found:
        assert one & ~pool == fixed & ~pool
        assert (one & pool).bit_count() in sizes


# -- uniform draws ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if handmade(name).count() <= 3_000])
def test_uniform_draws_are_uniform(name: str) -> None:
    of = handmade(name)
    members = of.count_members()
    assert members is not None
    seen: Counter[Any] = Counter(of.sample(20 * members, seed=1, law="uniform"))
    law = dict.fromkeys(seen, 1 / members)
    assert fits(seen, {**law, "not drawn": max(0.0, 1 - sum(law.values()))})
    assert np.array_equal(of.validate(of.batch(seen).codes), of.batch(seen).codes)


@pytest.mark.parametrize("name", ["smashv1", "blocks", "budgets", "lets", "tied", "required", "many_banks"])
def test_uniform_draws_are_members_and_a_seed_says_which(name: str) -> None:
    of = space(name)
    drawn = of.sample(40, seed=3, law="uniform")
    assert np.array_equal(of.validate(drawn.codes), drawn.codes)
    assert drawn == of.sample(40, seed=3, law="uniform")
    assert of.sample(seed=3, law="uniform") == of.sample(1, seed=3, law="uniform")[0]
    assert drawn != of.sample(40, seed=4, law="uniform")


def test_shares_of_a_large_space_are_ratios_of_counts() -> None:
    """Members with a decision made so, in a space without it, are as many as the space has where nothing else is
    offered: so their share among uniform draws is a ratio of two counts."""
    of = space("blocks")
    drawn = of.sample(4_000, seed=5, law="uniform")
    for was, becomes, path in (
        ("banks filled + 1 of {2, 4}", "banks filled + 1 of 2", "bank"),
        ("ops {1, 2} of mix", "ops 1 of mix", "ops[0]"),
    ):
        fixed = smashdsl.loads(text("blocks").replace(was, becomes)).count()
        share = fixed / of.count()
        value = 2 if path == "bank" else 1
        both = [all(a.decisions()[f"st[{i}].{path}"] == value for i in (0, 1)) for a in drawn]
        assert 0 < share < 1
        assert abs(np.mean(both) - share) < 5 * sqrt(share * (1 - share) / len(drawn)) + 1e-3


def test_uniform_draws_under_constraints_are_members_that_meet_them() -> None:
    of = space("required")
    members = of.count_members()
    assert members is not None
    assert 0 < members < of.count()
    seen = Counter(of.sample(30 * members, seed=2, law="uniform"))
    assert len(seen) == members
    assert fits(seen, dict.fromkeys(seen, 1 / members))


IMPOSSIBLE = (
    "smash 1\nspace s {\n input image[2, 2, 2]\n output y(2)\n stem { conv(1, 1..40) }\n"
    " require params == 7\n head { global_avg_pool; linear(y) }\n}\n"
)


def test_a_space_without_members_can_not_be_drawn_from() -> None:
    of = smashdsl.loads(IMPOSSIBLE)
    assert of.count_members() == 0
    with pytest.raises(smashdsl.UserError, match="no architecture meets the constraints of space `s`"):
        of.sample(3, seed=0, law="uniform")


def test_an_unknown_law_is_an_error() -> None:
    with pytest.raises(smashdsl.UsageError, match="there is no law `fair`"):
        space("blocks").sample(seed=0, law="fair")  # type: ignore[call-overload]


# -- budgets ------------------------------------------------------------------------------------------

TWO_BUDGETS = """smash 1
space s {
  input image[8, 4, 4]
  output y(2)
  op narrow(n = 1..min(left, 2)) { read n of written by add; conv(1, bank); write 1 of reachable }
  op wide { read 0; maybe { relu }; conv(1, 2 * bank); write [0, 1] }
  block b {
    banks 3 of 4
    op { read [0, 1] by max; write last }
    ops while reads < {3, 4} of narrow
    ops while units <= 6 of wide
    op { read some of written by add; write 2 }
  }
  head { global_avg_pool; linear(y) }
}
"""


def test_several_budgets_go_by_one_account() -> None:
    of = smashdsl.loads(TWO_BUDGETS)
    assert [site.path for site in of.sites.all if "budget" in site.path] == ["b.budget[0]"]
    numbering = space_module.number(of.compiled, of.sites)
    assert numbering is not None
    codes = numbering.codes(list(range(numbering.count)))
    assert len(np.unique(codes, axis=0)) == numbering.count == len(list(accounts(of.compiled.program, 100_000)))
    assert np.array_equal(of.validate(codes), codes)
    architectures = smashdsl.Architectures(of, codes)
    costs = of.costs(architectures)
    for architecture in list(architectures)[:: max(1, len(codes) // 200)]:
        told = architecture.decisions()
        reads = [len(value) for path, value in told.items() if path.endswith(".read")][:-1]
        # `left` keeps the last op within the budget; the first op read two banks
        assert 2 + sum(reads) == told["b.budget[0]"]
    # the first op puts out one bank's worth, each narrow one 1 and each wide one 2: up to and including 6
    assert np.array_equal(costs.uses["wide"], (5 - costs.uses["narrow"]) // 2 + 1)
    some = of.sample(50, seed=0)
    assert of.decode(of.encode(some)) == some
