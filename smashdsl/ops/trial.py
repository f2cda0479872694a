"""A user's function tried out on tensors of given shapes, before a graph calls it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from smashdsl.ops.fault import on, told
from smashdsl.ops.op import Args, Flow, Weight

if TYPE_CHECKING:
    from torch import Tensor

    from smashdsl.ops.user import UserLayer

EXAMPLES = 2


def hold_function(layer: UserLayer, flow: Flow, after: Flow, args: Args, weights: Mapping[str, Weight]) -> None:
    """Hold a layer's function to its shape rule, once for each shape and arguments.

    Raises `Fault` when it raises, puts out another shape or something that is no tensor, or changes what it is given.
    """
    shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
    key = (flow, tuple(args.items()), tuple(shapes.items()))
    if key in layer.tried:
        return
    given = {"x": (EXAMPLES, flow.channels, *flow.grid), **shapes}
    try:
        # shapes alone cost nothing; a function that looks at values, or a kernel of its own, needs some
        tensors, out = _run(layer, given, args, "meta")
    except Exception:
        try:
            tensors, out = _run(layer, given, args, "cpu")
        except Exception as error:
            raise layer.fault(f"its function raises {told(error)} on {on(flow, args)}", None, error) from error
    _hold_result(layer, flow, after, tensors, out)
    layer.tried.add(key)


def _run(layer: UserLayer, shapes: Mapping[str, Any], args: Args, device: str) -> tuple[dict[str, Tensor], Any]:
    import torch

    tensors = {name: torch.full(shape, 0.5, device=device) for name, shape in shapes.items()}
    weights = {name: tensor for name, tensor in tensors.items() if name != "x"}
    with torch.no_grad():
        return tensors, layer.function(tensors["x"], **weights, **args)


def _hold_result(layer: UserLayer, flow: Flow, after: Flow, tensors: Mapping[str, Tensor], out: Any) -> None:
    import torch

    for name, tensor in tensors.items():
        if tensor._version:
            what = "its input" if name == "x" else f"its weight `{name}`"
            raise layer.fault(f"its function changes {what} in place, which others read too")
    if not isinstance(out, torch.Tensor):
        raise layer.fault(f"its function returns {type(out).__name__}, which is no tensor")
    if not out.is_floating_point():
        raise layer.fault(f"its function returns numbers of type {out.dtype}, through which nothing can be learned")
    if out.dim() < 2 or (out.shape[0], *out.shape[1:]) != (EXAMPLES, after.channels, *after.grid):
        left = f"{list(out.shape[1:])}" if out.dim() and out.shape[0] == EXAMPLES else f"a tensor {list(out.shape)}"
        raise layer.fault(f"its function makes {left} out of {flow}, but its shape rule says {after}")
