"""The shortest words that say what a layer does."""

from __future__ import annotations

from typing import Any

from smashdsl.ops import Arg, Flow, LayerOp

NAMES = {"depthwise_conv": "dw", "avg_pool": "avg", "max_pool": "max", "global_avg_pool": "global avg"}
TIMES = "\N{MULTIPLICATION SIGN}"
LETTERS = {"stride": "s", "dilation": "d", "groups": "g"}


def describe(op: LayerOp, args: dict[str, Any], flow: Flow) -> str:
    """Return a layer as a few words; what is by default, or follows from what arrives, is left out.

    flow: what arrives.
    """
    kernel, out, words, rest = "", "", [], []
    for arg in op.args:
        value = args.get(arg.name)
        if value is None:
            continue
        if arg.name == "kernel":
            kernel = _sizes(value, len(flow.grid))
        elif arg.name == "out":
            out = "" if value == flow.channels else f"→{int(value)}"
        elif arg.kind == "word":
            words += [] if value == arg.default else [str(value)]
        elif not _idle(arg, value, args, flow):
            rest.append(_argument(arg, value))
    # a convolution is known by its window, which says less on a line
    hidden = op.name == "conv" and len(flow.grid) > 1
    name = "" if hidden else NAMES.get(op.name, op.name.replace("_", " "))
    return " ".join(part for part in (*words, name, f"{kernel}{out}" if kernel else "", *rest) if part) + (
        "" if kernel else out
    )


def _idle(arg: Arg, value: Any, args: dict[str, Any], flow: Flow) -> bool:
    """Tell whether an argument says nothing: its default, or groups that another argument turns off."""
    if arg.name == "groups" and args.get("kind", "group") != "group":
        return True
    if arg.default == "channels":
        return bool(value == flow.channels)
    return bool(value == arg.default) or (isinstance(value, tuple) and set(value) == {arg.default})


def _argument(arg: Arg, value: Any) -> str:
    name = arg.name.replace("_", " ")
    if arg.kind == "flag":
        return name if value else f"no {name}"
    text = _sizes(value, 1)
    return f"{LETTERS[arg.name]}{text}" if arg.name in LETTERS else f"{name} {text}"


def _sizes(value: Any, axes: int) -> str:
    if isinstance(value, tuple):
        return str(value[0]) if axes == 1 and len(set(value)) == 1 else TIMES.join(str(size) for size in value)
    return TIMES.join([f"{value:g}" if isinstance(value, float) else str(value)] * max(axes, 1))
