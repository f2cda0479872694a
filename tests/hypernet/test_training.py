"""Training falls, and a run that was interrupted ends like one that was not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import smashdsl
from smashdsl.hypernet import checkpoint
from smashdsl.hypernet.fit import Stopped, Watch
from smashdsl.hypernet.hypernet import HyperNetConfig
from smashdsl.hypernet.task import make_task
from smashdsl.hypernet.train import TrainConfig, train_supernet
from tests.small import SPEC, digits

CONFIG = TrainConfig(steps=40, batch_size=16, learning_rate=1e-2, hypernet=HyperNetConfig(3, (2, 1), 3))
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def space() -> smashdsl.Space:
    return smashdsl.loads(SPEC)


def test_the_loss_falls(space: smashdsl.Space) -> None:
    _, losses = train_supernet(space, make_task(space, digits(), CPU), replace(CONFIG, steps=120))
    assert len(losses) == 12
    assert sum(losses[-3:]) < 0.75 * sum(losses[:3])


@pytest.mark.parametrize("at", [1, 13, 20, 39])
def test_interrupted_and_resumed_equals_uninterrupted(space: smashdsl.Space, tmp_path: Path, at: int) -> None:
    task = make_task(space, digits(), CPU)
    whole, losses = train_supernet(space, task, CONFIG)
    path = tmp_path / "checkpoint.safetensors"
    steps = iter(range(1, 100))
    with pytest.raises(Stopped, match=f"stopped after step {at} of 40"):
        train_supernet(space, task, CONFIG, path, Watch(stop=lambda: next(steps) == at))
    resumed, again = train_supernet(space, task, CONFIG, path)
    assert again == losses
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_a_checkpoint_of_another_run_is_refused(space: smashdsl.Space, tmp_path: Path) -> None:
    task, path = make_task(space, digits(), CPU), tmp_path / "c.safetensors"
    short = TrainConfig(steps=2, batch_size=4, hypernet=CONFIG.hypernet)
    train_supernet(space, task, short, path)
    with pytest.raises(smashdsl.UserError, match="belongs to another run: its data is"):
        train_supernet(space, make_task(space, digits(seed=1), CPU), short, path)
    other = smashdsl.loads(SPEC, params={"width": 16})
    with pytest.raises(smashdsl.UserError, match="belongs to another run: its space is"):
        train_supernet(other, make_task(other, digits(), CPU), short, path)


def test_a_truncated_and_a_foreign_checkpoint_are_told_apart(space: smashdsl.Space, tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, {"a": torch.zeros(1000)}, {"step": 1})
    assert checkpoint.load(path)[1] == {"step": 1}
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(smashdsl.UserError, match="is truncated or broken"):
        checkpoint.load(path)
    path.write_bytes(b"not a checkpoint at all")
    with pytest.raises(smashdsl.UserError, match="is truncated or broken"):
        checkpoint.load(path)
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(smashdsl.UserError, match="not a checkpoint of smashdsl"):
        checkpoint.load(path)


def test_a_save_that_fails_leaves_the_old_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.safetensors"
    checkpoint.save(path, {"a": torch.ones(3)}, {"step": 1})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(smashdsl.UserError, match="was not written: the disk is full"):
        checkpoint.save(path, {"a": torch.zeros(3)}, {"step": 2})
    monkeypatch.undo()
    assert checkpoint.load(path)[1] == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c.safetensors"]


def test_data_that_does_not_fit_the_space_is_refused_with_both_shapes() -> None:
    space = smashdsl.loads(SPEC.replace("image[1, 8, 8]", "image[3, 8, 8]"))
    with pytest.raises(smashdsl.UserError) as caught:
        make_task(space, digits(), CPU)
    assert str(caught.value) == (
        "space `small` takes `image[3, 8, 8]`, but data `bright-rows` holds [1, 8, 8]\n"
        "  = help: write `input image[1, 8, 8]` in the spec, or choose other data"
    )
    space = smashdsl.loads(SPEC.replace("classes(3)", "classes(5)"))
    with pytest.raises(smashdsl.UserError, match="tells 5 classes apart, but data `bright-rows` has 3"):
        make_task(space, digits(), CPU)


def test_a_diverging_run_says_so(space: smashdsl.Space) -> None:
    wild = TrainConfig(steps=40, batch_size=8, learning_rate=1e30, hypernet=CONFIG.hypernet)
    with pytest.raises(smashdsl.UserError, match="the training loss is no number after step"):
        train_supernet(space, make_task(space, digits(), CPU), wild)


def test_settings_are_plain_data() -> None:
    assert json.loads(json.dumps(CONFIG.as_data())) == CONFIG.as_data()
