"""Members of searched spaces of the gallery are the networks that their papers describe, written by hand."""

from __future__ import annotations

from typing import Any

import pytest

import smashdsl
from tests.gallery import networks
from tests.gallery.sameness import Names, assert_same

UNITS = ("relu_unit[0]", "relu_unit[1]", "swish_unit[0]", "swish_unit[1]", "swish_unit[2]")


def bottlenecks(decisions: dict[str, Any], unit: str) -> list[str]:
    """Return the paths of a unit's bottlenecks: one that changes the shape, then those that were chosen."""
    block = unit[: unit.index("_")] + "_block"
    more = decisions[f"body.{unit}.repeat.count"]
    return [f"body.{unit}.{block}"] + [f"body.{unit}.repeat[{i}].{block}" for i in range(more)]


def mobilenet_names(decisions: dict[str, Any]) -> Names:
    names = {"stem.conv[0]": "conv", "stem.depthwise_conv": "depthwise", "stem.conv[1]": "project"}
    names |= {"stem.norm[0]": "bn", "stem.norm[1]": "bn1", "stem.norm[2]": "bn2"}
    names |= {"head.conv": "last", "head.norm": "bn3", "head.linear[0]": "mix", "head.linear[1]": "fc"}
    for i, unit in enumerate(UNITS):
        for j, path in enumerate(bottlenecks(decisions, unit)):
            part = f"units.{i}.{j}"
            names |= {f"{path}.conv[0]": f"{part}.expand", f"{path}.depthwise_conv": f"{part}.depthwise"}
            names |= {f"{path}.conv[1]": f"{part}.project"} | {
                f"{path}.norm[{k}]": f"{part}.bn{k + 1}" for k in range(3)
            }
            if networks.MobileNetV3.UNITS[i][2]:
                inner = f"{path}.repeat[0].squeeze_excite.linear"
                names |= {f"{inner}[0]": f"{part}.squeeze", f"{inner}[1]": f"{part}.excite"}
    return names


@pytest.mark.parametrize("seed", range(3))
def test_a_member_of_once_for_all_is_the_one_written_by_hand(seed: int) -> None:
    architecture = smashdsl.load("examples/mobilenet_v3.smash", params={"size": 64}).sample(seed=seed)
    decisions = architecture.decisions()
    chosen = [
        [(decisions[f"{path}.kernel"], decisions[f"{path}.expand"]) for path in bottlenecks(decisions, unit)]
        for unit in UNITS
    ]
    assert_same(architecture, networks.MobileNetV3(chosen), mobilenet_names(decisions))


def test_once_for_all_has_its_published_size() -> None:
    # a bottleneck has 3 kernels and 3 expansions; a unit holds 2, 3 or 4 of them; five units are independent
    unit = sum((3 * 3) ** depth for depth in (2, 3, 4))
    assert unit == 7371
    assert smashdsl.load("examples/mobilenet_v3.smash").count() == unit**5
    assert f"{unit**5:.2e}" == "2.18e+19"
