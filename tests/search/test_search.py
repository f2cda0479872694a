"""The whole job on small data, stopped wherever, ends with the same bytes."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import smashdsl
from smashdsl.data.source import Split, make_dataset
from smashdsl.hypernet.fit import Stopped
from smashdsl.hypernet.hypernet import HyperNetConfig
from smashdsl.hypernet.train import TrainConfig
from smashdsl.search.correlation import gap_interval, kendall
from smashdsl.search.retrain import RetrainConfig
from smashdsl.search.run import Progress, SearchConfig, search
from smashdsl.search.strategies import Smash, split_budget
from smashdsl.search.study import Candidate, StudyLog
from tests.small import SPEC, digits

CONFIG = SearchConfig(
    candidates=9,
    seeds=2,
    validation=0.25,
    device="cpu",
    training=TrainConfig(steps=20, batch_size=8, hypernet=HyperNetConfig(3, (2, 1), 3)),
    retraining=RetrainConfig(steps=20, batch_size=8, augment="none"),
)


@pytest.fixture(scope="module")
def space() -> smashdsl.Space:
    return smashdsl.loads(SPEC)


@pytest.fixture(scope="module")
def whole(space: smashdsl.Space, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    search(space, digits(), folder, CONFIG)
    return folder


def test_search_is_called_by_its_name_though_a_folder_has_it_too(space: smashdsl.Space, tmp_path: Path) -> None:
    few = replace(CONFIG, candidates=2, seeds=1, training=replace(CONFIG.training, steps=2))
    few = replace(few, retraining=replace(CONFIG.retraining, steps=2))
    assert smashdsl.search(space, digits(), tmp_path, few)["candidates"] == 2


def test_a_run_leaves_what_it_promises(space: smashdsl.Space, whole: Path) -> None:
    result = json.loads((whole / "result.json").read_text())
    assert result["space_hash"] == space.hash
    assert result["data"] == "bright-rows"
    assert result["hypernet_steps"] == 20
    assert result["candidates"] == 9
    for role in ("best", "random_median"):
        assert {"score", "params", "flops", "test_error"} <= result[role].keys()
        assert len(result[role]["test_errors"]) == 2
        assert np.mean(result[role]["test_errors"]) == pytest.approx(result[role]["test_error"])
    assert result["gap"]["low"] <= result["gap"]["points"] <= result["gap"]["high"]
    assert -1 <= result["kendall_tau_score_params"] <= 1
    study = [json.loads(line) for line in (whole / "study.jsonl").read_text().splitlines()]
    assert [line["stage"] for line in study] == ["random"] * 7 + ["perturb", "markov"]
    assert result["best"]["score"] == min(line["loss"] for line in study)
    assert not {"seconds", "time", "rate"} & set(result)
    names = {
        "spec.smash",
        "run.json",
        "checkpoint.safetensors",
        "losses.json",
        "study.jsonl",
        "result.json",
        "timing.json",
    }
    assert names <= {path.name for path in whole.iterdir()}
    best = space.from_json(json.loads((whole / "best/architecture.json").read_text()))
    assert int(space.costs(best).params[0]) == result["best"]["params"]
    assert (whole / "best/picture.svg").read_text().startswith("<svg")


def test_the_winners_weights_give_its_test_error(space: smashdsl.Space, whole: Path) -> None:
    import torch

    from smashdsl.hypernet import checkpoint
    from smashdsl.hypernet.task import make_task

    best = space.from_json(json.loads((whole / "best/architecture.json").read_text()))
    tensors, _ = checkpoint.load(whole / "best/weights.safetensors")
    x, y = make_task(space, digits(), torch.device("cpu"), 0.25, CONFIG.seed).test
    error = 100 * (space.build(best, "eval")(x, tensors).argmax(1) != y).double().mean().item()
    assert error == pytest.approx(json.loads((whole / "result.json").read_text())["best"]["test_errors"][0])


@pytest.mark.parametrize("every", [1, 7, 23])
def test_stopped_wherever_it_ends_with_the_same_bytes(
    space: smashdsl.Space, whole: Path, tmp_path: Path, every: int
) -> None:
    """Ask to stop after every so many steps until the run is through."""
    stops = 0
    while True:
        count = itertools.count(1)
        try:
            search(space, digits(), tmp_path, CONFIG, Progress(stop=lambda c=count: next(c) >= every))  # type: ignore[misc]
            break
        except Stopped:
            stops += 1
    assert stops >= 3
    for name in ("result.json", "study.jsonl", "trainings.jsonl", "best/architecture.json", "losses.json"):
        assert (tmp_path / name).read_bytes() == (whole / name).read_bytes(), name


def test_running_it_again_changes_nothing(space: smashdsl.Space, whole: Path) -> None:
    before = (whole / "result.json").read_bytes()
    search(space, digits(), whole, CONFIG)
    assert (whole / "result.json").read_bytes() == before


def test_a_line_cut_off_by_a_crash_is_dropped_and_a_broken_one_is_told(
    space: smashdsl.Space, whole: Path, tmp_path: Path
) -> None:
    path = tmp_path / "study.jsonl"
    text = (whole / "study.jsonl").read_text()
    path.write_text(text + '{"index": 9, "sta')
    assert len(StudyLog(space, path).done) == 9
    assert path.read_text() == text
    lines = text.splitlines()
    path.write_text("\n".join([lines[0], "garbage", *lines[2:]]) + "\n")
    with pytest.raises(smashdsl.UserError, match=r"line 2 of .* is broken"):
        StudyLog(space, path)
    path.write_text("\n".join([lines[0], *lines[2:]]) + "\n")
    with pytest.raises(smashdsl.UserError, match="a line is missing or doubled"):
        StudyLog(space, path)


def test_a_folder_of_another_run_is_refused(space: smashdsl.Space, whole: Path) -> None:
    other = smashdsl.loads(SPEC.replace("1..3 of mix", "1..2 of mix"))
    with pytest.raises(smashdsl.UserError, match="belongs to another run: its space_hash is") as told:
        search(other, digits(), whole, CONFIG)
    assert f"`smashdsl diff {whole / 'spec.smash'} FILE`" in str(told.value)


def test_a_space_of_one_member_is_simply_trained(tmp_path: Path) -> None:
    space = smashdsl.loads(
        "smash 1\nspace one {\ninput image[1, 8, 8]\noutput classes(3)\n"
        "head { conv(3, 4); relu; global_avg_pool; linear(classes) }\n}"
    )
    result = search(space, digits(), tmp_path, CONFIG)
    assert result["candidates"] == 1
    assert result["hypernet_steps"] == 0
    assert result["best"]["score"] is None


def test_a_strategy_is_a_function_of_the_study(space: smashdsl.Space) -> None:
    strategy = Smash(3, 2, 2, rate=0.2, seed=4)
    done: list[Candidate] = []
    for index, loss in enumerate([3.0, 1.0, 2.0, 0.9, 0.8, 0.7]):
        asked = strategy.ask(space, done)
        assert asked == strategy.ask(space, list(done))
        done.append(Candidate(index, strategy.stage(index), asked, loss, 0.0, 0, 0))
    assert [c.stage for c in done] == ["random"] * 3 + ["perturb"] * 2 + ["markov"]
    assert len({c.architecture for c in done}) == 6


def test_the_budget_is_shared_as_in_the_paper() -> None:
    assert split_budget(700) == (500, 100, 100)
    assert sum(split_budget(1)) == 1
    assert split_budget(1)[0] == 1


def plain_kendall(a: list[float], b: list[float]) -> float | None:
    """Count concordant and discordant pairs, one by one."""
    agree = ties_a = ties_b = 0
    pairs = list(itertools.combinations(range(len(a)), 2))
    for i, j in pairs:
        x, y = np.sign(a[i] - a[j]), np.sign(b[i] - b[j])
        agree += x * y
        ties_a += x == 0
        ties_b += y == 0
    scale = ((len(pairs) - ties_a) * (len(pairs) - ties_b)) ** 0.5
    return None if scale == 0 else float(agree / scale)


@pytest.mark.parametrize("draw", [lambda r: r.random(12), lambda r: r.integers(0, 4, 12), lambda r: np.zeros(5)])
def test_kendall_counts_pairs(draw: Callable[[np.random.Generator], np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    a, b = draw(rng).tolist(), draw(rng).tolist()
    assert kendall(a, b) == pytest.approx(plain_kendall(a, b))


def test_the_interval_holds_no_gap_when_there_is_none_and_finds_one_when_there_is() -> None:
    rng = np.random.default_rng(1)
    same = rng.random((3, 1000)) < 0.15
    other = rng.random((3, 1000)) < 0.15
    worse = rng.random((3, 1000)) < 0.25
    gap, low, high = gap_interval(same, other)
    assert low <= 0 <= high
    assert low <= gap <= high
    assert gap_interval(same, worse)[1] > 5


def test_ask_and_tell_go_on_from_a_file(space: smashdsl.Space, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    study = smashdsl.Study(space, Smash(2, 1, 1), path)
    first = study.ask()
    assert study.ask() == first
    study.tell(first, 2.0)
    study.tell(study.ask(), 1.0)
    again = smashdsl.Study(space, Smash(2, 1, 1), path)
    assert again.ask() == study.ask()
    assert again.best.index == 1
    with pytest.raises(smashdsl.UserError, match="can't have the loss nan"):
        study.tell(first, float("nan"))


class FakeTrial:
    """Suggests by a seeded law and remembers the names."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.known: dict[str, float] = {}

    def suggest_float(self, name: str, low: float, high: float) -> float:
        assert name not in self.known
        self.known[name] = float(self.rng.choice([low, high, self.rng.uniform(low, high)]))
        return self.known[name]


@pytest.mark.parametrize("name", ["fashion", "smashv1"])
def test_an_outside_optimiser_suggests_members(name: str) -> None:
    space = smashdsl.load(f"examples/{name}.smash")
    found = 0
    for seed in range(12):
        trial = FakeTrial(seed)
        try:
            architecture = space.suggest(trial)
        except smashdsl.UserError as error:
            if "does not meet the constraints" not in error.message:
                raise
            continue
        found += 1
        assert set(architecture.decisions()) == {key.partition("#")[0] for key in trial.known}
    assert found


BROKEN_TRAININGS = [
    '{"role": "best"}',
    "null",
    '{"role": "best", "seed": 0, "test_error": 5.0, "wrong": "00"}',
    "[" * 9999,
]


@pytest.mark.parametrize("line", BROKEN_TRAININGS)
def test_a_training_that_is_none_is_told(space: smashdsl.Space, whole: Path, tmp_path: Path, line: str) -> None:
    for path in whole.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "trainings.jsonl").write_text(line + "\n")
    with pytest.raises(smashdsl.UserError, match=r"line 1 of .*trainings.jsonl"):
        search(space, digits(), tmp_path, CONFIG)


def test_numbers_that_are_none_are_refused(space: smashdsl.Space, whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "study.jsonl"
    line = json.loads((whole / "study.jsonl").read_text().splitlines()[0])
    for wrong in (float("nan"), float("inf")):
        path.write_text(json.dumps({**line, "loss": wrong}) + "\n")
        with pytest.raises(smashdsl.UserError, match="line 1"):
            StudyLog(space, path)


def test_a_lost_winner_is_made_again(space: smashdsl.Space, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/best")
    search(space, digits(), tmp_path / "run", CONFIG)
    for name in ("best/weights.safetensors", "best/picture.svg", "trainings.jsonl", "result.json"):
        assert (tmp_path / "run" / name).read_bytes() == (whole / name).read_bytes(), name


def test_a_folder_that_lost_its_description_is_refused(space: smashdsl.Space, whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run/run.json").unlink()
    with pytest.raises(smashdsl.UserError, match="there is no description of the run"):
        search(space, digits(), tmp_path / "run", CONFIG)


def test_another_setting_is_named(space: smashdsl.Space, whole: Path) -> None:
    other = replace(CONFIG, retraining=replace(CONFIG.retraining, steps=21))
    with pytest.raises(smashdsl.UserError, match=r"its retraining.steps is 20, here it is 21"):
        search(space, digits(), whole, other)


def test_a_network_that_may_use_no_weight_is_trained_where_it_does(tmp_path: Path) -> None:
    space = smashdsl.loads(
        "smash 1\nspace idle {\ninput image[1, 8, 8]\noutput classes(3)\n"
        "head { global_avg_pool; linear(classes); choose { identity | zero } }\n}"
    )
    assert search(space, digits(), tmp_path / "idle", CONFIG)["candidates"] == 9
    space = smashdsl.loads(
        "smash 1\nspace bare {\ninput image[3, 8, 8]\noutput classes(3)\n"
        "head { choose { relu | gelu }; global_avg_pool }\n}"
    )
    data = digits()
    images = [np.repeat(split.images, 3, axis=1) for split in (data.train, data.test)]
    rgb = make_dataset("rgb", Split(images[0], data.train.labels), Split(images[1], data.test.labels))
    with pytest.raises(smashdsl.UserError, match="space `bare` has no weights, so there is nothing to train"):
        search(space, rgb, tmp_path / "bare", CONFIG)


def test_a_batch_larger_than_the_data_is_refused(space: smashdsl.Space, tmp_path: Path) -> None:
    config = replace(CONFIG, training=replace(CONFIG.training, batch_size=10**11))
    with pytest.raises(smashdsl.UserError, match="is larger than the 90 training images"):
        search(space, digits(), tmp_path, config)


def test_statistics_of_one_value_are_explained(tmp_path: Path) -> None:
    space = smashdsl.loads(
        "smash 1\nspace one {\ninput image[1, 8, 8]\noutput classes(3)\n"
        "head { conv({1, 3}, 4); global_avg_pool; norm; linear(classes) }\n}"
    )
    config = replace(CONFIG, training=replace(CONFIG.training, batch_size=1))
    with pytest.raises(smashdsl.UserError, match="batch norm met a batch with a single value in each channel"):
        search(space, digits(), tmp_path, config)
