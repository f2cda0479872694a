"""All layers by name."""

from __future__ import annotations

from smashdsl.ops import activation, conv, linear, norm, pool, shape
from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, ShapeError, Weight

__all__ = ["LAYERS", "Arg", "Args", "Flow", "LayerOp", "Lowering", "ShapeError", "Weight"]

FAMILIES = (conv, linear, norm, activation, pool, shape)
LAYERS: dict[str, LayerOp] = {layer.name: layer for family in FAMILIES for layer in family.LAYERS}
