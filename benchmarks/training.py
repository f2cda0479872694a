"""One training step of a supernet, beside the same architecture as a plain module with parameters of its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, optim

from benchmarks.measure import Row, Size, example, race
from smashdsl.graph.build import build
from smashdsl.graph.execute import Program
from smashdsl.graph.module import ArchitectureModule
from smashdsl.hypernet.supernet import Supernet
from smashdsl.hypernet.task import channels_last
from smashdsl.hypernet.train import TrainConfig, make_optimiser, noise_for

BATCH = 50


def training(size: Size) -> list[Row]:
    """Measure a step, building and encoding included, as a multiple of the static module's step."""
    torch.set_num_threads(1)
    return [row for name in size.examples if name != "smashv1" or size.seconds for row in _rows(name)]


def _rows(name: str) -> list[Row]:
    space = example(name)
    source, output = space.compiled.space.input, space.compiled.space.output
    batch = BATCH if name != "densenet_bc" else 8
    x = channels_last(torch.randn(batch, source.channels, *source.grid))
    y = torch.randint(0, output.size, (batch,))
    architecture = space.sample(seed=1)
    supernet, module = Supernet(space), ArchitectureModule(architecture)
    optimiser, own = make_optimiser(supernet, TrainConfig()), optim.Adam(module.parameters())

    def step() -> None:
        network = build(architecture)
        cond = space.encode(architecture) if network.pieces else None
        weights = supernet.weights(network, cond, None if cond is None else noise_for(cond, 0, 0))
        _update(Program(network.graph)(x, weights), y, optimiser)

    def static() -> None:
        _update(module(x), y, own)

    taken = race({"supernet": step, "module": static}, Size(0.0, 3, (), 0, 0, ()))
    figure = taken["supernet"] / taken["module"]
    note = f"{1000 * taken['supernet']:,.0f} ms against {1000 * taken['module']:,.0f} ms, batch {batch}"
    return [Row("training", name, figure, "x static", note)]


def _update(logits: Tensor, y: Tensor, optimiser: optim.Optimizer) -> None:
    loss = F.cross_entropy(logits, y)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
