"""The whole road of a space on characters: text, training, scores, search, the winner."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import smashdsl
from smashdsl.cli.main import main
from smashdsl.data.load import load as load_data
from smashdsl.hypernet.hypernet import HyperNetConfig
from smashdsl.hypernet.task import Task, make_task
from smashdsl.hypernet.train import TrainConfig, train_supernet
from smashdsl.search.retrain import RetrainConfig, retrain
from smashdsl.search.score import Scorer

LENGTH = 12
SPEC = """smash 1
space small_gpt {
  input tokens[12] of 9
  output next_token(9)
  stem { embedding(8); positions }
  op layer {
    read last
    norm
    choose { attention({1, 2}, causal = true, weights = generated) | conv(3, causal = true) }
    write last by add
  }
  block b { banks 1 of 8
    ops 1..2 of layer }
  head { norm; linear(next_token) }
}
"""
CONFIG = TrainConfig(steps=20, batch_size=8, hypernet=HyperNetConfig(3, (2, 1), 3))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A text of eight characters in which every word is spelled alike, so that what comes next can be learned."""
    path = tmp_path_factory.mktemp("text") / "words.txt"
    draw = random.Random(0)
    path.write_text(" ".join(draw.choice(("abcd", "bead", "face", "head")) for _ in range(400)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def task(text: Path) -> Task:
    return make_task(smashdsl.loads(SPEC), load_data(str(text), shape=(LENGTH,)), torch.device("cpu"))


def test_weights_are_trained_and_candidates_scored(task: Task) -> None:
    space = smashdsl.loads(SPEC)
    supernet, losses = train_supernet(space, task, CONFIG)
    assert losses[-1] < losses[0] < 1.5 * np.log(9)
    _, same = train_supernet(space, task, CONFIG)
    assert same == losses
    scorer = Scorer(supernet, task, images=16)
    scores = [scorer.score(architecture) for architecture in space.sample(4, seed=0)]
    assert all(np.isfinite(score.loss) and 0 <= score.error <= 100 for score in scores)


def test_a_network_that_sees_what_came_before_learns_how_words_are_spelled(task: Task) -> None:
    architecture = smashdsl.loads(SPEC).sample(seed=0)
    trained = retrain(architecture, task, RetrainConfig(steps=150, batch_size=16), seed=0)
    assert trained.wrong.shape == (task.test[1].numel(),)
    # the first letter of a word can't be foretold, the others mostly can
    assert trained.test_error < 45


def test_no_position_sees_what_comes_after_it(task: Task) -> None:
    space, x = smashdsl.loads(SPEC), task.validation[0][:2].clone()
    for architecture in space.sample(6, seed=3):
        module = space.module(architecture).eval()
        before = module(x)
        changed = x.clone()
        changed[:, 7:] = (changed[:, 7:] + 1) % 9
        after = module(changed)
        assert torch.equal(before[..., :7], after[..., :7])
        assert not torch.equal(before[..., 7:], after[..., 7:])


def test_a_search_goes_from_text_to_winner(text: Path, tmp_path: Path) -> None:
    spec, out = tmp_path / "small_gpt.smash", tmp_path / "run"
    spec.write_text(SPEC, encoding="utf-8")
    argv = ["search", str(spec), "--data", f"text:{text}", "--out", str(out), "--steps", "10", "--candidates", "4"]
    argv += ["--retrain-steps", "10", "--seeds", "1", "--growth", "3", "--layers", "2,1", "--batch", "8"]
    assert main([*argv, "--device", "cpu"]) == 0
    result = json.loads((out / "result.json").read_text())
    assert 0 < result["best"]["test_error"] <= 100
    assert result["gap"]["low"] <= result["gap"]["points"] <= result["gap"]["high"]
    space = smashdsl.loads(SPEC)
    winner = space.from_json(json.loads((out / "best" / "architecture.json").read_text()))
    weights = load_file(out / "best" / "weights.safetensors")
    graph = space.build(winner, "eval")
    assert graph(torch.zeros(1, LENGTH, dtype=torch.int64), weights).shape == (1, 9, LENGTH)


@pytest.mark.parametrize(
    ("spec", "message", "help"),
    [
        (
            SPEC.replace("tokens[12]", "tokens[10]"),
            "takes `tokens[10] of 9`, but data `words` holds tokens[12] of 8",
            "",
        ),
        (SPEC.replace(" 9", " 7").replace("(9)", "(7)"), "takes `tokens[12] of 7`", "write `input tokens[12] of 8`"),
        (
            SPEC.replace("next_token(9)", "classes(2)").replace(
                "linear(next_token)", "global_avg_pool; linear(classes)"
            ),
            "has a label at each position, which is not what `classes` tells",
            "write `output next_token(9)`",
        ),
    ],
)
def test_text_that_does_not_fit_a_space_is_refused(text: Path, spec: str, message: str, help: str) -> None:
    data = load_data(str(text), shape=(LENGTH,))
    with pytest.raises(smashdsl.UserError) as caught:
        make_task(smashdsl.loads(spec), data, torch.device("cpu"))
    assert message in str(caught.value)
    assert help in str(caught.value.help)


def test_images_do_not_fit_a_space_of_tokens() -> None:
    data = load_data("fashion-mini")
    with pytest.raises(smashdsl.UserError, match=r"takes `tokens\[12\] of 9`, but data `fashion-mini` holds"):
        make_task(smashdsl.loads(SPEC), data, torch.device("cpu"))
