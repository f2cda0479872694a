"""What every graph must be, checked after it is built."""

from __future__ import annotations

import operator
from functools import cache
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import fx

from smashdsl.graph import functions
from smashdsl.ops import LAYERS
from smashdsl.ops.user import FUNCTIONS

# where torch keeps the functions that are not written in Python
BUILT_IN = (torch, torch.nn.functional, torch._C._nn)


class GraphError(AssertionError):
    """A graph that breaks a rule: a fault of this package, never of a spec."""


def verify(graph: fx.Graph) -> None:
    """Check a graph: two placeholders, one output, known pure functions, every node with its site path.

    Raises `GraphError`.
    """
    nodes = list(graph.nodes)
    kinds = [node.op for node in nodes]
    _hold(kinds[:2] == ["placeholder"] * 2, "the placeholders x and weights come first")
    _hold(kinds.count("placeholder") == 2, "there are two placeholders")
    _hold(kinds.count("output") == 1 and kinds[-1] == "output", "one output comes last")
    weights = nodes[1]
    for node in nodes[2:-1]:
        _hold(node.op == "call_function", f"{node.name} is a {node.op}")
        _hold(known(node.target), f"{node.name} calls {node.target}, which is not on the list")
        _hold("smash" in node.meta and node.stack_trace is not None, f"{node.name} does not know its place in the spec")
        takes = node.target is operator.getitem
        _hold(takes == (weights in node.all_input_nodes), f"{node.name} uses the weights other than by one name")
        if takes:
            named = node.args[0] is weights and type(node.args[1]) is str
            _hold(named, f"{node.name} takes something other than a weight by its name")
    try:
        graph.lint()
    except RuntimeError as error:
        raise GraphError(f"graph: {error}") from error


def known(target: Any) -> bool:
    """Return whether a graph may call a function: torch's, ours, and those of layers; none that changes its input."""
    name = getattr(target, "__name__", "")
    if target is operator.getitem or _is_users(target):
        return True
    if not callable(target) or isinstance(target, type) or (name.endswith("_") and not name.startswith("_")):
        return False
    if isinstance(target, BuiltinFunctionType):
        return any(getattr(home, name, None) is target for home in BUILT_IN)
    return getattr(target, "__module__", None) in _homes()


def _is_users(target: Any) -> bool:
    """Return whether a layer was made of a function; its inputs were held unchanged when the graph was built."""
    return isinstance(target, FunctionType) and target in FUNCTIONS


@cache
def _homes() -> frozenset[str]:
    """Return the modules that define what graphs may call; an op may call what stands beside it."""
    ops = {layer.lower.__module__ for layer in LAYERS.values()}
    return frozenset({torch.nn.functional.__name__, functions.__name__, *ops})


def _hold(condition: bool, rule: str) -> None:
    if not condition:
        raise GraphError(f"graph: {rule}")
