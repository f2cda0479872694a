"""Grids of one, two and three axes through everything: checked, counted, coded, built, trained and searched."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import smashdsl
from smashdsl.hypernet.hypernet import HyperNetConfig
from smashdsl.hypernet.train import TrainConfig
from smashdsl.search.retrain import RetrainConfig

SPACES = {"signal": (128,), "fashion": (28, 28), "voxels": (32, 32, 32)}
CONFIG = smashdsl.SearchConfig(
    candidates=3,
    seeds=1,
    validation=0.25,
    device="cpu",
    training=TrainConfig(steps=6, batch_size=4, hypernet=HyperNetConfig(3, (2, 1), 3)),
    retraining=RetrainConfig(steps=3, batch_size=4, augment="none"),
)


def write(path: Path, grid: tuple[int, ...], classes: int) -> str:
    """Write random data of one channel and return how it is named."""
    rng = np.random.default_rng(0)
    arrays = {}
    for split, count in (("train", 4 * classes), ("test", 2 * classes)):
        arrays[f"x_{split}"] = rng.random((count, 1, *grid), dtype=np.float32)
        arrays[f"y_{split}"] = np.arange(count) % classes
    np.savez(path, **arrays)
    return f"npz:{path}"


@pytest.mark.parametrize("name", SPACES)
def test_a_space_is_searched_from_text_to_winner(name: str, tmp_path: Path) -> None:
    grid = SPACES[name]
    space = smashdsl.load(f"examples/{name}.smash")
    spec = space.compiled.space
    assert spec.input.grid == grid
    assert space.count() > 10**15
    architectures = space.sample(3, seed=0)
    assert list(space.decode(space.encode(architectures))) == list(architectures)
    data = write(tmp_path / "random.npz", grid, spec.output.size)
    result = smashdsl.search(space, data, tmp_path / "run", CONFIG)
    assert result["hypernet_steps"] == 6
    assert result["candidates"] == 3
    assert np.isfinite(result["best"]["score"])
    winner = space.from_json(json.loads((tmp_path / "run/best/architecture.json").read_text()))
    module = space.module(winner)
    x = torch.randn(2, 1, *grid)
    module(x).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", SPACES)
def test_the_hypernet_makes_the_generated_weights(name: str) -> None:
    space = smashdsl.load(f"examples/{name}.smash")
    architecture = space.sample(seed=1)
    weights = smashdsl.HyperNet(space, HyperNetConfig(3, (2, 1), 3))(space.encode(architecture))
    wanted = {name: spec for name, spec in space.weights(architecture).items() if spec.kind == "generated"}
    assert wanted
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == {
        name: spec.shape for name, spec in wanted.items()
    }
    assert all(tensor.requires_grad for tensor in weights.values())
