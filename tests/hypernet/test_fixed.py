"""Weights that are not learned: what they are, and that nothing trains, counts or loses them."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
import torch
from torch import Tensor

import smashdsl
from smashdsl.hypernet.supernet import Supernet
from smashdsl.ops.fixed import FIXED, fixed_weight

SPEC = """smash 1
space filters {
  input image[3, 16, 16]
  output classes(2)
  stem { conv({3, 7}, {16, 24}, bias = true, weights = fixed("gabor")); relu; conv(3, 8, weights = generated) }
  head { global_avg_pool; linear(classes) }
}
"""
KERNELS = [(5,), (9,), (3, 3), (7, 7), (3, 5), (3, 3, 3)]


def filters(name: str, out: int, kernel: tuple[int, ...]) -> Tensor:
    return fixed_weight(name, (out, 1, *kernel)).flatten(1).double()


@pytest.mark.parametrize("name", FIXED)
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_filter_has_the_norm_that_initialisation_gives(name: str, kernel: tuple[int, ...]) -> None:
    weight = fixed_weight(name, (40, 3, *kernel))
    assert weight.shape == (40, 3, *kernel)
    torch.testing.assert_close(weight.flatten(1).norm(dim=1), torch.full((40,), math.sqrt(2)))
    assert torch.equal(weight[:, 0], weight[:, 2])


@pytest.mark.parametrize("kernel", KERNELS)
def test_gabor_filters_have_no_mean(kernel: tuple[int, ...]) -> None:
    assert filters("gabor", 40, kernel).sum(1).abs().max() < 1e-5


def test_gabor_filters_see_a_wave_of_their_direction_most() -> None:
    bank = filters("gabor", 16, (9, 9)).reshape(8, 2, 9, 9)
    y, x = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    for k in range(8):
        along = x * math.cos(math.pi * k / 8) + y * math.sin(math.pi * k / 8)
        wave = torch.cos(2 * math.pi / 9 * along).double()
        energy = (bank * wave).sum((2, 3)).square().sum(1)
        assert int(energy.argmax()) == k


@pytest.mark.parametrize("kernel", [(4,), (3, 3), (2, 3, 4)])
def test_the_cosine_transform_is_a_basis(kernel: tuple[int, ...]) -> None:
    size = math.prod(kernel)
    basis = filters("dct", size, kernel) / math.sqrt(2)
    torch.testing.assert_close(basis @ basis.T, torch.eye(size, dtype=torch.float64), atol=1e-6, rtol=0)
    assert basis[0].std() < 1e-6


def test_gabor_filters_differ() -> None:
    for first, second in combinations(filters("gabor", 32, (7, 7)), 2):
        assert (first - second).norm() > 0.01


def test_a_fixed_weight_is_a_buffer_that_does_not_count() -> None:
    space = smashdsl.loads(SPEC)
    for architecture in space.sample(6, seed=0):
        module = space.module(architecture)
        learned = {name for name, _ in module.named_parameters()}
        assert "weights.stem/conv[0]/weight" not in learned
        assert "weights.stem/conv[0]/bias" in learned
        assert space.costs(architecture).params[0] == sum(p.numel() for p in module.parameters())
        assert torch.equal(module.state_dict()["stem/conv[0]/weight"], module.tensors()["stem.conv[0].weight"])
        module(torch.randn(2, 3, 16, 16)).sum().backward()


def test_what_is_scored_is_what_is_retrained() -> None:
    space = smashdsl.loads(SPEC)
    supernet = Supernet(space)
    assert not any("conv[0]/weight" in name for name, _ in supernet.named_parameters())
    for architecture in space.sample(6, seed=1):
        module = space.module(architecture)
        scored = supernet.weights(module.network, space.encode(architecture))
        assert torch.equal(scored["stem.conv[0].weight"], module.tensors()["stem.conv[0].weight"])
