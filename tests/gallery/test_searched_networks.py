"""Members of searched spaces of the gallery are the networks that their papers describe, written by hand."""

from __future__ import annotations

from math import comb, prod
from pathlib import Path
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


def graph_names(nodes: list[tuple[list[int], int]], output: list[int]) -> Names:
    names = {"stem.unit.conv": "conv", "stem.unit.norm": "bn", "head.linear": "fc"}
    for stack in range(3):
        if stack:
            wider = f"wider.{stack - 1}"
            names |= {f"body.unit[{stack - 1}].conv": f"{wider}.0", f"body.unit[{stack - 1}].norm": f"{wider}.1"}
        for cell in range(3):
            path, part = f"body.repeat[{stack}][{cell}].graph", f"stacks.{stack}.{cell}"
            for i, (_, operation) in enumerate(nodes):
                if operation < 2:
                    names[f"{path}.op[{i}].unit[{operation}].conv"] = f"{part}.convs.{i}"
                    names[f"{path}.op[{i}].unit[{operation}].norm"] = f"{part}.bns.{i}"
            for i, reads in enumerate([*(reads for reads, _ in nodes), output]):
                if 0 in reads:
                    read = f"{path}.op[{5 if i == len(nodes) else i}].read[0].repeat[0].unit"
                    names |= {f"{read}.conv": f"{part}.projections.{i}.0", f"{read}.norm": f"{part}.projections.{i}.1"}
    return names


@pytest.mark.parametrize("seed", range(4))
def test_a_cell_in_the_manner_of_nas_bench_101_is_the_one_written_by_hand(seed: int) -> None:
    architecture = smashdsl.load("examples/nas_bench_101.smash", params={"c": 8}).sample(seed=seed)
    decisions: dict[str, Any] = architecture.decisions()
    nodes = [
        (list(decisions[f"graph.op[{i}].read"]), decisions[f"graph.op[{i}].choose"])
        for i in range(decisions["graph.ops"])
    ]
    output = list(decisions["graph.op[5].read"])
    assert_same(architecture, networks.GraphNet(8, nodes, output), graph_names(nodes, output))


def cells(nodes: int, edges: int | None = None) -> int:
    """Return how many cells of so many nodes there are: node j reads some of j earlier ones, the output of all."""
    found = {0: 1}
    for reads, operations in [(j, 3) for j in range(1, nodes + 1)] + [(nodes + 1, 1)]:
        grown: dict[int, int] = {}
        for spent, ways in found.items():
            for k in range(1, reads + 1):
                grown[spent + k] = grown.get(spent + k, 0) + ways * operations * comb(reads, k)
        found = grown
    return sum(ways for spent, ways in found.items() if edges is None or spent <= edges)


def test_cells_in_the_manner_of_nas_bench_101_are_counted() -> None:
    space = smashdsl.load("examples/nas_bench_101.smash")
    free = sum(cells(nodes) for nodes in range(1, 6))
    # per node a non-empty set of earlier ones and one of three operations; then what the output reads
    assert free == sum(
        prod(3 * (2**j - 1) for j in range(1, nodes + 1)) * (2 ** (nodes + 1) - 1) for nodes in range(1, 6)
    )
    assert space.count() == free == 150_292_053
    # of which those of nine edges at most are members
    architectures = space.sample(200, seed=0)
    reads = [sum(len(v) for k, v in a.decisions().items() if k.endswith(".read")) for a in architectures]
    assert max(reads) == 9
    assert list(space.costs(architectures).reads) == [9 * edges for edges in reads]


def test_the_cells_of_nine_edges_at_most_are_counted_exactly_where_there_is_one_cell() -> None:
    text = Path("examples/nas_bench_101.smash").read_text(encoding="utf-8")
    before, rest = text.split("  body {")
    one = f"{before}  body {{ graph }}{rest.partition('  }')[2]}".replace("reads <= 9*9", "reads <= 9")
    assert smashdsl.loads(one).count_members() == sum(cells(nodes, 9) for nodes in range(1, 6)) == 18_766_575
