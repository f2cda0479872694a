"""Layers that move or remove values and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, expect, product


def _identity(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    return x


def _zero(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch

    return graph.call(torch.zeros_like, x)


def _pad_shape(flow: Flow, args: Args) -> Flow:
    expect(
        args["out"] >= flow.channels,
        "SD0203",
        "pad_channels({}) can't hold the {} channels that arrive",
        args["out"],
        flow.channels,
        about="channels",
    )
    return flow._replace(channels=args["out"])


def _pad(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    flow: Flow = args["flow"]
    return graph.call(F.pad, x, (0, 0) * len(flow.grid) + (0, args["out"] - flow.channels))


def _flatten(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch

    return graph.call(torch.flatten, x, 1)


LAYERS = (
    LayerOp("identity", _identity, doc="what arrives"),
    LayerOp("zero", _zero, doc="zeros in the shape of what arrives"),
    LayerOp(
        "pad_channels",
        _pad,
        (Arg("out", "size"),),
        shape=_pad_shape,
        doc="zero channels appended up to `out`",
        mixes=True,
    ),
    LayerOp(
        "flatten",
        _flatten,
        shape=lambda flow, args: Flow(flow.channels * product(flow.grid), ()),
        doc="channels and grid as one vector",
        mixes=True,
    ),
)
