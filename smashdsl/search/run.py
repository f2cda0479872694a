"""The whole job: train the HyperNet, search, train winner and median candidate for real, hand over the winner.

A run is a folder. Each stage writes what it found at once and skips what is there, so running the same search again
goes on where it stopped, and ends with the same bytes in `result.json`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import smashdsl
from smashdsl.data import Dataset
from smashdsl.files import append_line, read_json, write_json, write_text
from smashdsl.hypernet import checkpoint
from smashdsl.hypernet.fit import SPEC, Stopped, Watch, mixed, same_run
from smashdsl.hypernet.supernet import Supernet
from smashdsl.hypernet.task import Task, choose_device, input_shape, make_task
from smashdsl.hypernet.train import TrainConfig, train_supernet
from smashdsl.search.correlation import gap_interval, kendall
from smashdsl.search.retrain import RetrainConfig, Trained, retrain
from smashdsl.search.score import Scorer
from smashdsl.search.strategies import Smash, split_budget
from smashdsl.search.study import Candidate, Study, StudyLog
from smashdsl.search.trainings import packed, read_trainings, unpacked

if TYPE_CHECKING:
    from smashdsl.api import Space

CHECKPOINT, STUDY, TRAININGS = "checkpoint.safetensors", "study.jsonl", "trainings.jsonl"
BEST = ("architecture.json", "weights.safetensors", "picture.svg")


@dataclass(frozen=True)
class SearchConfig:
    """Everything a search depends on beside the space and the data."""

    candidates: int = 70
    seeds: int = 3  # trainings of the winner and of the median candidate
    score_images: int = 1000
    validation: float = 0.2
    seed: int = 0
    device: str = "auto"
    training: TrainConfig = field(default_factory=TrainConfig)
    retraining: RetrainConfig = field(default_factory=RetrainConfig)

    def as_data(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        return {
            "candidates": self.candidates,
            "seeds": self.seeds,
            "score_images": self.score_images,
            "validation": self.validation,
            "seed": self.seed,
            "training": self.training.as_data(),
            "retraining": self.retraining.as_data(),
        }


@dataclass
class Progress:
    """What a caller may follow and ask: ``on(stage, done, total, note)`` now and then, ``stop()`` between steps."""

    on: Callable[[str, int, int, str], None] = lambda stage, done, total, note: None
    stop: Callable[[], bool] = lambda: False

    def watch(self, stage: str) -> Watch:
        return Watch(lambda done, steps, loss: self.on(stage, done, steps, f"loss {loss:.3f}"), self.stop)


def search(
    space: Space,
    data: Dataset | str = "fashion-mini",
    folder: str | Path | None = None,
    config: SearchConfig | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Search a space on data and return what `result.json` in the run's folder holds.

    Raises `Stopped` when ``progress.stop()`` says so: the same call then goes on. Raises `UserError` when the folder
    holds another run, or the data does not fit the space.
    """
    if isinstance(data, str):
        from smashdsl.data.load import load as load_data

        data = load_data(data, shape=input_shape(space))
    folder = Path("runs") / space.name if folder is None else Path(folder)
    config = config or SearchConfig()
    config = replace(config, training=replace(config.training, seed=config.seed))
    device = choose_device(config.device)
    task = make_task(space, data, device, config.validation, config.seed)
    run = _Run(space, task, folder, config, progress or Progress())
    run.open()
    return run.result()


class _Run:
    """One folder and the stages that fill it."""

    def __init__(self, space: Space, task: Task, folder: Path, config: SearchConfig, progress: Progress) -> None:
        self.space, self.task, self.folder = space, task, folder
        self.config, self.progress = config, progress
        self.single = space.count() == 1
        self.timing: dict[str, float] = {}

    def open(self) -> None:
        """Start the folder, or make sure it holds this very run."""
        about = {
            "smashdsl": smashdsl.__version__,
            "space": self.space.name,
            "space_hash": self.space.hash,
            "data": self.task.data.name,
            "data_fingerprint": self.task.data.fingerprint,
            **self.config.as_data(),
        }
        path = self.folder / "run.json"
        begun = any((self.folder / name).exists() for name in (CHECKPOINT, STUDY, TRAININGS))
        if begun:
            same_run(read_json(path, "description of the run in this folder"), about, path)
            return
        write_text(self.folder / SPEC, self.space.compiled.standalone())
        write_json(path, about)

    def result(self) -> dict[str, Any]:
        log = self.timed("hypernet_and_search", self.candidates)
        winner, median = log.best(), log.median()
        finals = {"best": winner, "random_median": median}
        trained = self.timed("retraining", lambda: {role: self.train(role, c) for role, c in finals.items()})
        return self.conclude(log, finals, trained)

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        self.timing[stage] = time.perf_counter() - start
        return result

    # -- candidates -----------------------------------------------------------------------------

    def candidates(self) -> StudyLog:
        strategy = Smash(*split_budget(1 if self.single else self.config.candidates), seed=self.config.seed)
        study = Study(self.space, strategy, self.folder / STUDY)
        if self.single and not study.log.done:
            study.tell(study.ask(), 0.0)  # nothing to choose between, so nothing is scored
        if self.single or len(study.log.done) >= self.config.candidates:
            return study.log
        supernet = self.supernet()
        scorer = Scorer(supernet, self.task, self.config.score_images, seed=self.config.seed)
        while len(study.log.done) < self.config.candidates:
            architecture = study.ask()
            score = scorer.score(architecture)
            done = study.tell(architecture, score.loss, score.error).index + 1
            self.progress.on("search", done, self.config.candidates, f"best loss {study.best.loss:.3f}")
            if self.progress.stop() and done < self.config.candidates:
                raise Stopped(done, self.config.candidates, study.log.path)
        return study.log

    def supernet(self) -> Supernet:
        path = self.folder / CHECKPOINT
        watch = self.progress.watch("train hypernet" if self.space.layout.generated else "train shared weights")
        supernet, losses = train_supernet(self.space, self.task, self.config.training, path, watch)
        write_json(self.folder / "losses.json", {"every": 10, "loss": losses})
        return supernet

    # -- trainings ------------------------------------------------------------------------------

    def train(self, role: str, candidate: Candidate) -> list[dict[str, Any]]:
        """Train a candidate with each seed, or read what was found before."""
        path = self.folder / TRAININGS
        images = self.task.test[1].numel()
        done = {(line["role"], line["seed"]): line for line in read_trainings(path, images)}
        found = []
        for seed in range(self.config.seeds):
            handed_over = role != "best" or seed > 0 or all((self.folder / "best" / name).exists() for name in BEST)
            if (role, seed) not in done or not handed_over:
                trained = self.train_once(role, candidate, seed)
                line = {"role": role, "seed": seed, "test_error": trained.test_error, "wrong": packed(trained.wrong)}
                if role == "best" and seed == 0:
                    self.hand_over(candidate, trained)
                if (role, seed) not in done:
                    append_line(path, line)
                done[(role, seed)] = line
            found.append(done[(role, seed)])
        return found

    def train_once(self, role: str, candidate: Candidate, seed: int) -> Trained:
        path = self.folder / "retraining" / f"{role}-{seed}.safetensors"
        watch = self.progress.watch(f"retrain {role.replace('_', ' ')}, seed {seed}")
        trained = retrain(candidate.architecture, self.task, self.config.retraining, seed, path, watch)
        path.unlink(missing_ok=True)
        return trained

    def hand_over(self, winner: Candidate, trained: Trained) -> None:
        """Write the winner: its architecture, its trained weights, its picture."""
        from smashdsl.report.picture import draw

        best = self.folder / "best"
        write_json(best / "architecture.json", winner.architecture.to_json())
        about = {"space": self.space.hash, "data": self.task.data.fingerprint, "seed": 0}
        checkpoint.save(best / "weights.safetensors", trained.module.tensors(), about)
        write_text(best / "picture.svg", draw(winner.architecture))

    # -- the end --------------------------------------------------------------------------------

    def conclude(
        self, log: StudyLog, finals: dict[str, Candidate], trained: dict[str, list[dict[str, Any]]]
    ) -> dict[str, Any]:
        labels = self.task.test[1]
        wrong = {
            # positions of one sequence are no independent draws, so a sequence counts as one example, by their mean
            role: np.stack([unpacked(t["wrong"], labels.numel()).reshape(len(labels), -1).mean(1) for t in lines])
            for role, lines in trained.items()
        }
        gap, low, high = gap_interval(wrong["best"], wrong["random_median"], seed=mixed(self.config.seed, 31) % 2**32)
        drawn = [c for c in log.done if c.stage == "random"]
        result = {
            "space": self.space.name,
            "space_hash": self.space.hash,
            "data": self.task.data.name,
            "data_fingerprint": self.task.data.fingerprint,
            "seed": self.config.seed,
            "hypernet_steps": 0 if self.single or not self.space.layout.generated else self.config.training.steps,
            "shared_weight_steps": 0 if self.single else self.config.training.steps,
            "candidates": len(log.done),
            **{role: self._final(finals[role], trained[role]) for role in finals},
            "gap": {"points": gap, "low": low, "high": high, "level": 0.95},
            "kendall_tau_score_params": kendall([-c.loss for c in drawn], [c.params for c in drawn]),
            "kendall_tau_score_flops": kendall([-c.loss for c in drawn], [c.flops for c in drawn]),
        }
        write_json(self.folder / "result.json", result)
        self.write_timing()
        return result

    def write_timing(self) -> None:
        """Write how long the stages took in this call; a run that was resumed spent more before."""
        machine = {"device": str(self.task.device), "threads": torch.get_num_threads(), "torch": torch.__version__}
        write_json(self.folder / "timing.json", {"seconds": self.timing, **machine})

    def _final(self, candidate: Candidate, lines: list[dict[str, Any]]) -> dict[str, Any]:
        errors = [line["test_error"] for line in lines]
        return {
            "index": candidate.index,
            "stage": candidate.stage,
            "score": None if self.single else candidate.loss,
            "params": candidate.params,
            "flops": candidate.flops,
            "test_error": float(np.mean(errors)),
            "test_errors": errors,
        }
