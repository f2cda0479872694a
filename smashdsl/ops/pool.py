"""Pools: layers that look at windows of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, axes, expect

if TYPE_CHECKING:
    from torch import Tensor


def _shape(flow: Flow, args: Args) -> Flow:
    expect(
        len(flow.grid) > 0,
        "SD0207",
        "a pool needs a grid, but {} channels without one arrive",
        flow.channels,
        about="grid",
    )
    kernel = axes(args["kernel"], flow.grid, "kernel")
    stride = axes(args["stride"], flow.grid, "stride")
    for k, s, g in zip(kernel, stride, flow.grid, strict=True):
        expect(s >= 1, "SD0208", "stride {} is less than 1", s)
        expect(k >= 1, "SD0208", "kernel {} is less than 1", k)
        expect(
            (k % 2 == 1) | (k == s),
            "SD0207",
            "a pool with the even window {} needs stride {}",
            k,
            k,
            help="let the stride be the window, or take an odd window",
        )
        expect(
            g % s == 0,
            "SD0206",
            "stride {} does not divide the grid {}",
            s,
            g,
            help="a strided pool must divide the grid",
            about="grid",
        )
    return flow._replace(grid=tuple(g // s for g, s in zip(flow.grid, stride, strict=True)))


def _windows(args: Args) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    flow: Flow = args["flow"]
    kernel = axes(args["kernel"], flow.grid, "kernel")
    stride = axes(args["stride"], flow.grid, "stride")
    # a window as wide as its stride tiles the grid; an odd one is centred
    return kernel, stride, tuple(0 if k == s else (k - 1) // 2 for k, s in zip(kernel, stride, strict=True))


def wide_avg_pool3d(x: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...]) -> Tensor:
    """Take means over windows that may be wider than the grid, which torch refuses on three axes; x: (n, c, *grid)."""
    import torch
    import torch.nn.functional as F

    sides = [side for size in reversed(padding) for side in (size, size)]
    share = F.avg_pool3d(F.pad(torch.ones_like(x[:1, :1]), sides), kernel, stride)
    return F.avg_pool3d(F.pad(x, sides), kernel, stride) / share


def _avg(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    kernel, stride, padding = _windows(args)
    if len(kernel) == 3 and any(k > g for k, g in zip(kernel, args["flow"].grid, strict=True)):
        return graph.call(wide_avg_pool3d, x, kernel, stride, padding)
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(kernel) - 1]
    return graph.call(function, x, kernel, stride, padding, count_include_pad=False)


def _max(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch.nn.functional as F

    kernel, stride, padding = _windows(args)
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(kernel) - 1]
    return graph.call(function, x, kernel, stride, padding)


def _global_shape(flow: Flow, args: Args) -> Flow:
    expect(len(flow.grid) > 0, "SD0207", "`global_avg_pool` needs a grid, but {} arrives", flow, about="grid")
    return Flow(flow.channels, ())


def _global_avg(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch

    return graph.call(torch.mean, x, tuple(range(2, 2 + len(args["flow"].grid))))


WINDOW = (Arg("kernel", "axes"), Arg("stride", "axes", 1))
LAYERS = (
    LayerOp("avg_pool", _avg, WINDOW, shape=_shape, doc="mean over windows; padding is not counted"),
    LayerOp("max_pool", _max, WINDOW, shape=_shape, doc="maximum over windows"),
    LayerOp(
        "global_avg_pool", _global_avg, shape=_global_shape, doc="mean over the whole grid or sequence; leaves a vector"
    ),
)
