"""Hold a network of the gallery to one written by hand, given the same weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

import smashdsl

# layers of a spec by path, and the part of the other module that each is; several parts are one wide layer
Names = Mapping[str, str | tuple[str, ...]]
TENSORS = {"weight": "weight", "bias": "bias"}
NORM = {"scale": "weight", "shift": "bias", "mean": "running_mean", "var": "running_var"}


def unusual(module: nn.Module) -> nn.Module:
    """Return a module in float64 with nothing at its initial value: statistics neither 0 nor 1, scales not 1."""
    generator = torch.Generator().manual_seed(5)

    def noise(like: Tensor) -> Tensor:
        return torch.rand(like.shape, generator=generator, dtype=torch.float64)

    module = module.double()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                for tensor in (part.weight, part.running_var):
                    tensor.copy_(0.5 + noise(tensor))
                for tensor in (part.bias, part.running_mean):
                    tensor.copy_(0.2 * noise(tensor) - 0.1)
            elif isinstance(part, nn.Conv2d | nn.Linear) and part.bias is not None:
                part.bias.copy_(noise(part.bias) - 0.5)
    return module


def tensors_of(module: nn.Module, names: Names) -> dict[str, Tensor]:
    """Return the tensors of a module as the spec names them."""
    found = {}
    for path, parts in names.items():
        layers = [module.get_submodule(part) for part in ((parts,) if isinstance(parts, str) else parts)]
        for ours, theirs in (NORM if isinstance(layers[0], nn.BatchNorm2d) else TENSORS).items():
            if getattr(layers[0], theirs) is not None:
                found[f"{path}.{ours}"] = torch.cat([getattr(layer, theirs) for layer in layers])
    return found


def assert_same(architecture: smashdsl.Architecture, other: nn.Module, names: Names) -> int:
    """Hold an architecture's module to another one, and return their number of parameters.

    All tensors have a name and the same shape, or the same values in another shape (a 1x1 convolution is a linear
    layer); outputs are equal in evaluation and in training, and so are the running statistics that training leaves.
    """
    other = unusual(other)
    module = architecture.space.module(architecture).double()
    mine, given = module.tensors(), tensors_of(other, names)
    assert set(mine) == set(given)
    with torch.no_grad():
        for name, tensor in mine.items():
            tensor.copy_(given[name].reshape(tensor.shape))
    source = architecture.space.compiled.space.input
    x = torch.randn(2, source.channels, *source.grid, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    with torch.no_grad():
        close(module.eval()(x), other.eval()(x))
        close(module.train()(x), other.train()(x))
        left = tensors_of(other, names)
        for name, tensor in module.tensors().items():
            close(tensor, left[name].reshape(tensor.shape))
    parameters = sum(p.numel() for p in module.parameters())
    assert parameters == sum(p.numel() for p in other.parameters()) == architecture.space.costs(architecture).params[0]
    return parameters


def close(left: Tensor, right: Tensor) -> None:
    assert right.abs().max() > 1e-3
    torch.testing.assert_close(left, right, rtol=1e-9, atol=1e-9 * float(right.abs().max()))
