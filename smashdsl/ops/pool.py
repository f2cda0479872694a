"""Pools: layers that look at windows of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, axes, expect


def _shape(flow: Flow, args: Args) -> Flow:
    expect(len(flow.grid) > 0, "SD0207", f"a pool needs a grid, but {flow.channels} channels without one arrive")
    kernel = axes(args["kernel"], flow.grid, "kernel")
    stride = axes(args["stride"], flow.grid, "stride")
    for k, s, g in zip(kernel, stride, flow.grid, strict=True):
        expect(s >= 1, "SD0208", f"stride {s} is less than 1")
        expect(k >= 1, "SD0208", f"kernel {k} is less than 1")
        expect((k % 2 == 1) | (k == s), "SD0207", f"a pool with the even window {k} needs stride {k}")
        expect(g % s == 0, "SD0206", f"stride {s} does not divide the grid {g}", "a strided pool must divide the grid")
    return Flow(flow.channels, tuple(g // s for g, s in zip(flow.grid, stride, strict=True)))


def _windows(args: Args) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    flow: Flow = args["flow"]
    kernel = axes(args["kernel"], flow.grid, "kernel")
    stride = axes(args["stride"], flow.grid, "stride")
    # a window as wide as its stride tiles the grid; an odd one is centred
    return kernel, stride, tuple(0 if k == s else (k - 1) // 2 for k, s in zip(kernel, stride, strict=True))


def _avg(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    kernel, stride, padding = _windows(args)
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    return graph.call(function, x, kernel, stride, padding, count_include_pad=False)


def _max(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    kernel, stride, padding = _windows(args)
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    return graph.call(function, x, kernel, stride, padding)


def _global_shape(flow: Flow, args: Args) -> Flow:
    expect(len(flow.grid) > 0, "SD0207", f"`global_avg_pool` needs a grid, but {flow} arrives")
    return Flow(flow.channels, ())


def _global_avg(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch

    return graph.call(torch.mean, x, tuple(range(2, 2 + len(args["flow"].grid))))


WINDOW = (Arg("kernel", "axes"), Arg("stride", "axes", 1))
LAYERS = (
    LayerOp("avg_pool", _avg, WINDOW, shape=_shape, doc="mean over windows; padding is not counted"),
    LayerOp("max_pool", _max, WINDOW, shape=_shape, doc="maximum over windows"),
    LayerOp("global_avg_pool", _global_avg, shape=_global_shape, doc="mean over the whole grid; leaves a vector"),
)
