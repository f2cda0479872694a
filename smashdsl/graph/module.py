"""An architecture as a plain module with its own parameters."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from smashdsl.graph.build import Network, WeightSpec, build
from smashdsl.graph.execute import Program
from smashdsl.ops.fixed import fixed_weight
from smashdsl.space.architecture import Architecture

SMALL = 0.02


def initial(spec: WeightSpec, generator: torch.Generator | None = None) -> Tensor:
    """Return a new tensor for a weight, on the CPU, float32.

    He normal over its fan-in; normal of deviation 0.02, as transformers start what is added to what flows (Radford et
    al., 2019); ones or zeros. A fixed one is what it always is.
    """
    if spec.kind == "fixed":
        return fixed_weight(spec.init, spec.shape).clone()
    if spec.init == "ones":
        return torch.ones(spec.shape)
    if spec.init == "zeros":
        return torch.zeros(spec.shape)
    deviation = SMALL if spec.init == "small" else math.sqrt(2.0 / max(1, math.prod(spec.shape[1:])))
    return torch.randn(spec.shape, generator=generator) * deviation


class ArchitectureModule(nn.Module):
    """The network of one architecture, trained and used like any module.

    In training batch norm uses the statistics of the batch and moves the running ones; in evaluation the running ones.
    A layer whose weight was generated keeps its reparametrisation w / |w|, so this is the network that was scored.
    """

    def __init__(self, architecture: Architecture, seed: int = 0) -> None:
        super().__init__()
        self.architecture = architecture
        training, evaluation = build(architecture, "track"), build(architecture, "eval")
        self.network: Network = evaluation
        self._programs = {True: Program(training.graph), False: Program(evaluation.graph)}
        generator = torch.Generator().manual_seed(seed)
        learned = {name: spec for name, spec in evaluation.weights.items() if spec.kind != "fixed"}
        self.weights = nn.ParameterDict(
            {_key(name): nn.Parameter(initial(spec, generator)) for name, spec in learned.items()}
        )
        for name in evaluation.weights.keys() - learned.keys():
            self.register_buffer(_key(name), initial(evaluation.weights[name]))
        for name, channels in evaluation.statistics.items():
            self.register_buffer(_key(f"{name}.mean"), torch.zeros(channels))
            self.register_buffer(_key(f"{name}.var"), torch.ones(channels))

    def tensors(self) -> dict[str, Tensor]:
        """Return parameters, fixed weights and running statistics under the names the graph knows them by."""
        named = {
            name: self.get_buffer(_key(name)) if spec.kind == "fixed" else self.weights[_key(name)]
            for name, spec in self.network.weights.items()
        }
        for name in self.network.statistics:
            for part in ("mean", "var"):
                named[f"{name}.{part}"] = getattr(self, _key(f"{name}.{part}"))
        return named

    def forward(self, x: Tensor) -> Tensor:
        return self._programs[self.training](x, self.tensors())


def _key(name: str) -> str:
    """Return a weight's name as torch allows parameters to be called."""
    return name.replace(".", "/")
