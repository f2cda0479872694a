"""Run a graph without generating code for it.

A search builds thousands of graphs and runs each a few times; every `GraphModule` would keep its source text alive for
ever, and costs more to make than the calls it saves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx

from smashdsl.ops.fault import told
from smashdsl.ops.user import FUNCTIONS


class _Call(NamedTuple):
    number: int
    function: Callable[..., Any]
    args: Any
    kwargs: dict[str, Any]
    done: tuple[int, ...]  # values that no later call uses
    place: str


class Program:
    """A graph as a list of calls on numbered values; values are dropped after their last use.

    `program(x, weights)` returns what the graph does; an error that a call raises names the line of the spec.
    """

    def __init__(self, graph: fx.Graph) -> None:
        nodes = list(graph.nodes)
        self.number = {node: i for i, node in enumerate(nodes)}
        last: dict[int, int] = {}
        for i, node in enumerate(nodes):
            for used in node.all_input_nodes:
                last[self.number[used]] = i
        self.calls: list[_Call] = []
        for i, node in enumerate(nodes):
            if node.op == "call_function":
                done = tuple(n for n in {self.number[u] for u in node.all_input_nodes} if last[n] == i)
                args = tuple(self._argument(a) for a in node.args)
                kwargs = {k: self._argument(v) for k, v in node.kwargs.items()}
                self.calls.append(_Call(i, node.target, args, kwargs, done, node.stack_trace or ""))
        self.result = self.number[nodes[-1].args[0]]
        del self.number  # nodes hold the graph alive

    def _argument(self, value: Any) -> Any:
        if isinstance(value, fx.Node):
            return _Value(self.number[value])
        if isinstance(value, list | tuple):
            items = [self._argument(item) for item in value]
            return items if any(isinstance(item, _Value) for item in items) else type(value)(items)
        return value

    def __call__(self, x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        values: dict[int, Any] = {0: x, 1: weights}
        for call in self.calls:
            args = [_resolved(a, values) for a in call.args]
            kwargs = {k: _resolved(v, values) for k, v in call.kwargs.items()}
            try:
                result = call.function(*args, **kwargs)
            except Exception as error:
                layer = FUNCTIONS.get(call.function)
                if layer is not None and not isinstance(error, torch.OutOfMemoryError):
                    raise layer.fault(f"its function raises {told(error)}\n{call.place}", None, error) from error
                # as `fx.Interpreter` does it: the error stays what it is and says where it comes from
                error.args = (f"{error}\n{call.place}", *error.args[1:])
                raise
            del args, kwargs
            for number in call.done:
                del values[number]
            values[call.number] = result
        output: Tensor = values[self.result]
        return output


def _resolved(value: Any, values: dict[int, Any]) -> Any:
    if type(value) is _Value:
        return values[value.index]
    return [_resolved(item, values) for item in value] if type(value) is list else value


class _Value:
    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index
