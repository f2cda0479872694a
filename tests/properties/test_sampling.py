"""What is drawn are members, under the law that the spec declares, conditioned on what it requires."""

from __future__ import annotations

from collections import Counter
from math import comb, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import smashdsl
from smashdsl.space import space as space_module
from tests.handmade import EXAMPLE_NAMES, NAMES, handmade, space, text
from tests.oracle import Oracle
from tests.properties.specs import specs

SMALL = [name for name in NAMES if handmade(name).count() <= 400 and name != "required"]
POOLS = {
    "written": "op { read some of written by max; write 0 }",
    "written_sized": "op { read {1: 3, 3: 1} of written by max; write 0 }",
    "written_between": "op { read 2..3 of written by max; write last }",
    "fresh": "op { read 0; write {1: 1, 3: 2} of fresh }",
    "banks": "op { read [0, 1]; write some of banks }",
    "banks_sized": "op { read 0; write 2 of banks }",
    "reachable": "op { read 0; write some of reachable }",
    "reachable_wide": "op { read [0..2]; write some of reachable }",
    "reachable_sized": "op { read 0; write {2: 1, 4: 5} of reachable }",
    "twice": """op { read 1..2 of written by max; write 1 of reachable }
      op { read last by max; write some of written }""",
}


def pool(name: str, of: str = "banks 6 of 1", channels: int = 3) -> smashdsl.Space:
    head = "head { global_avg_pool; linear(y) }"
    shape = f"image[{channels}, 2, 2]"
    body = f"block b {{\n {of}\n {POOLS.get(name, name)}\n }}"
    return smashdsl.loads(f"smash 1\nspace pool {{\n input {shape}\n output y(2)\n {body}\n {head}\n}}\n")


def chance(architecture: smashdsl.Architecture) -> Oracle:
    """Return the oracle after a run that computes shapes only: it knows the probability of the architecture."""
    source = architecture.space.compiled.space.input
    oracle = Oracle(architecture.space.compiled.space, architecture.decisions())
    shape, kind = (2, source.channels, *source.grid), torch.float32
    if source.kind == "tokens":
        shape, kind = (2, *source.grid), torch.int64
    oracle.run(torch.empty(shape, dtype=kind, device="meta"))
    return oracle


def fits(seen: dict[Any, int], law: dict[Any, float]) -> bool:
    """Return whether counts are what a law gives, by Pearson's test at about four and a half standard deviations."""
    draws = sum(seen.values())
    assert set(seen) <= set(law)
    # cells that few draws fall into are told together
    large = {key for key, p in law.items() if p * draws >= 5}
    cells = [(seen.get(key, 0), law[key] * draws) for key in large]
    rest = sum(p for key, p in law.items() if key not in large) * draws
    if rest > 0:
        cells.append((sum(n for key, n in seen.items() if key not in large), rest))
    statistic = sum((n - e) ** 2 / e for n, e in cells if e >= 1)
    freedom = max(len(cells) - 1, 1)
    return statistic < freedom + 4.5 * sqrt(2 * freedom) + 10


def whole_law(of: smashdsl.Space, draws: int, seed: int = 1) -> tuple[Counter[Any], dict[Any, float]]:
    """Draw, and return how often each member came, with the probability of each by the oracle."""
    seen = Counter(of.sample(draws, seed=seed))
    return seen, {architecture: chance(architecture).chance for architecture in seen}


# -- the law ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_every_member_of_a_small_space_is_drawn_as_often_as_it_should(name: str) -> None:
    of = handmade(name)
    seen, law = whole_law(of, 20_000)
    assert len(seen) == of.count()
    assert sum(law.values()) == pytest.approx(1)
    assert fits(seen, law)


@pytest.mark.parametrize("name", POOLS)
def test_sets_of_banks_are_uniform_over_sizes_then_over_sets(name: str) -> None:
    of = pool(name)
    seen, law = whole_law(of, 20_000)
    assert len(seen) == of.count()
    assert sum(law.values()) == pytest.approx(1)
    assert fits(seen, law)


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(specs(most=100), st.integers(0, 2**32))
def test_generated_spaces_are_drawn_by_their_law(drawn: str, seed: int) -> None:
    of = smashdsl.loads(drawn)
    seen, law = whole_law(of, 3_000, seed)
    assert len(seen) <= of.count()
    # at most 100 members: what has not come is less than one draw in a hundred on average
    assert 0.95 < sum(law.values()) < 1 + 1e-9
    assert fits(seen, {**law, "not drawn": max(0.0, 1 - sum(law.values()))})


def test_the_test_of_laws_tells_laws_apart() -> None:
    law = dict.fromkeys(range(4), 0.25)
    assert fits({0: 2510, 1: 2489, 2: 2500, 3: 2501}, law)
    assert not fits({0: 2700, 1: 2300, 2: 2500, 3: 2500}, law)


def masks(of: smashdsl.Space, path: str, draws: int, seed: int = 1) -> np.ndarray[Any, Any]:
    return of.sample(draws, seed=seed).codes[:, of.sites.column[path]]


@pytest.mark.parametrize(("banks", "size"), [(45, 2), (63, 2), (17, 15), (33, 2), (63, 61)])
def test_sets_of_many_banks_of_one_size_are_uniform(banks: int, size: int) -> None:
    of = pool(f"op {{ read {size} of written by max; write 0 }}", f"banks {banks} of 1", banks)
    found = Counter(masks(of, "b.op[0].read", 30_000).tolist())
    assert all(mask.bit_count() == size and mask < 1 << banks for mask in found)
    missing = comb(banks, size) - len(found)
    law = 1 / comb(banks, size)
    assert fits(found, dict.fromkeys(found, law) | {"not drawn": missing * law})


@pytest.mark.parametrize("banks", [45, 63])
def test_sets_of_many_banks_have_uniform_sizes_and_take_every_bank_alike(banks: int) -> None:
    of = pool("op { read some of written by max; write 0 }", f"banks {banks} of 1", banks)
    drawn = masks(of, "b.op[0].read", 30_000)
    sizes = np.bitwise_count(drawn)
    assert fits(Counter(sizes.tolist()), dict.fromkeys(range(1, banks + 1), 1 / banks))
    member = (drawn[:, None] >> np.arange(banks) & 1).astype(float)
    share = (banks + 1) / 2 / banks
    assert np.abs(member.mean(0) - share).max() < 5 * sqrt(share * (1 - share) / len(drawn))
    together = member.T @ member / len(drawn)
    # two banks, in one word of 16 or in two, are in a set together as often as the sizes say
    pair = np.mean([s * (s - 1) / (banks * (banks - 1)) for s in range(1, banks + 1)])
    off = together[~np.eye(banks, dtype=bool)]
    assert np.abs(off - pair).max() < 5.5 * sqrt(pair * (1 - pair) / len(drawn))


def test_reachable_sets_of_many_banks_take_fresh_ones_in_order_as_often_as_they_should() -> None:
    written, banks = 20, 45
    of = pool("op { read 0; write some of reachable }", f"banks {banks} of 1", written)
    drawn = masks(of, "b.op[0].write", 40_000)
    new = drawn >> written
    taken = np.bitwise_count(new)
    assert np.array_equal(new, (1 << taken.astype(np.int64)) - 1)
    law: dict[tuple[int, int], float] = {}
    for size in range(1, banks + 1):
        ways = {m: comb(written, size - m) for m in range(min(size, banks - written) + 1) if size - m <= written}
        law |= {(size, m): n / sum(ways.values()) / banks for m, n in ways.items()}
    assert fits(Counter(zip(np.bitwise_count(drawn).tolist(), taken.tolist(), strict=True)), law)


# -- members and seeds ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*NAMES, *EXAMPLE_NAMES])
def test_what_is_drawn_is_a_member(name: str) -> None:
    of = space(name)
    drawn = of.sample(200, seed=3)
    assert np.array_equal(of.validate(drawn.codes), drawn.codes)
    for architecture in drawn[:10]:
        assert of.from_json(architecture.to_json()) == architecture


@pytest.mark.parametrize("name", [*NAMES, *EXAMPLE_NAMES])
def test_a_seed_says_what_is_drawn(name: str) -> None:
    of = space(name)
    assert of.sample(50, seed=3) == of.sample(50, seed=3)
    assert of.sample(seed=3) == of.sample(1, seed=3)[0]
    if of.count() > 1000:
        assert of.sample(50, seed=3) != of.sample(50, seed=4)
        assert len(set(of.sample(50, seed=3))) > 25


def test_batches_are_sequences_of_architectures() -> None:
    of = space("blocks")
    drawn = of.sample(7, seed=0)
    assert len(drawn) == 7
    assert list(drawn[2:4]) == [drawn[2], drawn[3]]
    assert drawn[-1] == list(drawn)[-1]
    assert of.batch(list(drawn)) == drawn
    assert {drawn[0]: "a"}[of.sample(7, seed=0)[0]] == "a"
    assert drawn[0] != "text"
    other = smashdsl.loads(text("blocks").replace("dropout(0.2)", "dropout(0.3)"))
    assert smashdsl.Architectures(other, drawn.codes) != drawn
    assert smashdsl.Architecture(other, drawn.codes[0]) != drawn[0]
    with pytest.raises(IndexError):
        drawn[7]
    with pytest.raises(smashdsl.UserError, match="no member of this space"):
        of.batch([space("params").sample(seed=0)])
    with pytest.raises(smashdsl.UsageError, match="-1 architectures can't be drawn"):
        of.sample(-1, seed=0)
    assert repr(space("lets").sample(seed=1)).startswith("Architecture(lets_space: stem.")


# -- require ------------------------------------------------------------------------------------------


def test_what_is_drawn_meets_the_constraints_and_the_law_is_conditioned_on_them() -> None:
    of = space("required")
    free = smashdsl.loads("\n".join(line for line in text("required").splitlines() if "require " not in line))
    assert free.count() == of.count()
    everything, law = whole_law(free, 40_000, seed=2)
    assert len(everything) == free.count()

    def meets(architecture: smashdsl.Architecture) -> bool:
        oracle = chance(architecture)
        params = sum(np.prod(shape) for shape in oracle.taken.values())
        return bool(
            params <= 1500 and oracle.counts["flops"] + 2 * oracle.counts["reads"] > 2e4 and oracle.counts["g"] == 1
        )

    good = {str(a.decisions()): p for a, p in law.items() if meets(a)}
    share = sum(good.values())
    assert 0.05 < share < 0.5
    seen = Counter(str(architecture.decisions()) for architecture in of.sample(8_000, seed=5))
    assert fits(seen, {key: p / share for key, p in good.items()})
    assert len(seen) == len(good)
    estimate, low, high = of.acceptance(8_000, seed=1)
    assert low < share < high
    assert low < estimate < high


def test_a_read_counts_each_bank() -> None:
    of = pool("op { read some of written by max; write 0 }\n op { read [0, 1] by max; write 0 }")
    drawn = of.sample(20, seed=0)
    sizes = [len(architecture.decisions()["b.op[0].read"]) for architecture in drawn]
    assert of.costs(drawn).reads.tolist() == [size + 2 for size in sizes]


def test_constraints_that_nothing_meets_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_module, "HOPELESS", 5_000)
    of = smashdsl.loads(
        "smash 1\nspace s {\n input image[2, 2, 2]\n output y(2)\n stem { conv(1, 1..40) }\n"
        " require params == 7\n head { global_avg_pool; linear(y) }\n}\n"
    )
    with pytest.raises(smashdsl.UserError) as told:
        of.sample(3, seed=0)
    assert told.value.message.startswith("of ")
    assert told.value.message.endswith("random architectures 0 meet the constraints of space `s`")
    assert told.value.help == "loosen `require`, or give the choices weights that favour what it asks for"
    assert of.acceptance()[0] == 0


# -- perturbation -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*NAMES, "fashion", "smashv1"])
def test_perturbed_architectures_are_other_members(name: str) -> None:
    of = space(name)
    codes = of.sample(100, seed=1).codes
    found = of.perturb(codes, 0.2, np.random.default_rng(2))
    assert np.array_equal(of.validate(found), found)
    assert (found != codes).any(1).all()
    assert np.array_equal(found, of.perturb(codes, 0.2, np.random.default_rng(2)))


def test_a_space_of_one_member_stays_as_it_is() -> None:
    of = space("densenet_bc")
    codes = of.sample(2, seed=0).codes
    assert np.array_equal(of.perturb(codes, 0.5, np.random.default_rng(0)), codes)


class _Redraws(np.random.Generator):
    """Keeps all decisions but those of one column, and draws as numpy does."""

    column: int

    def random(self, size: Any = None, *args: Any, **kwargs: Any) -> Any:
        drawn = super().random(size, *args, **kwargs)
        if isinstance(size, tuple):
            drawn[:] = 1
            drawn[:, self.column] = 0
        return drawn


def redraws(column: int) -> np.random.Generator:
    generator = _Redraws(np.random.PCG64(1))
    generator.column = column
    return generator


DEPENDENT = """smash 1
space s {
  input image[4, 4, 4]
  output y(2)
  op mix(c = bank * (1..2)) { read some of written; conv({1, 3}, c); write some of reachable }
  block b { banks 6 of {1, 2}
    ops 1..3 of mix }
  head { global_avg_pool; linear(y) }
}
"""


def test_later_decisions_are_kept_where_they_fit() -> None:
    of = smashdsl.loads(DEPENDENT)
    column = of.sites.column
    codes = of.sample(400, seed=3).codes
    found = of.perturb(codes, 0.5, redraws(column["b.bank"]))
    bank, c, kernel = column["b.bank"], column["b.op[0].c"], column["b.op[0].conv.kernel"]
    changed = found[:, bank] != codes[:, bank]
    assert changed.all()
    # a kernel always fits; of c = 1, 2, 4 only 2 is in the range of both banks
    assert np.array_equal(found[:, kernel], codes[:, kernel])
    alphabet = np.array(of.sites.all[c].alphabet)
    assert np.array_equal(alphabet, [1, 2, 4])
    fitting = alphabet[codes[:, c]] == 2
    assert fitting.any()
    assert np.array_equal(found[fitting, c], codes[fitting, c])
    assert (found[~fitting, c] != codes[~fitting, c]).all()


def test_decisions_that_appear_are_drawn_and_those_that_vanish_are_inactive() -> None:
    of = smashdsl.loads(DEPENDENT)
    ops, last = of.sites.column["b.ops"], of.sites.column["b.op[2].c"]
    codes = of.sample(400, seed=3).codes
    found = of.perturb(codes, 0.5, redraws(ops))
    assert np.array_equal(found[:, last] >= 0, found[:, ops] == 2)
    both = np.minimum(found[:, ops], codes[:, ops])
    for k in range(3):
        c = of.sites.column[f"b.op[{k}].c"]
        assert np.array_equal(found[both >= k, c], codes[both >= k, c])


def test_perturbed_architectures_meet_the_constraints() -> None:
    of = space("required")
    codes = of.sample(100, seed=1).codes
    found = of.perturb(codes, 0.3, np.random.default_rng(0))
    costs = of.costs(smashdsl.Architectures(of, found))
    assert costs.params.max() <= 1500
    assert (costs.uses["g"] == 1).all()
