"""The training loop: interrupted and resumed equals uninterrupted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn, optim

from smashdsl.errors import UserError
from smashdsl.hypernet import checkpoint
from smashdsl.hypernet.task import explained

LOG_EVERY = 10
SPEC = "spec.smash"  # the text of the space, in the folder of a run


class Stopped(Exception):
    """Training was asked to stop, and its state is saved."""

    def __init__(self, step: int, steps: int, path: Path | None) -> None:
        super().__init__(f"stopped after step {step:,} of {steps:,}")
        self.step, self.steps, self.path = step, steps, path


@dataclass
class Watch:
    """What a caller may follow and ask: ``on_step(done, steps, loss)`` now and then, ``stop()`` after every step."""

    on_step: Callable[[int, int, float], None] = lambda done, steps, loss: None
    stop: Callable[[], bool] = lambda: False


@dataclass
class Plan:
    """How a model is trained; ``identity`` is what must be equal for a checkpoint to be gone on from."""

    steps: int
    learning_rate: float
    seed: int
    identity: dict[str, Any]
    path: Path | None = None
    save_every: int = 200
    losses: list[float] = field(default_factory=list)


def mixed(seed: int, stream: int, step: int = 0) -> int:
    """Return a seed for one use of randomness at one step, different for each."""
    x = (seed * 0x9E3779B97F4A7C15 + stream * 0xBF58476D1CE4E5B9 + step * 0x94D049BB133111EB) % 2**64
    x = (x ^ (x >> 31)) * 0xD6E8FEB86659FD93 % 2**64
    return (x ^ (x >> 32)) % 2**63


def cosine(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step, from 1 down to 0."""
    return 0.5 * (1 + math.cos(math.pi * step / max(1, steps)))


def fit(
    model: nn.Module,
    optimiser: optim.Optimizer,
    loss_at: Callable[[int], Tensor],
    plan: Plan,
    watch: Watch | None = None,
) -> list[float]:
    """Train for ``plan.steps`` steps and return the mean loss of every ten.

    The learning rate follows a cosine down to zero, by step. Goes on from ``plan.path`` if that is there. Raises
    `Stopped` once ``watch.stop()`` says so, and `UserError` when the loss is no number.
    """
    watch = watch or Watch()
    start, losses, pending = _resume(model, optimiser, plan)
    model.train()
    for step in range(start, plan.steps):
        # everything random in a step, dropout included, follows from the seed and the step
        torch.manual_seed(mixed(plan.seed, 0, step))
        for group in optimiser.param_groups:
            group["lr"] = plan.learning_rate * cosine(step, plan.steps)
        with explained():
            loss = loss_at(step)
        optimiser.zero_grad(set_to_none=True)
        if loss.requires_grad:  # an architecture may use no weight at all
            loss.backward()
            optimiser.step()
        pending.append(loss.detach())
        done = step + 1
        if done % LOG_EVERY == 0 or done == plan.steps:
            # one look at the device for ten steps: reading every loss would wait for every step
            losses.append(_mean(pending, done))
            pending = []
            watch.on_step(done, plan.steps, losses[-1])
        stop = watch.stop() and done < plan.steps
        if plan.path is not None and (done % plan.save_every == 0 or done == plan.steps or stop):
            about = {"step": done, "losses": losses, "pending": [float(t) for t in pending], "identity": plan.identity}
            checkpoint.save(plan.path, checkpoint.state_of(model, optimiser), about)
        if stop:
            raise Stopped(done, plan.steps, plan.path)
    return losses


def _mean(losses: list[Tensor], step: int) -> float:
    mean = float(torch.stack(losses).mean())
    if not math.isfinite(mean):
        raise UserError(
            f"the training loss is no number after step {step:,}",
            "lower the learning rate, or look for wild values in the data",
        )
    return mean


def _resume(model: nn.Module, optimiser: optim.Optimizer, plan: Plan) -> tuple[int, list[float], list[Tensor]]:
    """Return the steps that are done, the means so far, and the losses that no mean holds yet."""
    if plan.path is None or not plan.path.exists():
        return 0, [], []
    tensors, about = checkpoint.load(plan.path)
    same_run(about.get("identity"), plan.identity, plan.path)
    checkpoint.restore(model, optimiser, tensors, plan.path)
    device = next(model.parameters()).device
    pending = [torch.tensor(loss, device=device) for loss in about["pending"]]
    return int(about["step"]), list(about["losses"]), pending


def same_run(found: Any, wanted: dict[str, Any], path: Path) -> None:
    """Raise `UserError` unless a file belongs to a run of the same space, data and settings."""
    if found == wanted:
        return
    name, theirs, ours = _difference(found if isinstance(found, dict) else {}, wanted)
    help = "choose another folder for this run, or give the same settings to go on with that one"
    spec = path.with_name(SPEC)
    if name in {"space", "space_hash"} and spec.is_file():
        help += f"; `smashdsl diff {spec} FILE` shows what has changed in the space"
    raise UserError(f"`{path}` belongs to another run: its {name} is {_short(theirs)}, here it is {_short(ours)}", help)


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> tuple[str, Any, Any]:
    """Return the first setting that differs, as a path of names, with both values."""
    name = next(n for n in [*wanted, *found] if found.get(n) != wanted.get(n))
    theirs, ours = found.get(name), wanted.get(name)
    if isinstance(theirs, dict) and isinstance(ours, dict):
        inner, theirs, ours = _difference(theirs, ours)
        name = f"{name}.{inner}"
    return name, theirs, ours


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
