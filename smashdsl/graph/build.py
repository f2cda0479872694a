"""Architecture to `torch.fx.Graph`, written by hand while the machine walks it.

The graph is `network(x, weights)`: x is (n, c, *grid), weights a dict by name. It holds no state; what a module or the
HyperNet puts into the dict is what the network uses, and gradients flow there.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import fx

from smashdsl.graph import functions
from smashdsl.graph.verify import verify
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.source import Sources, Span
from smashdsl.ops import Flow
from smashdsl.space.architecture import Architecture
from smashdsl.space.frame import BankState, Frame, Stream, one, take
from smashdsl.space.machine import Machine
from smashdsl.space.observer import Observer
from smashdsl.space.subsets import Ints

# how batch norm takes its statistics: of the batch; of the batch, moving or setting running ones; or running ones
Mode = Literal["batch", "track", "measure", "eval"]
PAIRWISE: dict[str, Callable[..., Any]] = {
    "sum": torch.add,
    "max": torch.maximum,
    "product": functions.stretch_product,
}


@dataclass(frozen=True)
class WeightSpec:
    """One tensor of a network: its shape, how training starts it, who provides it, and where it belongs.

    ``init`` of a fixed one is the name of what it is.
    """

    shape: tuple[int, ...]
    init: str
    kind: Literal["generated", "shared", "own", "fixed"]
    region: str
    template: str
    tensor: str


@dataclass
class Network:
    """A built architecture.

    ``weights``: by name, the tensors it takes; ``statistics``: by name, the channels of each batch norm, whose running
    mean and variance are weights `NAME.mean` and `NAME.var` in every mode but "batch".
    """

    graph: fx.Graph
    mode: Mode
    weights: dict[str, WeightSpec] = field(default_factory=dict)
    statistics: dict[str, int] = field(default_factory=dict)
    pieces: list[GeneratedPiece] = field(default_factory=list)

    def module(self) -> fx.GraphModule:
        """Return the graph as a module, `module(x, weights)`."""
        return fx.GraphModule(torch.nn.Module(), self.graph, class_name="Network")


@dataclass(frozen=True)
class GeneratedPiece:
    """Which slices and rows of the conditioning tensor a generated weight is cut from, in program order."""

    name: str
    shape: tuple[int, ...]


class Chunk(NamedTuple):
    """Channels ``start`` to ``start + size`` of a node that has ``width`` of them."""

    node: fx.Node
    start: int
    size: int
    width: int


class Held(NamedTuple):
    """What a bank holds, and how many writes it is made of since the bank was fresh or replaced."""

    chunk: Chunk
    writes: int


def build(architecture: Architecture, mode: Mode = "batch") -> Network:
    """Build the network of an architecture."""
    space = architecture.space
    builder = _Builder(space.compiled.sources, mode)
    codes = architecture.codes[None]
    machine = Machine(space.compiled, space.sites, 1, np.random.default_rng(0), builder, proposed=codes)
    out = machine.run()
    builder.graph.output(out.ref)
    builder.graph.eliminate_dead_code()
    verify(builder.graph)
    return builder.network


class _Builder(Observer):
    """Observes a walk of one architecture and writes its graph."""

    def __init__(self, sources: Sources, mode: Mode) -> None:
        self.sources = sources
        self.mode: str = mode
        self.graph = fx.Graph()
        self.network = Network(self.graph, mode)
        self.x = self.graph.placeholder("x")
        self.given = self.graph.placeholder("weights")
        for node in (self.x, self.given):
            node.meta["smash"] = ""
        self.tensors: dict[str, fx.Node] = {}
        self.path = ""
        self.span = Span(0, 0)

    # -- nodes ----------------------------------------------------------------------------------

    @contextmanager
    def at(self, path: str, span: Span) -> Iterator[None]:
        """Let the nodes made inside belong to a site path and a place in the text."""
        before = self.path, self.span
        self.path, self.span = path, span
        yield
        self.path, self.span = before

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> fx.Node:
        return self._place(self.graph.call_function(function, args, kwargs))

    def _place(self, node: fx.Node) -> fx.Node:
        """Let a node know its site path, and the line of the spec it comes from."""
        node.meta["smash"] = self.path
        text = self.sources.of(self.span)
        line, _ = text.position(self.span.start)
        # torch prints this text when the node fails, so a failure while running names the line of the spec
        node.stack_trace = f'File "{text.name}", line {line}, in {self.path}\n    {text.line(line).strip()}'
        return node

    def statistics(self) -> tuple[fx.Node, fx.Node]:
        return self._tensor(f"{self.path}.mean"), self._tensor(f"{self.path}.var")

    def _tensor(self, name: str) -> fx.Node:
        if name not in self.tensors:
            # called after the weight, so that the graph's source reads well; names in the graph mean nothing else
            called = re.sub(r"\W+", "_", name).strip("_")
            getitem = self.graph.create_node("call_function", operator.getitem, (self.given, name), name=called)
            self.tensors[name] = self._place(getitem)
        return self.tensors[name]

    # -- what the machine tells -----------------------------------------------------------------

    def source(self) -> fx.Node:
        return self.x

    def layer(self, frame: Frame, node: p.Layer, source: Stream, args: dict[str, Any], flow: Flow) -> Any:
        path = f"{frame.path}{node.local}"
        with self.at(path, node.span):
            weights: dict[str, fx.Node] = {}
            for name, weight in node.op.weights(source.flow, args).items():
                full = f"{path}.{name}"
                kind = node.weights if name == "weight" else "own"
                shape = tuple(int(size) for size in weight.shape)
                init = node.fixed if kind == "fixed" else weight.init
                spec = WeightSpec(shape, init, kind, frame.region, node.template, name)
                known = full in self.tensors
                self.network.weights[full] = spec
                weights[name] = self._tensor(full)
                if kind == "generated":
                    if not known:
                        self.network.pieces.append(GeneratedPiece(full, shape))
                    weights[name] = self.call(functions.unit, weights[name])
            if node.op.statistics(source.flow, args):
                self.network.statistics[path] = int(flow.channels)
            return node.op.lower(self, source.ref, args, weights)

    def join(self, frame: Frame, node: p.Combine, streams: list[Stream], flow: Flow) -> Any:
        with self.at(f"{frame.path}{node.join}", node.span):
            return self._join(node.join, [stream.ref for stream in streams])

    def _join(self, join: str, refs: list[fx.Node]) -> fx.Node:
        if len(refs) == 1:
            return refs[0]
        if join == "concat":
            return self.call(torch.cat, refs, 1)
        if join == "mean":
            return self.call(functions.mean_of, refs)
        result = refs[0]
        for ref in refs[1:]:
            result = self.call(PAIRWISE[join], result, ref)
        return result

    # -- banks ----------------------------------------------------------------------------------

    def fill(self, frame: Frame, state: BankState, sources: list[Stream]) -> None:
        bank, filled = _bank(frame), 0
        for source in sources:
            width = int(source.flow.channels)
            for start in range(0, width, bank):
                state.refs[filled] = Held(Chunk(source.ref, start, bank, width), 1)
                filled += 1

    def read(self, frame: Frame, node: p.Read, state: BankState, masks: Ints, flow: Flow) -> Any:
        chunks = [state.refs[bank].chunk for bank in _members(masks)]
        with self.at(f"{frame.path}{node.local}", node.span):
            if node.join == "concat":
                return self._concat(chunks)
            parts = [self._materialise(chunk) for chunk in chunks]
            return parts[0] if node.through is not None else self._read(frame, node, masks, parts)

    def gather(self, frame: Frame, node: p.Read, masks: Ints, parts: list[tuple[Ints, Stream]], flow: Flow) -> Any:
        with self.at(f"{frame.path}{node.local}", node.span):
            return self._read(frame, node, masks, [stream.ref for _, stream in parts])

    def _read(self, frame: Frame, node: p.Read, masks: Ints, refs: list[fx.Node]) -> fx.Node:
        if node.join != "attention":
            return self._join(node.join, refs)
        name = f"{self.path}.attention"
        shape = (int(one(take(frame.env["banks"], frame.rows))),)
        self.network.weights[name] = WeightSpec(shape, "zeros", "own", frame.region, node.template, "attention")
        return self.call(functions.attend, refs, self._tensor(name), _members(masks))

    def write(self, frame: Frame, node: p.Write, state: BankState, masks: Ints, chunks: Ints, stream: Stream) -> None:
        bank, count, width = _bank(frame), int(chunks[0]), int(stream.flow.channels)
        written = int(state.written[0])
        with self.at(f"{frame.path}{'write' if node.decision is None else node.decision.local}", node.span):
            for place, target in enumerate(_members(masks)):
                chunk, writes = Chunk(stream.ref, place % count * bank, bank, width), 1
                if written >> target & 1 and node.join != "replace":
                    before = state.refs[target]
                    chunk, writes = self._meet(node.join, before, chunk), before.writes + 1
                state.refs[target] = Held(chunk, writes)

    def _meet(self, join: str, before: Held, chunk: Chunk) -> Chunk:
        """Return what a bank holds after a write to what it held."""
        parts = [self._materialise(before.chunk), self._materialise(chunk)]
        mean = join == "mean"
        node = self.call(functions.running_mean, *parts, before.writes) if mean else self._join(join, parts)
        return Chunk(node, 0, chunk.size, chunk.size)

    def drain(self, frame: Frame, state: BankState, masks: Ints, flow: Flow) -> Any:
        with self.at(frame.path.rstrip("."), state.span):
            return self._concat([state.refs[bank].chunk for bank in _members(masks)])

    def _materialise(self, chunk: Chunk) -> fx.Node:
        if chunk.size == chunk.width:
            return chunk.node
        return self.call(torch.narrow, chunk.node, 1, chunk.start, chunk.size)

    def _concat(self, chunks: list[Chunk]) -> fx.Node:
        """Return chunks side by side; neighbours in one node are taken together."""
        runs: list[Chunk] = []
        for chunk in chunks:
            last = runs[-1] if runs else None
            if last is not None and last.node is chunk.node and last.start + last.size == chunk.start:
                runs[-1] = last._replace(size=last.size + chunk.size)
            else:
                runs.append(chunk)
        return self._join("concat", [self._materialise(run) for run in runs])


def _bank(frame: Frame) -> int:
    bank = frame.env["bank"]
    return int(bank[0]) if isinstance(bank, np.ndarray) else int(bank)


def _members(masks: Ints) -> list[int]:
    mask = int(masks[0])
    return [bank for bank in range(mask.bit_length()) if mask >> bank & 1]
