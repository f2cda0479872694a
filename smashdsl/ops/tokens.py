"""Layers on sequences of tokens, which flow as (n, channels, length)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smashdsl.ops.conv import WEIGHTS
from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, Size, Weight, expect, product

if TYPE_CHECKING:
    from torch import Tensor


def embed(x: Tensor, weight: Tensor) -> Tensor:
    """Look up each token; x: (n, length) whole numbers, weight: (vocabulary, channels); gives (n, channels, length)."""
    import torch.nn.functional as F

    return F.embedding(x, weight).transpose(1, 2)


def attend(x: Tensor, weight: Tensor, bias: Tensor | None, out_bias: Tensor | None, heads: int, causal: bool) -> Tensor:
    """Let every position mix the values of all positions, or of those up to itself (Vaswani et al., 2017).

    x: (n, channels, length). weight: (4 * width, channels), four rows for each of ``width`` inner channels: of the
    query, the key, the value, and of the output projection, transposed. So the first rows of a wider weight are the
    same projections to fewer inner channels. bias: (3 * width,) in the same order, out_bias: (channels,).
    """
    import torch
    import torch.nn.functional as F

    rows = weight.unflatten(0, (-1, 4))
    inner = torch.einsum("wrc,ncl->nrlw", rows[:, :3], x)
    if bias is not None:
        inner = inner + bias.unflatten(0, (-1, 3)).t().unsqueeze(1)
    query, key, value = inner.unflatten(3, (heads, -1)).transpose(2, 3).unbind(1)
    mixed = F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    y = torch.einsum("nlw,wc->ncl", mixed.transpose(1, 2).flatten(2), rows[:, 3])
    return y if out_bias is None else y + out_bias.unsqueeze(1)


def _embedding_shape(flow: Flow, args: Args) -> Flow:
    expect(args["out"] >= 1, "SD0208", "`embedding` can't make {} channels", args["out"])
    return Flow(args["out"], flow.grid, tokens=True)


def _embedding(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    return graph.call(embed, x, weights["weight"])


def _need_tokens(flow: Flow, name: str) -> None:
    expect(
        flow.tokens,
        "SD0207",
        "`{}` takes a sequence of tokens, but {} arrives",
        name,
        flow,
        help="make a sequence of a grid by `tokens`",
        about="grid",
    )


def _positions_shape(flow: Flow, args: Args) -> Flow:
    _need_tokens(flow, "positions")
    return flow


def _positions(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch

    return graph.call(torch.add, x, weights["weight"])


def _attention_shape(flow: Flow, args: Args) -> Flow:
    _need_tokens(flow, "attention")
    heads, width = args["heads"], args["width"]
    expect(heads >= 1, "SD0208", "heads = {} is less than 1", heads)
    expect(width >= 1, "SD0208", "width = {} is less than 1", width)
    expect(
        width % heads == 0,
        "SD0203",
        "heads = {} does not divide the inner channels, {}",
        heads,
        width,
        help="let heads divide the channels that arrive, or set `width`",
    )
    return flow


def _attention_weights(flow: Flow, args: Args) -> dict[str, Weight]:
    weights = {"weight": Weight((4 * args["width"], flow.channels), "kaiming")}
    if args["bias"]:
        weights["bias"] = Weight((3 * args["width"],), "zeros")
        weights["out_bias"] = Weight((flow.channels,), "zeros")
    return weights


def _attention_macs(flow: Flow, out: Flow, args: Args) -> Size:
    length, width = flow.grid[0], args["width"]
    return 4 * width * flow.channels * length + 2 * length * length * width


def _attention(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    bias, out_bias = weights.get("bias"), weights.get("out_bias")
    return graph.call(attend, x, weights["weight"], bias, out_bias, args["heads"], args["causal"])


def _tokens_shape(flow: Flow, args: Args) -> Flow:
    expect(
        len(flow.grid) > 0 and not flow.tokens,
        "SD0207",
        "`tokens` makes a sequence of a grid, but {} arrives",
        flow,
        about="grid",
    )
    return Flow(flow.channels, (product(flow.grid),), tokens=True)


def _tokens(graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
    import torch

    return graph.call(torch.flatten, x, 2)


LAYERS = (
    LayerOp(
        "embedding",
        _embedding,
        (Arg("out", "size"), WEIGHTS),
        shape=_embedding_shape,
        weights=lambda flow, args: {"weight": Weight((flow.channels, args["out"]), "small")},
        doc="a learned vector for each token; the only layer that takes them as they come in; w: (vocabulary, out)",
        raw=True,
    ),
    LayerOp(
        "positions",
        _positions,
        (WEIGHTS,),
        shape=_positions_shape,
        weights=lambda flow, args: {"weight": Weight((flow.channels, flow.grid[0]), "small")},
        doc="a learned vector for each position, added; w: (channels, length)",
    ),
    LayerOp(
        "attention",
        _attention,
        (
            Arg("heads", "size"),
            Arg("causal", "flag", False),
            Arg("width", "size", "channels"),
            Arg("bias", "flag", True),
            WEIGHTS,
        ),
        shape=_attention_shape,
        weights=_attention_weights,
        macs=_attention_macs,
        doc="multi-head self attention with `width` inner channels, all projections in one w: (4 width, channels)",
    ),
    LayerOp("tokens", _tokens, shape=_tokens_shape, doc="a grid as a sequence of its places, row by row"),
)
