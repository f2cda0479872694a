"""An architecture to a scene, by one walk of the program.

What travels with the stream is all that happened since the network's input, or since the op's read: so a fork's paths
are what its streams do not have in common, and nothing has to be undone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smashdsl.lang.program import templates as p
from smashdsl.ops import Flow
from smashdsl.report import scene as s
from smashdsl.report.describe import describe
from smashdsl.space.architecture import Architecture
from smashdsl.space.frame import BankState, Frame, Stream
from smashdsl.space.machine import Machine
from smashdsl.space.observer import Observer
from smashdsl.space.subsets import Ints


def record(architecture: Architecture) -> s.Scene:
    """Return what a picture of an architecture shows."""
    space = architecture.space
    recorder = _Recorder()
    codes = architecture.codes[None]
    out = Machine(space.compiled, space.sites, 1, np.random.default_rng(0), recorder, proposed=codes).run()
    costs = space.costs(architecture)
    source = space.compiled.program.space.input
    shape = (source.channels, *source.grid)
    return s.Scene(space.name, shape, s.parts(out.ref), int(costs.params[0]), int(costs.flops[0]))


@dataclass
class _Cell:
    """A cell while the machine is in it."""

    depth: int
    prefix: s.Label
    filled: int
    ops: list[s.Op] = field(default_factory=list)
    reads: list[s.Access] = field(default_factory=list)
    writes: list[s.Access] = field(default_factory=list)
    labels: list[s.Label] = field(default_factory=list)


@dataclass(frozen=True)
class _Scope:
    template: str
    kind: str
    path: str


class _Recorder(Observer):
    """Observes a walk of one architecture."""

    def __init__(self) -> None:
        self.scopes: list[_Scope] = []
        self.cells: list[_Cell] = []

    # -- scopes ---------------------------------------------------------------------------------

    def enter(self, frame: Frame, template: str, kind: str) -> None:
        self.scopes.append(_Scope(template, kind, frame.path.rstrip(".")))

    def leave(self, frame: Frame) -> None:
        if self.cells and len(self.scopes) == self.cells[-1].depth + 1:
            cell = self.cells[-1]
            label = cell.labels[0] if len(cell.labels) == 1 else fork("", cell.labels, (), self.place())
            path = self.scopes[-1].path
            cell.ops.append(s.Op(path.rpartition(".")[2], tuple(cell.reads), label, tuple(cell.writes)))
            cell.reads, cell.writes, cell.labels = [], [], []
        self.scopes.pop()

    def place(self) -> s.Place:
        """Return the scope whose bar shows what happens here: a joint, or in a body the op or else the iteration."""
        scopes = self.scopes[1:]
        if scopes and scopes[0].template == "body":
            uses = [scope for scope in scopes if scope.kind]
            if uses:
                # what stands in a cell but in no panel goes through its entry
                name = "entry" if uses[0].kind == "cell" else uses[0].kind
                return s.Place(name, uses[0].path)
            return s.Place("body", scopes[-1].path)
        path = scopes[0].path if scopes else ""
        return s.Place(path.rpartition(".")[2], path)

    # -- layers ---------------------------------------------------------------------------------

    def source(self) -> s.Label:
        return ()

    def layer(self, frame: Frame, node: p.Layer, source: Stream, args: dict[str, Any], flow: Flow) -> Any:
        role: s.Role = node.weights if node.op.weighted else "plain"
        return (*source.ref, s.Layer(describe(node.op, args, source.flow), role, shape_of(flow), self.place()))

    def join(self, frame: Frame, node: p.Combine, streams: list[Stream], flow: Flow) -> Any:
        return fork(node.join, [stream.ref for stream in streams], shape_of(flow), self.place())

    # -- banks ----------------------------------------------------------------------------------

    def fill(self, frame: Frame, state: BankState, sources: list[Stream]) -> None:
        filled = sum(int(source.flow.channels) for source in sources) // size_of(frame, "bank")
        # of several inputs only what arrives last is drawn as what the cell follows
        self.cells.append(_Cell(len(self.scopes), sources[-1].ref, filled))

    def read(self, frame: Frame, node: p.Read, state: BankState, masks: Ints, flow: Flow) -> Any:
        reads = self.cells[-1].reads
        reads.append(s.Access(members(masks), node.join))
        return (s.Read(len(reads) - 1),)

    def gather(self, frame: Frame, node: p.Read, masks: Ints, parts: list[tuple[Ints, Stream]], flow: Flow) -> Any:
        return fork(node.join, [stream.ref for _, stream in parts], shape_of(flow), self.place())

    def write(self, frame: Frame, node: p.Write, state: BankState, masks: Ints, chunks: Ints, stream: Stream) -> None:
        self.cells[-1].writes.append(s.Access(members(masks), node.join))
        self.cells[-1].labels.append(stream.ref)

    def drain(self, frame: Frame, state: BankState, masks: Ints, flow: Flow) -> Any:
        cell = self.cells.pop()
        scope = self.scopes[-1]
        name = scope.path.rpartition(".")[2] if scope.kind == "block" else scope.template
        panel = s.Panel(
            scope.kind,
            size_of(frame, "bank"),
            size_of(frame, "banks"),
            cell.filled,
            tuple(cell.ops),
            members(masks),
            shape_of(flow),
            s.Place(name, scope.path),
        )
        return (*cell.prefix, panel)


def fork(join: str, labels: list[s.Label], shape: s.Shape, place: s.Place) -> s.Label:
    """Return one label for paths that meet: what came before they parted, then the fork."""
    common = 0
    for items in zip(*labels, strict=False):
        if any(item is not items[0] for item in items):
            break
        common += 1
    paths = tuple(label[common:] for label in labels)
    return labels[0][:common] if not any(paths) else (*labels[0][:common], s.Fork(join, paths, shape, place))


def shape_of(flow: Flow) -> s.Shape:
    return (int(flow.channels), *(int(size) for size in flow.grid))


def size_of(frame: Frame, name: str) -> int:
    """Return a size that a frame of one row knows by name."""
    value = frame.env[name]
    return int(value[0]) if isinstance(value, np.ndarray) else int(value)


def members(masks: Ints) -> tuple[int, ...]:
    """Return the banks of the only set of a batch of one."""
    mask = int(masks[0])
    return tuple(bank for bank in range(mask.bit_length()) if mask >> bank & 1)
