"""Convolutions on grids of one, two and three axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, Size, Weight, axes, expect, product

WEIGHTS = Arg("weights", "weights", "own")


def _geometry(flow: Flow, args: Args) -> tuple[tuple[Size, ...], tuple[Size, ...], tuple[Size, ...]]:
    expect(
        len(flow.grid) > 0,
        "SD0207",
        "a convolution needs a grid, but {} channels without one arrive",
        flow.channels,
        help="use `linear` after `global_avg_pool` or `flatten`",
    )
    kernel = axes(args["kernel"], flow.grid, "kernel")
    stride = axes(args["stride"], flow.grid, "stride")
    dilation = axes(args["dilation"], flow.grid, "dilation")
    for name, sizes in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        for size in sizes:
            expect(size >= 1, "SD0208", "{} {} is less than 1", name, size)
    return kernel, stride, dilation


def _conv_shape(flow: Flow, args: Args) -> Flow:
    _, stride, _ = _geometry(flow, args)
    out, groups = args["out"], args["groups"]
    expect(out >= 1, "SD0208", "a convolution can't make {} channels", out)
    expect(groups >= 1, "SD0208", "groups = {} is less than 1", groups)
    expect(
        flow.channels % groups == 0,
        "SD0203",
        "groups = {} does not divide the channels that arrive, {}",
        groups,
        flow.channels,
        help="let groups divide both what arrives and what leaves",
    )
    expect(
        out % groups == 0,
        "SD0203",
        "groups = {} does not divide the channels that leave, {}",
        groups,
        out,
        help="let groups divide both what arrives and what leaves",
    )
    grid = tuple((g + s - 1) // s for g, s in zip(flow.grid, stride, strict=True))
    return flow._replace(channels=out, grid=grid)


def _conv_weights(flow: Flow, args: Args) -> dict[str, Weight]:
    kernel = axes(args["kernel"], flow.grid, "kernel")
    weights = {"weight": Weight((args["out"], flow.channels // args["groups"], *kernel), "kaiming")}
    if args["bias"]:
        weights["bias"] = Weight((args["out"],), "zeros")
    return weights


def _conv_macs(flow: Flow, out: Flow, args: Args) -> Size:
    kernel = axes(args["kernel"], flow.grid, "kernel")
    return product(out.grid) * out.channels * (flow.channels // args["groups"]) * product(kernel)


def _conv_lower(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    flow: Flow = args["flow"]
    kernel, stride, dilation = _geometry(flow, args)
    spread = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    padding = tuple(total // 2 for total in spread)
    if args["causal"]:
        x = graph.call(F.pad, x, (spread[0], 0))
        padding = (0,)
    elif any(total % 2 for total in spread):
        # an even kernel pads one more at the end than at the start, which no `padding` argument can say
        sides = [side for total in reversed(spread) for side in (total // 2, total - total // 2)]
        x = graph.call(F.pad, x, tuple(sides))
        padding = (0,) * len(spread)
    function = (F.conv1d, F.conv2d, F.conv3d)[len(flow.grid) - 1]
    return graph.call(function, x, weights["weight"], weights.get("bias"), stride, padding, dilation, args["groups"])


def _causal_shape(flow: Flow, args: Args) -> Flow:
    out = _conv_shape(flow, args)
    causal = bool(args["causal"])
    expect(not causal or len(flow.grid) == 1, "SD0207", "a causal convolution needs a grid of one axis")
    return out


def _depthwise(args: Args, flow: Flow) -> Args:
    return {**args, "out": flow.channels, "groups": flow.channels, "causal": False}


CONV = LayerOp(
    "conv",
    doc="convolution; `same` padding, a stride s maps a grid g to ceil(g/s); w: (out, channels/groups, *kernel)",
    args=(
        Arg("kernel", "axes"),
        Arg("out", "size", "channels"),
        Arg("stride", "axes", 1),
        Arg("dilation", "axes", 1),
        Arg("groups", "size", 1),
        Arg("bias", "flag", False),
        Arg("causal", "flag", False),
        WEIGHTS,
    ),
    shape=_causal_shape,
    weights=_conv_weights,
    macs=_conv_macs,
    lower=_conv_lower,
)

DEPTHWISE = LayerOp(
    "depthwise_conv",
    doc="convolution of each channel by itself; w: (channels, 1, *kernel)",
    args=(
        Arg("kernel", "axes"),
        Arg("stride", "axes", 1),
        Arg("dilation", "axes", 1),
        Arg("bias", "flag", False),
        WEIGHTS,
    ),
    shape=lambda flow, args: _conv_shape(flow, _depthwise(args, flow)),
    weights=lambda flow, args: _conv_weights(flow, _depthwise(args, flow)),
    macs=lambda flow, out, args: _conv_macs(flow, out, _depthwise(args, flow)),
    lower=lambda graph, x, args, weights: _conv_lower(graph, x, _depthwise(args, args["flow"]), weights),
)

LAYERS = (CONV, DEPTHWISE)
