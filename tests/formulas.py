"""Every layer of the language as a formula on tensors: its arguments and defaults, its weights, what it computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

Args = Mapping[str, Any]
Formula = Callable[[Tensor, Args, Mapping[str, Tensor]], Tensor]
EPSILON = 1e-5


def unit(w: Tensor) -> Tensor:
    """Return a generated weight as the network uses it: divided by the norm of the whole tensor."""
    return w / w.pow(2).sum().sqrt()


def sides(value: Any, x: Tensor) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * (x.dim() - 2)


def windows(x: Tensor, kernel: tuple[int, ...], stride: Any, dilation: Any, out: tuple[int, ...]) -> Iterator[Any]:
    """Yield, for each place in a kernel, that place and what a padded input holds there: (n, c, *out)."""
    for place in product(*map(range, kernel)):
        at = [slice(t * d, t * d + s * (o - 1) + 1, s) for t, d, s, o in zip(place, dilation, stride, out, strict=True)]
        yield place, x[(slice(None), slice(None), *at)]


def padded(x: Tensor, before: list[int], after: list[int], value: float = 0.0) -> Tensor:
    ends = [end for pair in zip(reversed(before), reversed(after), strict=True) for end in pair]
    return F.pad(x, ends, value=value)


def conv(x: Tensor, args: Args, w: Mapping[str, Tensor]) -> Tensor:
    """Same padding: a grid g becomes ceil(g / stride); an even kernel pads one more behind.

    A kernel as wide as its stride starts at the grid's start.
    """
    weight, groups = w["weight"], args["groups"]
    kernel, stride, dilation = (sides(args[name], x) for name in ("kernel", "stride", "dilation"))
    out = tuple(-(-g // s) for g, s in zip(x.shape[2:], stride, strict=True))
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    before = total if args.get("causal") else [t // 2 for t in total]
    if not args.get("causal"):
        tiles = [k == s and d == 1 for k, s, d in zip(kernel, stride, dilation, strict=True)]
        before = [0 if tile else b for tile, b in zip(tiles, before, strict=True)]
    wide = padded(x, before, [t - b for t, b in zip(total, before, strict=True)])
    n, c = x.shape[:2]
    filters = weight.reshape(groups, weight.shape[0] // groups, c // groups, *kernel)
    result: Any = 0
    for place, part in windows(wide, kernel, stride, dilation, out):
        here = part.reshape(n, groups, c // groups, -1)
        result = result + torch.einsum("ngip,goi->ngop", here, filters[(..., *place)])
    y = result.reshape(n, weight.shape[0], *out)
    return y + w["bias"].reshape(-1, *(1,) * len(out)) if "bias" in w else y


def depthwise(x: Tensor, args: Args, w: Mapping[str, Tensor]) -> Tensor:
    return conv(x, {**args, "groups": x.shape[1]}, w)


def pool(x: Tensor, args: Args, largest: bool) -> Tensor:
    """Windows as wide as their stride tile the grid, others are centred; what lies outside does not count."""
    kernel, stride = sides(args["kernel"], x), sides(args["stride"], x)
    out = tuple(g // s for g, s in zip(x.shape[2:], stride, strict=True))
    pad = [0 if k == s else (k - 1) // 2 for k, s in zip(kernel, stride, strict=True)]
    steps = (1,) * len(kernel)
    wide = padded(x, pad, pad, -math.inf if largest else 0.0)
    parts = [part for _, part in windows(wide, kernel, stride, steps, out)]
    if largest:
        return torch.stack(parts).amax(0)
    ones = padded(torch.ones_like(x), pad, pad)
    return sum(parts) / sum(part for _, part in windows(ones, kernel, stride, steps, out))


def norm(x: Tensor, args: Args, w: Mapping[str, Tensor]) -> Tensor:
    def shaped(v: Tensor) -> Tensor:
        return v.reshape(-1, *(1,) * (x.dim() - 2))

    if args["kind"] == "auto":
        args = {**args, "kind": "layer" if args["sequence"] else "batch"}
    if args["kind"] == "rms":
        return x / (x.pow(2).mean(1, keepdim=True) + EPSILON).sqrt() * shaped(w["scale"])
    if args["kind"] == "batch":
        axes = [0, *range(2, x.dim())]
        mean, var = x.mean(axes), x.var(axes, unbiased=False)
        if "mean" in w:
            mean, var = w["mean"], w["var"]
        y = (x - shaped(mean)) / (shaped(var) + EPSILON).sqrt()
    elif args["sequence"]:
        groups = args["groups"] if args["kind"] == "group" else 1
        parts = x.reshape(x.shape[0], groups, -1, x.shape[2])
        mean, var = parts.mean(2, keepdim=True), parts.var(2, keepdim=True, unbiased=False)
        y = ((parts - mean) / (var + EPSILON).sqrt()).reshape(x.shape)
    else:
        groups = args["groups"] if args["kind"] == "group" else 1
        parts = x.reshape(x.shape[0], groups, -1)
        mean, var = parts.mean(2, keepdim=True), parts.var(2, keepdim=True, unbiased=False)
        y = ((parts - mean) / (var + EPSILON).sqrt()).reshape(x.shape)
    return y * shaped(w["scale"]) + shaped(w["shift"])


def linear(x: Tensor, args: Args, w: Mapping[str, Tensor]) -> Tensor:
    if args["sequence"]:
        return conv(x, {"stride": 1, "dilation": 1, "groups": 1, "kernel": 1}, {**w, "weight": w["weight"][..., None]})
    y = x @ w["weight"].T
    return y + w["bias"] if "bias" in w else y


def attention(x: Tensor, args: Args, w: Mapping[str, Tensor]) -> Tensor:
    """Head by head: the rows of the query, the key, the value and the output take turns in the weight."""
    weight, length = w["weight"], x.shape[2]
    query, key, value = (weight[i::4] @ x + (w["bias"][i::3, None] if "bias" in w else 0) for i in range(3))
    size = weight.shape[0] // 4 // args["heads"]
    later = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
    heads = []
    for start in range(0, weight.shape[0] // 4, size):
        q, k, v = (part[:, start : start + size] for part in (query, key, value))
        scores = q.transpose(1, 2) @ k / math.sqrt(size)
        if args["causal"]:
            scores = scores.masked_fill(later, -math.inf)
        share = torch.exp(scores - scores.amax(2, True))
        heads.append(v @ (share / share.sum(2, True)).transpose(1, 2))
    y = weight[3::4].T @ torch.cat(heads, 1)
    return y + w["out_bias"][:, None] if "out_bias" in w else y


def embedding(x: Tensor, args: Args, w: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([w["weight"][row] for row in x]).transpose(1, 2)


def pad_channels(x: Tensor, args: Args, w: Mapping[str, Tensor]) -> Tensor:
    return torch.cat([x, x.new_zeros(x.shape[0], args["out"] - x.shape[1], *x.shape[2:])], 1)


def masked(x: Tensor, rate: float) -> Tensor:
    """Dropout with a mask that depends on nothing but places; in a graph it stands for torch's."""
    keep = torch.arange(x[0].numel(), device=x.device) * 7919 % 1000 >= rate * 1000
    return x * keep.reshape(x.shape[1:]) / (1 - rate)


def plain(function: Callable[[Tensor], Tensor]) -> tuple[dict[str, Any], Formula]:
    return {}, lambda x, args, w: function(x)


CONV = {"kernel": None, "out": "channels", "stride": 1, "dilation": 1, "groups": 1, "bias": False, "causal": False}
DEPTHWISE = {"kernel": None, "stride": 1, "dilation": 1, "bias": False, "causal": False}
ATTENTION = {"heads": None, "causal": False, "width": "channels", "bias": True}
POOL = {"kernel": None, "stride": 1}
LAYERS: dict[str, tuple[dict[str, Any], Formula]] = {
    "conv": (CONV, conv),
    "depthwise_conv": (DEPTHWISE, depthwise),
    "linear": ({"out": "channels", "bias": True}, linear),
    "norm": ({"kind": "auto", "groups": 8}, norm),
    "relu": plain(lambda x: x * (x > 0)),
    "gelu": plain(lambda x: x * (1 + torch.erf(x / math.sqrt(2))) / 2),
    "silu": plain(lambda x: x / (1 + torch.exp(-x))),
    "hard_swish": plain(lambda x: x * (x + 3).clamp(0, 6) / 6),
    "hard_sigmoid": plain(lambda x: (x + 3).clamp(0, 6) / 6),
    "tanh": plain(lambda x: 1 - 2 / (torch.exp(2 * x) + 1)),
    "sigmoid": plain(lambda x: 1 / (1 + torch.exp(-x))),
    "elu": plain(lambda x: torch.where(x > 0, x, torch.exp(x.clamp(max=0)) - 1)),
    "leaky_relu": ({"slope": 0.01}, lambda x, args, w: torch.where(x > 0, x, x * args["slope"])),
    "softmax": plain(lambda x: torch.exp(x - x.amax(1, True)) / torch.exp(x - x.amax(1, True)).sum(1, True)),
    "dropout": ({"rate": 0.5}, lambda x, args, w: masked(x, args["rate"])),
    "avg_pool": (POOL, lambda x, args, w: pool(x, args, False)),
    "max_pool": (POOL, lambda x, args, w: pool(x, args, True)),
    "global_avg_pool": plain(lambda x: x.mean(tuple(range(2, x.dim())))),
    "identity": plain(lambda x: x),
    "zero": plain(lambda x: torch.zeros_like(x)),
    "pad_channels": ({"out": None}, pad_channels),
    "flatten": plain(lambda x: x.reshape(x.shape[0], -1)),
    "tokens": plain(lambda x: x.reshape(*x.shape[:2], -1)),
    "embedding": ({"out": None}, embedding),
    "positions": ({}, lambda x, args, w: x + w["weight"]),
    "attention": (ATTENTION, attention),
}
MULTIPLIES = {"conv", "depthwise_conv", "linear", "attention"}


def layer_weights(op: str, x: Tensor, args: Args) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a layer's weights on what arrives."""
    channels = args["arriving"]
    shapes: dict[str, tuple[int, ...]] = {}
    if op == "norm":
        shapes = {"scale": (channels,), "shift": (channels,)}
        if args["kind"] == "rms":
            del shapes["shift"]
    elif op == "linear":
        shapes = {"weight": (args["out"], channels), "bias": (args["out"],)}
    elif op == "conv":
        shapes = {"weight": (args["out"], channels // args["groups"], *sides(args["kernel"], x))}
        shapes["bias"] = (args["out"],)
    elif op == "depthwise_conv":
        shapes = {"weight": (channels, 1, *sides(args["kernel"], x)), "bias": (channels,)}
    elif op == "embedding":
        shapes = {"weight": (channels, args["out"])}
    elif op == "positions":
        shapes = {"weight": (channels, x.shape[2])}
    elif op == "attention":
        shapes = {"weight": (4 * args["width"], channels), "bias": (3 * args["width"],), "out_bias": (channels,)}
    if not args.get("bias", True):
        shapes = {name: shape for name, shape in shapes.items() if "bias" not in name}
    return shapes
