"""Train the weights of a whole space: one sampled architecture a step (Brock et al., 2017, section 3)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, optim

from smashdsl.data.batches import Augment, Batches
from smashdsl.errors import UserError
from smashdsl.graph.build import build
from smashdsl.graph.execute import Program
from smashdsl.hypernet.fit import Plan, Watch, fit, mixed
from smashdsl.hypernet.hypernet import HyperNetConfig
from smashdsl.hypernet.supernet import Supernet
from smashdsl.hypernet.task import Task, channels_last, check_batch
from smashdsl.space.architecture import Architecture
from smashdsl.space.encode import Assembly
from smashdsl.space.subsets import Ints

if TYPE_CHECKING:
    from smashdsl.api import Space

DRAWN_AT_ONCE = 256
ARCHITECTURES, NOISE = 1, 2  # streams of randomness
Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class TrainConfig:
    """How the weights of a space are trained; defaults of the paper's code but for batch and rate."""

    steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 3e-3
    betas: tuple[float, float] = (0.5, 0.999)
    epsilon: float = 1e-4
    weight_decay: float = 1e-4
    augment: Augment = "none"
    precision: Precision = "auto"
    hypernet: HyperNetConfig = field(default_factory=HyperNetConfig)
    seed: int = 0

    def as_data(self) -> dict[str, Any]:
        """Return the settings as JSON-ready data."""
        data = asdict(self)
        data["betas"] = list(self.betas)
        data["hypernet"]["layers"] = list(self.hypernet.layers)
        return data


def casting(device: torch.device, precision: Precision) -> AbstractContextManager[Any]:
    """Return the context in which a network runs: bfloat16 on a GPU unless float32 is asked for."""
    if precision == "bfloat16" or (precision == "auto" and device.type == "cuda"):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


class Sampler:
    """The architecture of each training step and its conditioning tensor, a pure function of the seed and the step."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space = space
        self.seed = seed
        self.block = -1
        self.codes: Ints = np.empty((0, 0), np.int64)
        self.assembly: Assembly | None = None

    def at(self, step: int) -> tuple[Architecture, Tensor | None]:
        """Return the architecture of a step, and its conditioning tensor if the space generates weights."""
        block, index = divmod(step, DRAWN_AT_ONCE)
        if block != self.block:
            rng = np.random.default_rng(mixed(self.seed, ARCHITECTURES, block))
            self.codes, _ = self.space.draw(DRAWN_AT_ONCE, rng)
            # one walk for many steps: a walk for each would cost twenty times as much
            self.assembly = self.space.assemble(self.codes) if self.space.layout.generated else None
            self.block = block
        architecture = Architecture(self.space, self.codes[index])
        if self.assembly is None:
            return architecture, None
        return architecture, torch.from_numpy(self.assembly.tensor(index, index + 1)[0])


def noise_for(cond: Tensor, seed: int, step: int) -> Tensor:
    """Return the noise channel of a step; z: (rows, slices), on the CPU."""
    generator = torch.Generator().manual_seed(mixed(seed, NOISE, step))
    return torch.randn(cond.shape[1:], generator=generator)


def train_supernet(
    space: Space, task: Task, config: TrainConfig, path: Path | None = None, watch: Watch | None = None
) -> tuple[Supernet, list[float]]:
    """Train a supernet and return it with the mean loss of every ten steps.

    Goes on from the checkpoint at ``path`` if there is one.
    """
    supernet = Supernet(space, config.hypernet, mixed(config.seed, 3)).to(task.device)
    check_batch(task, config.batch_size)
    batches = Batches(*task.train, config.batch_size, config.seed, config.augment)
    sampler = Sampler(space, config.seed)

    def loss_at(step: int) -> Tensor:
        x, y = batches.at(step)
        architecture, cond = sampler.at(step)
        noise = None if cond is None else noise_for(cond, config.seed, step)
        network = build(architecture)
        weights = supernet.weights(network, cond, noise)
        with casting(x.device, config.precision):
            logits = Program(network.graph)(channels_last(x), weights)
        return F.cross_entropy(logits.float(), y)

    optimiser = make_optimiser(supernet, config)
    plan = Plan(config.steps, config.learning_rate, config.seed, identity(space, task, config), path)
    losses = fit(supernet, optimiser, loss_at, plan, watch)
    return supernet, losses


def make_optimiser(supernet: Supernet, config: TrainConfig) -> optim.Optimizer:
    """Return Adam as the paper's code sets it: weight decay on learned tensors, none on the HyperNet."""
    groups = [{"params": list(supernet.tensors.parameters()), "weight_decay": config.weight_decay}]
    if supernet.hypernet is not None:
        groups.append({"params": list(supernet.hypernet.parameters()), "weight_decay": 0.0})
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise UserError(f"space `{supernet.space.name}` has no weights, so there is nothing to train")
    return optim.Adam(groups, lr=config.learning_rate, betas=config.betas, eps=config.epsilon)


def identity(space: Space, task: Task, config: TrainConfig) -> dict[str, Any]:
    """Return what must be equal for training to go on: the space, the data and the settings."""
    return {"space": space.hash, "data": task.data.fingerprint, "training": config.as_data()}
