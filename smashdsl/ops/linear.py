"""Dense layers on vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smashdsl.ops.conv import WEIGHTS
from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, Size, Weight, expect


def _shape(flow: Flow, args: Args) -> Flow:
    expect(
        len(flow.grid) == 0,
        "SD0207",
        "`linear` takes a vector, but {} arrives, which has a grid",
        flow,
        help="put `global_avg_pool` or `flatten` before it, or use `conv(1x1, …)`",
    )
    expect(args["out"] >= 1, "SD0208", "`linear` can't make {} channels", args["out"])
    return Flow(args["out"], ())


def _weights(flow: Flow, args: Args) -> dict[str, Weight]:
    weights = {"weight": Weight((args["out"], flow.channels), "kaiming")}
    if args["bias"]:
        weights["bias"] = Weight((args["out"],), "zeros")
    return weights


def _macs(flow: Flow, out: Flow, args: Args) -> Size:
    return flow.channels * out.channels


def _lower(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    return graph.call(F.linear, x, weights["weight"], weights.get("bias"))


LAYERS = (
    LayerOp(
        "linear",
        doc="dense layer on vectors; w: (out, channels)",
        args=(Arg("out", "size", "channels"), Arg("bias", "flag", True), WEIGHTS),
        shape=_shape,
        weights=_weights,
        macs=_macs,
        lower=_lower,
    ),
)
