"""Normalisation layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, Weight, expect

if TYPE_CHECKING:
    from torch import Tensor

MOMENTUM = 0.1
EPSILON = 1e-5


def batch_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Normalise by the statistics of the batch; x: (n, c, *grid), scale, shift: (c,)."""
    import torch.nn.functional as F

    return F.batch_norm(x, None, None, scale, shift, True, 0.0, EPSILON)


def tracked_batch_norm(x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """Normalise by the statistics of the batch and move the running ones towards them."""
    import torch.nn.functional as F

    return F.batch_norm(x, mean, var, scale, shift, True, MOMENTUM, EPSILON)


def fixed_batch_norm(x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """Normalise by given statistics; mean, var: (c,)."""
    import torch.nn.functional as F

    return F.batch_norm(x, mean, var, scale, shift, False, 0.0, EPSILON)


def measured_batch_norm(x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """Normalise by the statistics of the batch and store them in ``mean`` and ``var``."""
    import torch.nn.functional as F

    return F.batch_norm(x, mean, var, scale, shift, True, 1.0, EPSILON)


def group_norm(x: Tensor, scale: Tensor, shift: Tensor, groups: int) -> Tensor:
    """Normalise each group of channels of each example over its grid; one group is layer norm."""
    import torch.nn.functional as F

    return F.group_norm(x, groups, scale, shift, EPSILON)


def rms_norm(x: Tensor, scale: Tensor) -> Tensor:
    """Divide by the root mean square over channels; x: (n, c, *grid), scale: (c,)."""
    size = x.pow(2).mean(1, keepdim=True).add(EPSILON).rsqrt()
    return x * size * scale.view(-1, *(1,) * (x.dim() - 2))


def position_norm(x: Tensor, scale: Tensor, shift: Tensor, groups: int) -> Tensor:
    """Normalise each group of channels at each position of a sequence; x: (n, c, length), scale, shift: (c,)."""
    import torch.nn.functional as F

    y = x.transpose(1, 2)
    if groups == 1:
        return F.layer_norm(y, y.shape[2:], scale, shift, EPSILON).transpose(1, 2)
    return F.group_norm(y.flatten(0, 1), groups, scale, shift, EPSILON).view_as(y).transpose(1, 2)


BATCH: dict[str, Callable[..., Any]] = {
    "batch": batch_norm,
    "track": tracked_batch_norm,
    "measure": measured_batch_norm,
    "eval": fixed_batch_norm,
}


def _kind(flow: Flow, args: Args) -> Any:
    return ("layer" if flow.tokens else "batch") if args["kind"] == "auto" else args["kind"]


def _shape(flow: Flow, args: Args) -> Flow:
    if args["kind"] == "group":
        expect(
            flow.channels % args["groups"] == 0,
            "SD0203",
            "norm(group, {}) does not divide the channels that arrive, {}",
            args["groups"],
            flow.channels,
            about="channels",
        )
    return flow


def _weights(flow: Flow, args: Args) -> dict[str, Weight]:
    weights = {"scale": Weight((flow.channels,), "ones")}
    if args["kind"] != "rms":
        weights["shift"] = Weight((flow.channels,), "zeros")
    return weights


def _lower(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    flow: Flow = args["flow"]
    kind = _kind(flow, args)
    if kind == "rms":
        return graph.call(rms_norm, x, weights["scale"])
    if kind != "batch":
        groups = args["groups"] if kind == "group" else 1
        function = position_norm if flow.tokens else group_norm
        return graph.call(function, x, weights["scale"], weights["shift"], groups)
    running = () if graph.mode == "batch" else graph.statistics()
    return graph.call(BATCH[graph.mode], x, weights["scale"], weights["shift"], *running)


LAYERS = (
    LayerOp(
        "norm",
        doc="normalisation: `auto` is layer norm on tokens, else batch norm; scale, shift: (channels,)",
        args=(Arg("kind", "word", "auto", words=("auto", "batch", "layer", "group", "rms")), Arg("groups", "size", 8)),
        shape=_shape,
        weights=_weights,
        lower=_lower,
        statistics=lambda flow, args: bool(_kind(flow, args) == "batch"),
    ),
)
