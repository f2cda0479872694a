"""The score of a candidate: its validation loss under the supernet's weights, with batch statistics of its own."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from smashdsl.graph.build import build
from smashdsl.graph.execute import Program
from smashdsl.hypernet.supernet import Supernet
from smashdsl.hypernet.task import Pair, Task, channels_last, explained
from smashdsl.hypernet.train import Precision, casting, noise_for
from smashdsl.space.architecture import Architecture

CHUNK = 512


class Score(NamedTuple):
    """Mean validation loss (what candidates are ranked by: lower is better) and error in percent."""

    loss: float
    error: float


class Scorer:
    """Scores candidates on one set of validation images, with one noise input for all.

    Statistics of batch norm are measured anew for each candidate on training images, because those of other
    architectures say nothing about it.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Task,
        images: int = 1000,
        calibration: int = 512,
        seed: int = 0,
        precision: Precision = "auto",
    ) -> None:
        self.supernet = supernet
        self.seed = seed
        self.precision: Precision = precision
        self.x, self.y = (part[:images] for part in task.validation)
        self.calibration = channels_last(task.train[0][:calibration])

    @torch.no_grad()
    def score(self, architecture: Architecture) -> Score:
        """Score one candidate."""
        device = self.x.device
        measured, network = build(architecture, "measure"), build(architecture, "eval")
        cond = noise = None
        if network.pieces:
            cond = self.supernet.space.encode(architecture)
            noise = noise_for(cond, self.seed, 0)
        weights = self.supernet.weights(network, cond, noise)
        for name, channels in network.statistics.items():
            weights[f"{name}.mean"] = torch.zeros(channels, device=device)
            weights[f"{name}.var"] = torch.ones(channels, device=device)
        with casting(device, self.precision), explained():
            if network.statistics:
                Program(measured.graph)(self.calibration, weights)
            return evaluate(Program(network.graph), weights, (self.x, self.y))


def evaluate(program: Program, weights: dict[str, Tensor], split: Pair) -> Score:
    """Return loss and error of a network over a split, of sequences over their positions."""
    x, y = split
    logits = torch.cat([program(channels_last(part), weights).float() for part in x.split(CHUNK)])
    loss = F.cross_entropy(logits, y)
    wrong = (logits.argmax(1) != y).sum()
    both = torch.stack([loss.double(), wrong.double()]).tolist()  # one wait for the device
    return Score(both[0], 100 * both[1] / y.numel())
