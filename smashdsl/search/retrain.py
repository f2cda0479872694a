"""Train one architecture for real, from scratch, and test it once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, optim

from smashdsl.data.batches import Augment, Batches
from smashdsl.errors import UserError
from smashdsl.graph.module import ArchitectureModule
from smashdsl.hypernet.fit import Plan, Watch, fit, mixed
from smashdsl.hypernet.task import Pair, Task, channels_last, check_batch, whole_training_set
from smashdsl.hypernet.train import Precision, casting
from smashdsl.search.score import CHUNK
from smashdsl.space.architecture import Architecture


@dataclass(frozen=True)
class RetrainConfig:
    """How a found architecture is trained: AdamW, cosine, on the training and the validation images together."""

    steps: int = 600
    batch_size: int = 64
    learning_rate: float = 1e-2
    weight_decay: float = 5e-2
    augment: Augment = "none"
    precision: Precision = "auto"

    def as_data(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        return asdict(self)


@dataclass(frozen=True)
class Trained:
    """A trained network: which test images, or positions, it gets wrong, (images,) bool, and its training losses."""

    module: ArchitectureModule
    wrong: Any
    losses: list[float]

    @property
    def test_error(self) -> float:
        """Error on the test images, in percent."""
        return float(100 * np.mean(self.wrong))


def retrain(
    architecture: Architecture,
    task: Task,
    config: RetrainConfig,
    seed: int,
    path: Path | None = None,
    watch: Watch | None = None,
) -> Trained:
    """Train an architecture from scratch; goes on from the checkpoint at ``path`` if there is one."""
    module = ArchitectureModule(architecture, mixed(seed, 21)).to(task.device)
    check_batch(task, config.batch_size)
    batches = Batches(*whole_training_set(task), config.batch_size, seed, config.augment)

    def loss_at(step: int) -> Tensor:
        x, y = batches.at(step)
        with casting(x.device, config.precision):
            return F.cross_entropy(module(channels_last(x)).float(), y)

    if not list(module.parameters()):
        raise UserError("this architecture has no weights, so there is nothing to train")
    optimiser = optim.AdamW(module.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    identity = {
        "space": architecture.space.hash,
        "data": task.data.fingerprint,
        "architecture": architecture.to_json()["decisions"],
        "retraining": {**config.as_data(), "seed": seed},
    }
    plan = Plan(config.steps, config.learning_rate, seed, identity, path)
    losses = fit(module, optimiser, loss_at, plan, watch)
    return Trained(module, wrong_images(module, task.test, config.precision), losses)


@torch.no_grad()
def wrong_images(module: ArchitectureModule, split: Pair, precision: Precision = "auto") -> Any:
    """Return which images of a split a module gets wrong, (images,) bool; of sequences which positions, row by row."""
    module.eval()
    x, y = split
    with casting(x.device, precision):
        found = torch.cat([module(channels_last(part)).float().argmax(1) for part in x.split(CHUNK)])
    return (found != y).flatten().cpu().numpy()
