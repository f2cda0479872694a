"""Run a graph without generating code for it.

A search builds thousands of graphs and runs each a few times; every `GraphModule` would keep its source text alive for
ever, and costs more to make than the calls it saves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, fx


class Program:
    """A graph as a list of calls on numbered values; values are dropped after their last use."""

    def __init__(self, graph: fx.Graph) -> None:
        nodes = list(graph.nodes)
        self.number = {node: i for i, node in enumerate(nodes)}
        last: dict[int, int] = {}
        for i, node in enumerate(nodes):
            for used in node.all_input_nodes:
                last[self.number[used]] = i
        self.calls: list[tuple[int, Callable[..., Any], Any, Any, tuple[int, ...]]] = []
        for i, node in enumerate(nodes):
            if node.op == "call_function":
                done = tuple(n for n in {self.number[u] for u in node.all_input_nodes} if last[n] == i)
                args = tuple(self._argument(a) for a in node.args)
                kwargs = {k: self._argument(v) for k, v in node.kwargs.items()}
                assert callable(node.target)
                self.calls.append((i, node.target, args, kwargs, done))
        self.result = self.number[nodes[-1].args[0]]  # type: ignore[index]

    def _argument(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            return _Value(self.number[value])
        if isinstance(value, list | tuple):
            items = [self._argument(item) for item in value]
            return items if any(isinstance(item, _Value) for item in items) else type(value)(items)
        return value

    def __call__(self, x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        values: dict[int, Any] = {0: x, 1: weights}

        def resolve(value: Any) -> Any:
            if type(value) is _Value:
                return values[value.index]
            return [resolve(item) for item in value] if type(value) is list else value

        for index, function, args, kwargs, done in self.calls:
            result = function(*[resolve(a) for a in args], **{k: resolve(v) for k, v in kwargs.items()})
            for number in done:
                del values[number]
            values[index] = result
        return values[self.result]  # type: ignore[no-any-return]


class _Value:
    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index
