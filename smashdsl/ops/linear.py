"""Dense layers on vectors, and on every position of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smashdsl.ops.conv import WEIGHTS
from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, Size, Weight, expect, product

if TYPE_CHECKING:
    from torch import Tensor


def linear_by_position(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Apply a dense layer at each position; x: (n, channels, length), weight: (out, channels), bias: (out,)."""
    import torch.nn.functional as F

    return F.linear(x.transpose(1, 2), weight, bias).transpose(1, 2)


def _shape(flow: Flow, args: Args) -> Flow:
    expect(
        len(flow.grid) == 0 or flow.tokens,
        "SD0207",
        "`linear` takes a vector or tokens, but {} arrives, which has a grid",
        flow,
        help="put `global_avg_pool` or `flatten` before it, or use `conv(1x1, …)`",
        about="grid",
    )
    expect(args["out"] >= 1, "SD0208", "`linear` can't make {} channels", args["out"])
    return flow._replace(channels=args["out"])


def _weights(flow: Flow, args: Args) -> dict[str, Weight]:
    weights = {"weight": Weight((args["out"], flow.channels), "kaiming")}
    if args["bias"]:
        weights["bias"] = Weight((args["out"],), "zeros")
    return weights


def _macs(flow: Flow, out: Flow, args: Args) -> Size:
    return flow.channels * out.channels * product(flow.grid)


def _lower(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    function = linear_by_position if args["flow"].tokens else F.linear
    return graph.call(function, x, weights["weight"], weights.get("bias"))


LAYERS = (
    LayerOp(
        "linear",
        doc="dense layer on vectors, and on tokens position by position; w: (out, channels)",
        args=(Arg("out", "size", "channels"), Arg("bias", "flag", True), WEIGHTS),
        shape=_shape,
        weights=_weights,
        macs=_macs,
        lower=_lower,
    ),
)
