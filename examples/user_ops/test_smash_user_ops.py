"""The layers compute what they say, in every network that a space with them may be."""

from __future__ import annotations

from pathlib import Path

import pytest
import smash_user_ops  # its layers are known once it is imported, installed or not
import torch
import torch.nn.functional as F

import smashdsl

SPEC = Path(__file__).with_name("ghost.smash")


@pytest.fixture(scope="module")
def ghost() -> smashdsl.Space:
    return smashdsl.load(SPEC)


def test_members_are_counted(ghost: smashdsl.Space) -> None:
    stage = 2 * 2 * (1 + 2) * 3
    assert ghost.count() == stage + stage**2 + stage**3


def test_members_run_and_cost_what_is_told(ghost: smashdsl.Space) -> None:
    batch = ghost.sample(12, seed=0)
    assert ghost.decode(ghost.encode(batch)) == batch
    for architecture, params in zip(batch, ghost.costs(batch).params, strict=True):
        network = ghost.module(architecture)
        assert network(torch.randn(2, 3, 16, 16)).shape == (2, 10)
        assert sum(p.numel() for p in network.parameters()) == params


def test_the_hypernet_makes_the_weight_of_ghost_conv(ghost: smashdsl.Space) -> None:
    architecture = ghost.sample(seed=1)
    made = smashdsl.HyperNet(ghost)(ghost.encode(architecture))
    wanted = {name: spec.shape for name, spec in ghost.weights(architecture).items() if spec.kind == "generated"}
    assert {name: tuple(weight.shape) for name, weight in made.items()} == wanted


def test_ghost_conv_keeps_what_it_made_first() -> None:
    x, weight, cheap = torch.randn(2, 3, 5, 5), torch.randn(4, 3, 1, 1), torch.randn(4, 1, 3, 3)
    out = smash_user_ops.ghost_conv(x, weight, cheap, out=8, kernel=(3, 3))
    assert torch.equal(out[:, :4], F.conv2d(x, weight))


def test_channel_shuffle_is_undone_by_the_other_number_of_groups() -> None:
    x = torch.randn(2, 12, 3, 3)
    shuffled = smash_user_ops.channel_shuffle(x, groups=3)
    assert not torch.equal(shuffled, x)
    assert torch.equal(smash_user_ops.channel_shuffle(shuffled, groups=4), x)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_blur_pool_keeps_what_is_constant(stride: int) -> None:
    x = torch.full((1, 2, 7, 6), 3.0)
    out = smash_user_ops.blur_pool(x, stride=stride, edge="reflect")
    assert torch.allclose(out, torch.full_like(out, 3.0))
    assert out.shape[2:] == (-(-7 // stride), -(-6 // stride))


def test_a_wrong_use_is_told_in_the_words_of_the_layer() -> None:
    with pytest.raises(smashdsl.SmashError, match="`ghost_conv` can't make 33 channels, an odd number"):
        smashdsl.loads(SPEC.read_text(encoding="utf-8").replace("stage({16, 32})", "stage({16, 33})"))
