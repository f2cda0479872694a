"""Three layers for smashdsl. torch is imported inside the functions, so that checking a spec does not load it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import smashdsl
from smashdsl import Arg, Flow, Weight

if TYPE_CHECKING:
    from torch import Tensor


# -- ghost convolution (Han et al., 2020): half of the channels are made, the others follow from them ----------


@smashdsl.layer("ghost_conv", args=(Arg("out", "size", "channels"), Arg("kernel", "axes", 3)))
def ghost_conv(x: Tensor, weight: Tensor, cheap: Tensor, *, out: int, kernel: tuple[int, ...]) -> Tensor:
    """A 1x1 convolution to half of the channels, and a depthwise one of these to the other half."""
    import torch
    import torch.nn.functional as F

    primary = F.conv2d(x, weight)
    follow = F.conv2d(primary, cheap, padding=tuple(k // 2 for k in kernel), groups=out // 2)
    return torch.cat([primary, follow], 1)


@ghost_conv.shape
def _ghost_shape(flow: Flow, *, out: int, kernel: tuple[int, ...]) -> Flow:
    smashdsl.expect(len(flow.grid) == 2, "`ghost_conv` needs a grid of two axes")
    smashdsl.expect(out % 2 == 0, f"`ghost_conv` can't make {out} channels, an odd number", "make an even number")
    smashdsl.expect(all(k % 2 for k in kernel), "the kernel of `ghost_conv` is odd", "take 3 or 5")
    return Flow(out, flow.grid)


@ghost_conv.weights
def _ghost_weights(flow: Flow, *, out: int, kernel: tuple[int, ...]) -> dict[str, Weight]:
    return {
        "weight": Weight((out // 2, flow.channels, 1, 1), "kaiming"),
        "cheap": Weight((out // 2, 1, *kernel), "kaiming"),
    }


@ghost_conv.macs
def _ghost_macs(flow: Flow, left: Flow, *, out: int, kernel: tuple[int, ...]) -> int:
    return prod(left.grid) * (out // 2) * (flow.channels + prod(kernel))


# -- channel shuffle (Zhang et al., 2018) -----------------------------------------------------------------------


@smashdsl.layer("channel_shuffle", args=(Arg("groups", "size", 2),))
def channel_shuffle(x: Tensor, *, groups: int) -> Tensor:
    """Channels dealt out anew, so that those of each group meet those of the others."""
    return x.unflatten(1, (groups, -1)).transpose(1, 2).flatten(1, 2)


@channel_shuffle.shape
def _shuffle_shape(flow: Flow, *, groups: int) -> Flow:
    smashdsl.expect(
        groups >= 1 and flow.channels % groups == 0,
        f"channel_shuffle({groups}) does not divide the channels that arrive, {flow.channels}",
        "take a number of groups that divides them",
    )
    return flow


# -- anti-aliased pool (Zhang, 2019) ----------------------------------------------------------------------------


@smashdsl.layer("blur_pool", args=(Arg("stride", "size", 2), Arg("edge", "word", "zeros", ("zeros", "reflect"))))
def blur_pool(x: Tensor, *, stride: int, edge: str) -> Tensor:
    """A binomial filter of three by three, then every ``stride``-th value."""
    import torch
    import torch.nn.functional as F

    line = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    channels = x.shape[1]
    kernel = (line[:, None] * line).expand(channels, 1, 3, 3)
    padded = F.pad(x, (1, 1, 1, 1), mode="reflect" if edge == "reflect" else "constant")
    return F.conv2d(padded, kernel, stride=stride, groups=channels)


@blur_pool.shape
def _blur_shape(flow: Flow, *, stride: int, edge: str) -> Flow:
    smashdsl.expect(len(flow.grid) == 2, "`blur_pool` needs a grid of two axes")
    smashdsl.expect(stride >= 1, f"stride {stride} is less than 1")
    smashdsl.expect(edge == "zeros" or min(flow.grid) > 1, "a grid of one has nothing to reflect", "edge = zeros")
    return Flow(flow.channels, tuple((size + stride - 1) // stride for size in flow.grid))


@blur_pool.macs
def _blur_macs(flow: Flow, left: Flow, *, stride: int, edge: str) -> int:
    return 9 * left.channels * prod(left.grid)
