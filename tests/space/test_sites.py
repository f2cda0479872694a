"""Every decision and every weight of any member has its place in the space, known before anything is drawn."""

from __future__ import annotations

import pytest

import smashdsl
from smashdsl.lang.program import templates as p
from smashdsl.space.sites import places
from tests.handmade import EXAMPLE_NAMES, NAMES, space


@pytest.mark.parametrize("name", [*NAMES, *EXAMPLE_NAMES])
def test_decisions_stand_in_program_order_and_code_what_they_say(name: str) -> None:
    of = space(name)
    paths = [site.path for site in of.sites.all]
    assert len(set(paths)) == len(paths) == len(of.sites)
    for architecture in of.sample(20, seed=0):
        decided = list(architecture.decisions())
        assert decided == [path for path in paths if path in decided]
        for path, value in architecture.decisions().items():
            site = of.sites.all[of.sites.column[path]]
            if site.alphabet is not None:
                assert site.alphabet[site.codes(value)] == value


@pytest.mark.parametrize("name", [*NAMES, *EXAMPLE_NAMES])
def test_weights_have_a_place_that_is_large_enough(name: str) -> None:
    of = space(name)
    layers = {
        f"{place.prefix}{place.item.local}": (place.region, place.item.template)
        for place in places(of.compiled)
        if isinstance(place.item, p.Layer | p.Read)
    }
    for architecture in of.sample(4, seed=0):
        for path, spec in of.weights(architecture).items():
            assert layers[path.removesuffix(f".{spec.tensor}")] == (spec.region, spec.template)
            largest = of.compiled.facts.extents[spec.region, spec.template].weights[spec.tensor]
            assert all(size <= most for size, most in zip(spec.shape, largest, strict=True))


LETS = """smash 1
space s {
  input image[4, 4, 4]
  output y(2)
  stem {
    let a = conv({1, 3})
    let b = sum { a | let c = conv({1, 3}, weights = shared); c; c }
    a; b; a; b
  }
  head { global_avg_pool; linear(y) }
}
"""


def test_a_let_is_one_set_of_decisions_and_weights_where_it_is_declared() -> None:
    of = smashdsl.loads(LETS)
    assert [site.path for site in of.sites.all] == ["stem.a.conv.kernel", "stem.b.c.conv.kernel"]
    assert of.count() == len(set(of.sample(100, seed=0))) == 4
    names = set(of.weights(of.sample(seed=0)))
    assert names == {"stem.a.conv.weight", "stem.b.c.conv.weight", "head.linear.weight", "head.linear.bias"}
