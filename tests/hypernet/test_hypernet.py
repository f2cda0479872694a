"""The HyperNet makes the weights of any architecture, and every one of its parameters learns from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import smashdsl
from smashdsl.graph.build import build
from smashdsl.graph.execute import Program
from smashdsl.hypernet.hypernet import HyperNet, HyperNetConfig
from smashdsl.hypernet.supernet import Supernet, cut
from tests.small import SPEC

TINY = HyperNetConfig(growth=3, layers=(2, 1), stem=3)
EXAMPLES = sorted(Path("examples").glob("*.smash"))
GENERATED = {
    "one axis": ("signal[2, 16]", "conv({3, 5}, {6, 12}, groups = 2, weights = generated)"),
    "three axes": ("volume[1, 4, 4, 4]", "conv({1x3x3, 3x3x3}, {4, 8}, weights = generated)"),
    "odd sizes": ("image[3, 5, 5]", "conv([{1, 3}, 2], {5, 7, 11}, weights = generated)"),
    "dense": ("image[1, 4, 4]", "flatten; linear({6, 9}, weights = generated)"),
    "depthwise": ("image[6, 4, 4]", "depthwise_conv({3, 5}, weights = generated)"),
}


def space_of(source: str, layers: str) -> smashdsl.Space:
    pool = "" if "flatten" in layers else "global_avg_pool;"
    lines = [
        "smash 1",
        f"space s {{ input {source}",
        "output classes(2)",
        f"stem {{ {layers} }}",
        f"head {{ {pool} linear(classes) }} }}",
    ]
    return smashdsl.loads("\n".join(lines))


@pytest.mark.parametrize("case", GENERATED)
def test_generates_every_kind_of_weight_at_its_shape(case: str) -> None:
    space = space_of(*GENERATED[case])
    hyper = HyperNet(space, TINY)
    for architecture in space.sample(12, seed=0):
        weights = hyper(space.encode(architecture))
        wanted = {name: spec.shape for name, spec in space.weights(architecture).items() if spec.kind == "generated"}
        assert {name: tuple(w.shape) for name, w in weights.items()} == wanted
        assert wanted


def test_gradients_reach_every_parameter_of_the_hypernet() -> None:
    space = smashdsl.loads(SPEC)
    supernet = Supernet(space, TINY)
    assert supernet.hypernet is not None
    architecture = space.sample(seed=3)
    network, cond = build(architecture), space.encode(architecture)
    weights = supernet.weights(network, cond, torch.randn(cond.shape[1:]))
    Program(network.graph)(torch.randn(4, 1, 8, 8), weights).pow(2).sum().backward()
    for name, parameter in supernet.hypernet.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_weights_depend_on_the_architecture_and_the_noise_and_on_nothing_else() -> None:
    space = smashdsl.loads(SPEC)
    hyper = HyperNet(space, TINY)
    a, b = (space.encode(space.sample(seed=seed)) for seed in (1, 2))
    first = hyper(a)
    noise = torch.ones(a.shape[1:])
    assert all(torch.equal(hyper(a)[name], w) for name, w in first.items())
    assert not all(torch.equal(hyper(a, noise)[name], w) for name, w in first.items())
    other = hyper(b)
    same = [n for n in first if n in other and other[n].shape == first[n].shape and torch.equal(other[n], first[n])]
    assert not same


def test_a_tensor_that_is_no_encoding_is_refused() -> None:
    space = smashdsl.loads(SPEC)
    cond = space.encode(space.sample(seed=0)).clone()
    cond[0, 0, 0] = False
    with pytest.raises(smashdsl.UserError, match=r"no encoding: at slice 0, feature 0 \(`header`\)"):
        HyperNet(space, TINY)(cond)


def test_a_space_without_generated_layers_has_no_hypernet() -> None:
    space = smashdsl.load("examples/nas_bench_201.smash")
    with pytest.raises(smashdsl.UserError, match="no layer with `weights = generated`"):
        HyperNet(space)
    assert Supernet(space).hypernet is None


def naive_cut(tiles: Tensor, hyper: HyperNet, shape: tuple[int, ...]) -> Tensor:
    """Place every scalar of a weight by the published rule, one by one."""
    tile = hyper.tile
    kernel = tile.kernel
    weight = torch.zeros(shape)
    own = shape[2:] + (1,) * (len(kernel) - len(shape) + 2)
    for index in np.ndindex(*shape):
        out, into, *k = *index[:2], *index[2:], *(0,) * (len(kernel) - len(shape) + 2)
        place = [i + (big - small) // 2 for i, big, small in zip(k, kernel, own, strict=True)]
        row, unit_out = divmod(out, tile.unit_out)
        piece, unit_in = divmod(into, tile.unit_in)
        flat = int(np.ravel_multi_index((unit_out, unit_in, *place), (tile.unit_out, tile.unit_in, *kernel)))
        weight[index] = tiles[flat, row, piece]
    return weight


@pytest.mark.parametrize("case", GENERATED)
def test_tiles_are_cut_as_published(case: str) -> None:
    space = space_of(*GENERATED[case])
    hyper = HyperNet(space, TINY)
    torch.manual_seed(0)
    for architecture in space.sample(4, seed=1):
        for piece in build(architecture).pieces:
            slices = -(-piece.shape[1] // hyper.tile.unit_in)
            tiles = torch.randn(hyper.tile.volume, space.layout.rows, slices)
            assert torch.equal(hyper._cut(tiles, piece.shape), naive_cut(tiles, hyper, piece.shape))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_supernet_has_the_weights_of_every_architecture(path: Path) -> None:
    space = smashdsl.load(path)
    supernet = Supernet(space, TINY)
    for architecture in space.sample(3 if path.stem == "smashv1" else 8, seed=5):
        network = build(architecture)
        cond = space.encode(architecture) if network.pieces else None
        with torch.no_grad():
            weights = supernet.weights(network, cond)
        assert {n: tuple(w.shape) for n, w in weights.items()} == {n: s.shape for n, s in network.weights.items()}


def test_a_slice_is_the_first_channels_and_the_centre_of_the_kernel() -> None:
    whole = torch.arange(4 * 3 * 5 * 5.0).reshape(4, 3, 5, 5)
    assert torch.equal(cut(whole, (2, 3, 3, 1)), whole[:2, :, 1:4, 2:3])


def test_shared_weights_are_one_tensor_for_the_ops_of_a_block() -> None:
    space = smashdsl.loads(SPEC)
    supernet = Supernet(space, TINY)
    shared = [name for name in supernet.tensors if "mix" in name and "conv" in name]
    assert sorted(shared) == ["stage[0]:mix/conv[1]/weight", "stage[1]:mix/conv[1]/weight"]


def test_padding_of_a_batch_changes_no_weight() -> None:
    space = smashdsl.loads(SPEC)
    hyper = HyperNet(space, TINY)
    members = space.sample(6, seed=2)
    for architecture, padded in zip(members, space.encode(members), strict=True):
        alone = hyper(space.encode(architecture))
        assert all(torch.equal(weight, alone[name]) for name, weight in hyper(padded).items())
