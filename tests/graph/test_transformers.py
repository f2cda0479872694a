"""Transformers written by hand in torch, given the same weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import smashdsl
from smashdsl.graph.build import build
from smashdsl.graph.execute import Program
from tests.graph.test_against_oracle import close, given_weights
from tests.handmade import example


class Attention(nn.Module):
    """torch's own attention on (n, channels, length)."""

    def __init__(self, weights: dict[str, Tensor], heads: int, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        weight, channels = weights["weight"], weights["weight"].shape[1]
        self.inner = nn.MultiheadAttention(channels, heads, batch_first=True, dtype=weight.dtype)
        self.inner.in_proj_weight = nn.Parameter(torch.cat([weight[role::4] for role in range(3)]))
        self.inner.in_proj_bias = nn.Parameter(torch.cat([weights["bias"][role::3] for role in range(3)]))
        self.inner.out_proj.weight = nn.Parameter(weight[3::4].t())
        self.inner.out_proj.bias = nn.Parameter(weights["out_bias"])

    def forward(self, x: Tensor) -> Tensor:
        length = x.shape[2]
        mask = nn.Transformer.generate_square_subsequent_mask(length, dtype=x.dtype) if self.causal else None
        x = x.transpose(1, 2)
        y, _ = self.inner(x, x, x, attn_mask=mask, need_weights=False)
        return y.transpose(1, 2)


def parts(weights: dict[str, Tensor], path: str) -> dict[str, Tensor]:
    return {name.removeprefix(f"{path}."): w for name, w in weights.items() if name.rpartition(".")[0] == path}


def layer_norm(x: Tensor, weights: dict[str, Tensor], path: str) -> Tensor:
    own = parts(weights, path)
    module = nn.LayerNorm(x.shape[1], dtype=x.dtype)
    module.weight, module.bias = nn.Parameter(own["scale"]), nn.Parameter(own["shift"])
    y: Tensor = module(x.transpose(1, 2))
    return y.transpose(1, 2)


def dense(x: Tensor, weights: dict[str, Tensor], path: str) -> Tensor:
    own = parts(weights, path)
    return F.linear(x.transpose(1, 2), own["weight"], own["bias"]).transpose(1, 2)


def gpt(x: Tensor, weights: dict[str, Tensor], decisions: dict[str, object]) -> Tensor:
    """Follow `char_gpt` for one architecture."""
    embedding = nn.Embedding.from_pretrained(weights["stem.embedding.weight"])
    y = embedding(x).transpose(1, 2) + weights["stem.positions.weight"]
    for k in range(int(str(decisions["decoder.ops"]))):
        op = f"decoder.op[{k}]"
        z = layer_norm(y, weights, f"{op}.norm")
        taken = decisions[f"{op}.choose"]
        if taken == 0:
            own = parts(weights, f"{op}.attention[0]")
            own["weight"] = own["weight"] / own["weight"].norm()
            y = y + Attention(own, int(str(decisions[f"{op}.attention[0].heads"])), True)(z)
        elif taken == 1:
            wide = F.gelu(dense(z, weights, f"{op}.linear[0]"))
            y = (
                y
                + Attention(parts(weights, f"{op}.attention[1]"), 4, True)(z)
                + dense(wide, weights, f"{op}.linear[1]")
            )
        else:
            kernel = weights[f"{op}.conv.weight"]
            y = y + F.conv1d(F.pad(z, (kernel.shape[2] - 1, 0)), kernel)
    return dense(layer_norm(y, weights, "head.norm"), weights, "head.linear")


@pytest.mark.parametrize("seed", range(4))
def test_a_decoder_is_the_one_written_by_hand(seed: int) -> None:
    of = example("char_gpt")
    architecture = of.sample(seed=seed)
    network = build(architecture)
    weights = given_weights(network, torch.float32)
    x = torch.randint(96, (2, 256), generator=torch.Generator().manual_seed(seed))
    weights = {name: weight.detach() for name, weight in weights.items()}
    close(Program(network.graph)(x, weights), gpt(x, weights, architecture.decisions()), 1e-5)


VIT = """smash 1
space vit {
  input image[3, 16, 16]
  output classes(5)
  stem { conv(4x4, 24, stride = 4, bias = true); tokens; positions }
  op layer {
    read last
    sum { identity | norm; attention(3) }
    sum { identity | norm; linear(96); gelu; linear(24) }
    write last by replace
  }
  block encoder { banks 1 of 24
    ops 3 of layer }
  head { norm; global_avg_pool; linear(classes) }
}
"""


def test_a_vision_transformer_is_the_one_of_torch() -> None:
    of = smashdsl.loads(VIT)
    network = build(of.sample(seed=0))
    weights = {name: weight.detach() for name, weight in given_weights(network, torch.float32).items()}
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    patches = F.conv2d(x, weights["stem.conv.weight"], weights["stem.conv.bias"], stride=4)
    y = patches.flatten(2) + weights["stem.positions.weight"]
    for k in range(3):
        layer = nn.TransformerEncoderLayer(24, 3, 96, 0.0, "gelu", batch_first=True, norm_first=True)
        op = f"encoder.op[{k}]"
        layer.self_attn = Attention(parts(weights, f"{op}.attention"), 3, False).inner
        for place, module in enumerate((layer.norm1, layer.norm2)):
            own = parts(weights, f"{op}.norm[{place}]")
            module.weight, module.bias = nn.Parameter(own["scale"]), nn.Parameter(own["shift"])
        for place, linear in enumerate((layer.linear1, layer.linear2)):
            own = parts(weights, f"{op}.linear[{place}]")
            linear.weight, linear.bias = nn.Parameter(own["weight"]), nn.Parameter(own["bias"])
        y = layer(y.transpose(1, 2)).transpose(1, 2)
    y = layer_norm(y, weights, "head.norm").mean(2)
    expected = F.linear(y, weights["head.linear.weight"], weights["head.linear.bias"])
    close(Program(network.graph)(x, weights), expected, 1e-5)


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("width", [8, 16])
@pytest.mark.parametrize("causal", [False, True])
def test_the_first_inner_channels_of_a_wider_attention_are_its_own(heads: int, width: int, causal: bool) -> None:
    from smashdsl.ops.tokens import attend

    torch.manual_seed(0)
    x, weight = torch.randn(2, 6, 5, dtype=torch.float64), torch.randn(4 * 16, 6, dtype=torch.float64)
    bias = torch.randn(3 * 16, dtype=torch.float64)
    narrow = weight[: 4 * width], bias[: 3 * width]
    found = attend(x, *narrow, None, heads, causal)
    query, key, value = (weight[role::4][:width] @ x + bias[role::3][:width, None] for role in range(3))
    split = [part.unflatten(1, (heads, -1)).transpose(2, 3) for part in (query, key, value)]
    mixed = F.scaled_dot_product_attention(*split, is_causal=causal)
    expected = weight[3::4][:width].t() @ mixed.transpose(2, 3).flatten(1, 2)
    close(found, expected, 1e-9)


@pytest.mark.parametrize(
    ("layer", "module"),
    [
        ("norm", nn.LayerNorm(8)),
        ("norm(layer)", nn.LayerNorm(8)),
        ("norm(rms)", nn.RMSNorm(8, eps=1e-5)),
    ],
)
def test_a_norm_looks_at_one_position(layer: str, module: nn.Module) -> None:
    text = f"smash 1\nspace s {{\n  input tokens[5] of 7\n  output next_token(7)\n  stem {{ embedding(8); {layer} }}\n"
    of = smashdsl.loads(text + "  head { linear(7) }\n}\n")
    network = of.module(of.sample(seed=0))
    assert network.network.statistics == {}
    weights = network.tensors()
    torch.nn.init.normal_(weights["stem.norm.scale"])
    module.weight = weights["stem.norm.scale"]
    x = torch.randint(7, (3, 5))
    y = module(F.embedding(x, weights["stem.embedding.weight"]))
    expected = F.linear(y, weights["head.linear.weight"], weights["head.linear.bias"]).transpose(1, 2)
    close(network(x), expected, 1e-5)
