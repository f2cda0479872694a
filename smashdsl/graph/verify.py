"""What every graph must be, checked after it is built."""

from __future__ import annotations

import operator
from typing import Any

from torch import fx

HOMES = ("torch", "smashdsl.ops", "smashdsl.graph")


class GraphError(AssertionError):
    """A graph that breaks a rule: a fault of this package, never of a spec."""


def verify(graph: fx.Graph) -> None:
    """Check a graph: two placeholders, one output, known pure functions, every node with its site path.

    Raises `GraphError`.
    """
    graph.lint()
    nodes = list(graph.nodes)
    kinds = [node.op for node in nodes]
    _hold(kinds[:2] == ["placeholder"] * 2, "the placeholders x and weights come first")
    _hold(kinds.count("placeholder") == 2, "there are two placeholders")
    _hold(kinds.count("output") == 1 and kinds[-1] == "output", "one output comes last")
    for node in nodes[2:-1]:
        _hold(node.op == "call_function", f"{node.name} is a {node.op}")
        _hold(_known(node.target), f"{node.name} calls {node.target}, which is not on the list")
        _hold("smash" in node.meta and node.stack_trace is not None, f"{node.name} does not know its place in the spec")


def _known(target: Any) -> bool:
    if target is operator.getitem:
        return True
    home = getattr(target, "__module__", None) or ""
    return home.startswith(HOMES) or type(target).__name__ == "builtin_function_or_method"


def _hold(condition: bool, rule: str) -> None:
    if not condition:
        raise GraphError(f"graph: {rule}")
