"""All layers by name: those of the language, and those that packages add."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smashdsl.ops import activation, conv, linear, norm, pool, shape, tokens
from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, ShapeError, Weight

if TYPE_CHECKING:
    from smashdsl.ops.user import UserLayer

__all__ = ["LAYERS", "Arg", "Args", "Flow", "LayerOp", "Lowering", "ShapeError", "Weight", "find", "find_user_layer"]

FAMILIES = (conv, linear, norm, activation, pool, shape, tokens)
LAYERS: dict[str, LayerOp] = {layer.name: layer for family in FAMILIES for layer in family.LAYERS}
# what decorated functions are known by, filled as the modules that hold them are imported
USER_LAYERS: dict[str, UserLayer] = {}


def find(name: str) -> LayerOp | None:
    """Return the layer of a name, or None; a package that provides it is imported when it is first asked for.

    Raises `Fault` when the package that provides it can't.
    """
    if name in LAYERS:
        return LAYERS[name]
    layer = find_user_layer(name)
    return None if layer is None else layer.op


def find_user_layer(name: str) -> UserLayer | None:
    """Return a layer that a package or an imported module adds, or None."""
    from smashdsl.ops.plugins import provided  # looks through the installed packages

    return provided(name) or USER_LAYERS.get(name)
