"""Activations and dropout: layers that keep the shape and have no weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, expect

NAMES = {
    "relu": "relu",
    "gelu": "gelu",
    "silu": "silu",
    "hard_swish": "hardswish",
    "hard_sigmoid": "hardsigmoid",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "elu": "elu",
}


def _activation(name: str, function: str) -> LayerOp:
    def lower(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
        import torch
        import torch.nn.functional as F

        # torch.tanh and torch.sigmoid: their functional twins are deprecated
        return graph.call(getattr(torch if function in {"tanh", "sigmoid"} else F, function), x)

    return LayerOp(name, lower, doc=f"{name}, element by element")


def _leaky_relu(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    return graph.call(F.leaky_relu, x, float(args["slope"]))


def _softmax(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch

    return graph.call(torch.softmax, x, 1)


def _dropout_shape(flow: Flow, args: Args) -> Flow:
    rate = args["rate"]
    expect((rate >= 0) & (rate < 1), "SD0208", "dropout({}) is no rate from 0 up to, not including, 1", rate)
    return flow


def _dropout(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    return x if graph.mode in {"eval", "measure"} else graph.call(F.dropout, x, float(args["rate"]))


LAYERS = (
    *(_activation(name, function) for name, function in NAMES.items()),
    LayerOp("leaky_relu", _leaky_relu, (Arg("slope", "number", 0.01),), doc="leaky_relu, element by element"),
    LayerOp("softmax", _softmax, doc="softmax over channels"),
    LayerOp("dropout", _dropout, (Arg("rate", "number", 0.5),), shape=_dropout_shape, doc="dropout while training"),
)
