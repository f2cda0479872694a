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
        about="grid",
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
        about="channels",
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


def _sides(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the padding before and behind one axis.

    A kernel as wide as its stride tiles the grid, as a pool's window does; another is centred, and an even one pads one
    more behind.
    """
    if kernel == stride and dilation == 1:
        return 0, -size % stride
    total = dilation * (kernel - 1)
    return total // 2, total - total // 2


def _conv_lower(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    flow: Flow = args["flow"]
    kernel, stride, dilation = _geometry(flow, args)
    if args["causal"]:
        sides = [(dilation[0] * (kernel[0] - 1), 0)]
    else:
        sides = [_sides(*sizes) for sizes in zip(flow.grid, kernel, stride, dilation, strict=True)]
    padding = tuple(before for before, _ in sides)
    if any(before != after for before, after in sides):
        # no `padding` argument can say this
        x = graph.call(F.pad, x, tuple(side for pair in reversed(sides) for side in pair))
        padding = (0,) * len(sides)
    function = (F.conv1d, F.conv2d, F.conv3d)[len(flow.grid) - 1]
    return graph.call(function, x, weights["weight"], weights.get("bias"), stride, padding, dilation, args["groups"])


def _causal_shape(flow: Flow, args: Args) -> Flow:
    out = _conv_shape(flow, args)
    causal = bool(args["causal"])
    expect(
        not causal or len(flow.grid) == 1,
        "SD0207",
        "a causal convolution needs tokens or a grid of one axis",
        about="grid",
    )
    return out


def _depthwise(args: Args, flow: Flow) -> Args:
    return {**args, "out": flow.channels, "groups": flow.channels}


CONV = LayerOp(
    "conv",
    doc="convolution; `same` padding, a stride s maps a grid g to ceil(g/s), a kernel of s tiles it; "
    "w: (out, channels/groups, *kernel)",
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
        Arg("causal", "flag", False),
        WEIGHTS,
    ),
    shape=lambda flow, args: _causal_shape(flow, _depthwise(args, flow)),
    weights=lambda flow, args: _conv_weights(flow, _depthwise(args, flow)),
    macs=lambda flow, out, args: _conv_macs(flow, out, _depthwise(args, flow)),
    lower=lambda graph, x, args, weights: _conv_lower(graph, x, _depthwise(args, args["flow"]), weights),
)

LAYERS = (CONV, DEPTHWISE)
