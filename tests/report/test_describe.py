"""The words for layers."""

from __future__ import annotations

from typing import Any

import pytest

from smashdsl.ops import LAYERS, Flow
from smashdsl.report.describe import describe

GRID = Flow(8, (4, 4))


def described(name: str, flow: Flow = GRID, **given: Any) -> str:
    op = LAYERS[name]
    defaults = {arg.name: flow.channels if arg.default == "channels" else arg.default for arg in op.args}
    return describe(op, {**defaults, **given}, flow).replace("\N{MULTIPLICATION SIGN}", "x")


@pytest.mark.parametrize(
    ("words", "name", "given"),
    [
        ("3x3", "conv", {"kernel": 3}),
        ("3x5→16 d2 g4", "conv", {"kernel": (3, 5), "out": 16, "dilation": (2, 2), "groups": 4}),
        ("3x3 s2 bias", "conv", {"kernel": 3, "stride": 2, "bias": True}),
        ("3x3", "conv", {"kernel": (3, 3), "stride": (1, 1)}),
        ("dw 5x5", "depthwise_conv", {"kernel": 5}),
        ("avg 2x2 s2", "avg_pool", {"kernel": 2, "stride": 2}),
        ("global avg", "global_avg_pool", {}),
        ("norm", "norm", {}),
        ("layer norm", "norm", {"kind": "layer", "groups": 4}),
        ("group norm g4", "norm", {"kind": "group", "groups": 4}),
        ("hard swish", "hard_swish", {}),
        ("dropout rate 0.25", "dropout", {"rate": 0.25}),
        ("pad channels→12", "pad_channels", {"out": 12}),
    ],
)
def test_layer_on_a_grid(words: str, name: str, given: dict[str, Any]) -> None:
    assert described(name, **given) == words


def test_layers_elsewhere() -> None:
    assert described("linear", Flow(8, ()), out=10) == "linear→10"
    assert described("linear", Flow(8, ()), out=10, bias=False) == "linear no bias→10"
    assert described("conv", Flow(8, (16,)), kernel=(5,), causal=True) == "conv 5 causal"
    assert described("conv", Flow(8, (4, 4, 4)), kernel=3) == "3x3x3"
