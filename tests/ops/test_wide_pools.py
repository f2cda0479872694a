"""Pools whose windows are wider than the grid."""

from __future__ import annotations

import pytest
import torch

import smashdsl


@pytest.mark.parametrize(
    ("shape", "grid"), [("signal[2, 2]", (2,)), ("image[2, 2, 4]", (2, 4)), ("volume[2, 4, 2, 1]", (4, 2, 1))]
)
def test_a_window_wider_than_the_grid_takes_the_mean_of_what_is_there(shape: str, grid: tuple[int, ...]) -> None:
    head = "head { global_avg_pool; linear(y) }"
    space = smashdsl.loads(f"smash 1\nspace s {{\n input {shape}\n output y(2)\n stem {{ avg_pool(7) }}\n {head}\n}}\n")
    x = torch.randn(3, 2, *grid)
    module = space.module(space.sample(seed=0))
    # every window holds the whole grid, so nothing is left but its mean
    expected = torch.nn.functional.linear(x.flatten(2).mean(2), module.weights["head/linear/weight"])
    torch.testing.assert_close(module(x), expected)
