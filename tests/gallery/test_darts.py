"""The space of DARTS: its published size, the network of its published cells, and members written by hand."""

from __future__ import annotations

from math import comb
from typing import Any

import pytest

import smashdsl
from tests.gallery import networks
from tests.gallery.networks import DARTS_OPERATIONS, Edges
from tests.gallery.sameness import Names, assert_same

# DARTS_V2, the cells that second-order DARTS found on CIFAR-10 (Liu et al., 2019, figures 4 and 5)
NORMAL: list[Edges] = [
    [(0, "sep_3"), (1, "sep_3")],
    [(0, "sep_3"), (1, "sep_3")],
    [(0, "skip"), (1, "sep_3")],
    [(0, "skip"), (2, "dil_3")],
]
REDUCTION: list[Edges] = [
    [(0, "max_pool"), (1, "max_pool")],
    [(1, "max_pool"), (2, "skip")],
    [(0, "max_pool"), (2, "skip")],
    [(1, "max_pool"), (2, "skip")],
]
# layers of an operation, and their places in the other module's sequence
LAYERS = {
    "sep": {"depthwise_conv[0]": 1, "conv[0]": 2, "norm[0]": 3, "depthwise_conv[1]": 5, "conv[1]": 6, "norm[1]": 7},
    "dil": {"depthwise_conv": 1, "conv": 2, "norm": 3},
    "skip": {"conv": 1, "norm": 2},
}
USES = {"sep_3": "separable[0]", "sep_5": "separable[1]", "dil_3": "dilated[0]", "dil_5": "dilated[1]"}
USES["skip"] = "repeat[0].reduced"


def edge(cell: str, node: int, source: int) -> str:
    """Return the path of an edge's operation."""
    return f"{cell}.op[{node}].read[{source}]" + (".operation" if "reduction" in cell else "")


def decisions(normal: list[Edges], reduction: list[Edges]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for cell, nodes in (("normal", normal), ("reduction", reduction)):
        for node, edges in enumerate(nodes):
            found[f"{cell}.op[{node}].read"] = [source for source, _ in edges]
            for source, name in edges:
                found[f"{edge(cell, node, source)}.choose"] = DARTS_OPERATIONS.index(name)
    return found


def cells_of(found: dict[str, Any]) -> tuple[list[Edges], list[Edges]]:
    """Return the two cells that decisions say: the inverse of `decisions`."""

    def nodes(cell: str) -> list[Edges]:
        return [
            [
                (source, DARTS_OPERATIONS[found[f"{edge(cell, node, source)}.choose"]])
                for source in found[f"{cell}.op[{node}].read"]
            ]
            for node in range(4)
        ]

    return nodes("normal"), nodes("reduction")


def names(n: int, normal: list[Edges], reduction: list[Edges]) -> Names:
    found = {"stem.conv": "conv", "stem.norm": "bn", "head.linear": "fc"}
    paths = []
    for third in range(3):
        paths += [f"body.repeat[{third}][{i}].normal" for i in range(n)]
        paths += [f"body.reduction[{third}]"] if third < 2 else []
    for i, path in enumerate(paths):
        reduces = "reduction" in path
        for entry in (0, 1):
            found[f"{path}.entry[{entry}].conv"] = f"cells.{i}.entries.{entry}.1"
            found[f"{path}.entry[{entry}].norm"] = f"cells.{i}.entries.{entry}.2"
        for node, edges in enumerate(reduction if reduces else normal):
            for j, (source, name) in enumerate(edges):
                if name.endswith("pool") or (name == "skip" and not (reduces and source < 2)):
                    continue
                for layer, place in LAYERS[name.partition("_")[0]].items():
                    found[f"{edge(path, node, source)}.{USES[name]}.{layer}"] = f"cells.{i}.edges.{node}.{j}.{place}"
    return found


def test_it_has_its_published_size() -> None:
    # node k adds up two of the k results before it, each through one of seven operations; four nodes; two cells
    cell = 1
    for k in (2, 3, 4, 5):
        cell *= comb(k, 2) * 7**2
    assert cell == 1_037_664_180
    assert smashdsl.load("examples/darts.smash").count() == cell**2
    assert f"{cell**2:.2e}" == "1.08e+18"


def test_the_published_cells_have_the_published_number_of_parameters() -> None:
    space = smashdsl.load("examples/darts.smash")
    architecture = space.from_json({"format": 1, "decisions": decisions(NORMAL, REDUCTION)})
    assert cells_of(architecture.decisions()) == (NORMAL, REDUCTION)
    assert space.costs(architecture).params[0] == 3_349_342  # published: 3.3 M


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_a_member_is_the_network_written_by_hand(seed: int | None) -> None:
    space = smashdsl.load("examples/darts.smash", params={"c": 4, "n": 2})
    if seed is None:
        architecture = space.from_json({"format": 1, "decisions": decisions(NORMAL, REDUCTION)})
    else:
        architecture = space.sample(seed=seed)
    normal, reduction = cells_of(architecture.decisions())
    assert_same(architecture, networks.Darts(4, 2, normal, reduction), names(2, normal, reduction))
