"""All weights of a space: those the HyperNet generates, and those that are learned and sliced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from smashdsl.graph.build import Network, WeightSpec
from smashdsl.graph.module import initial
from smashdsl.hypernet.hypernet import HyperNet, HyperNetConfig
from smashdsl.hypernet.paths import instances
from smashdsl.lang.program import templates as p
from smashdsl.ops.fixed import fixed_weight

if TYPE_CHECKING:
    from smashdsl.api import Space


def storage_name(name: str, spec: WeightSpec) -> str:
    """Return where a learned weight is stored.

    A shared tensor is one for each textual layer and region; any other is one for each use.
    """
    if spec.kind == "shared":
        name = f"{spec.region}:{spec.template}.{spec.tensor}"
    return name.replace(".", "/")  # torch allows no dots in names of parameters


class Supernet(nn.Module):
    """Gives any architecture of a space its weights.

    Learned tensors are allocated at the largest size that can occur and sliced: the first channels, the centre of a
    kernel. A space without generated layers has no HyperNet; its weights are then plainly shared.
    """

    def __init__(self, space: Space, config: HyperNetConfig | None = None, seed: int = 0) -> None:
        super().__init__()
        self.space = space
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.hypernet = HyperNet(space, config) if space.layout.generated else None
            self.tensors = nn.ParameterDict(self._allocate())

    def _allocate(self) -> dict[str, nn.Parameter]:
        tensors: dict[str, nn.Parameter] = {}
        for path, region, layer in instances(self.space.compiled):
            extent = self.space.compiled.facts.extents.get((region, layer.template))
            if extent is None:
                continue  # a path that no architecture takes
            for name, shape in extent.weights.items():
                kind = layer.weights if isinstance(layer, p.Layer) and name == "weight" else "own"
                spec = WeightSpec(shape, extent.inits[name], kind, region, layer.template, name)
                key = storage_name(f"{path}.{name}", spec)
                if kind not in {"generated", "fixed"} and key not in tensors:
                    tensors[key] = nn.Parameter(initial(spec))
        return tensors

    def weights(self, network: Network, cond: Tensor | None, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Return the weights of a built architecture by name; gradients flow to all that it uses."""
        weights: dict[str, Tensor] = {}
        if network.pieces and self.hypernet is not None:
            assert cond is not None
            weights.update(self.hypernet.generate(cond, network.pieces, noise))
        for name, spec in network.weights.items():
            if spec.kind == "fixed":
                weights[name] = self.fixed(spec)
            elif spec.kind != "generated":
                weights[name] = cut(self.tensors[storage_name(name, spec)], spec.shape)
        return weights

    def fixed(self, spec: WeightSpec) -> Tensor:
        """Return a weight that is not learned; a function of its shape, it is the one of the module, too."""
        parameter = next(self.parameters(), None)
        return fixed_weight(spec.init, spec.shape).to("cpu" if parameter is None else parameter.device)


def cut(tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the slice of a tensor (out, in, *kernel) at a shape: first channels, centre of the kernel."""
    for axis, size in enumerate(shape):
        largest = tensor.shape[axis]
        if size != largest:
            tensor = tensor.narrow(axis, 0 if axis < 2 else (largest - size) // 2, size)
    return tensor
