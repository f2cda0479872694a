"""The op table: every layer of the language, one entry each."""

from smashdsl.ops.table import LAYERS, Arg, Args, Flow, LayerOp, Lowering, ShapeError, Weight, find

__all__ = ["LAYERS", "Arg", "Args", "Flow", "LayerOp", "Lowering", "ShapeError", "Weight", "find"]
