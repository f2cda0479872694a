"""The decisions of a whole network, one column each: the integer code of an architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from smashdsl.lang.check.entries import entry_name
from smashdsl.lang.check.facts import Facts
from smashdsl.lang.compile import Compiled
from smashdsl.lang.program import templates as p
from smashdsl.space.subsets import Ints

INACTIVE = -1


@dataclass(frozen=True, eq=False)
class Site:
    """One decision of one instance.

    Its code is the index of its value in ``alphabet``; of a set of banks, the bits of the set; `INACTIVE` when nothing
    is decided here.
    """

    path: str
    decision: p.Decision
    alphabet: tuple[Any, ...] | None
    banks: int

    @cached_property
    def numbers(self) -> np.ndarray[Any, Any] | None:
        """Value of each code as an array, or None when values are no single numbers."""
        if self.alphabet is None or not self.alphabet or not all(type(v) in (int, float) for v in self.alphabet):
            return None
        return np.array(self.alphabet)

    @cached_property
    def whole_numbers(self) -> Ints:
        """Value of each code where it is a whole number, and the least integer where it is none."""
        least = np.iinfo(np.int64).min
        return np.array([v if type(v) is int else least for v in self.alphabet or ()], np.int64)

    @cached_property
    def code_of(self) -> dict[Any, int]:
        """Code of each value."""
        return {value: code for code, value in enumerate(self.alphabet or ())}

    def codes(self, values: Any) -> Any:
        """Return the code of a value, or an array of codes for one value per row: an array, or a tuple with arrays."""
        if isinstance(values, np.ndarray):
            if self.numbers is not None:
                return np.searchsorted(self.numbers, values)
            return np.array([self.code_of[value] for value in values.tolist()], np.int64)
        if isinstance(values, tuple) and any(isinstance(item, np.ndarray) for item in values):
            rows = zip(*(item.tolist() for item in np.broadcast_arrays(*values)), strict=True)
            return np.array([self.code_of[row] for row in rows], np.int64)
        return self.code_of[values]

    def value(self, code: int) -> Any:
        """Return the value of a code: a number, a word, a tuple of sizes, or a list of banks."""
        if self.alphabet is None:
            return [bank for bank in range(self.banks) if code >> bank & 1]
        return self.alphabet[code]


class Place(NamedTuple):
    """A decision or a layer, or a read with weights, of one instance; ``prefix`` and ``item.local`` are its path.

    ``region``: the block instance or cell use whose shared weights a layer uses.
    """

    prefix: str
    region: str
    item: p.Decision | p.Layer | p.Read


class Sites:
    """All sites of a space, in program order, at the most repeats and ops that can occur."""

    def __init__(self, compiled: Compiled) -> None:
        facts = compiled.facts
        self.all: list[Site] = []
        self.column: dict[str, int] = {}
        for place in places(compiled):
            decision = place.item
            if not isinstance(decision, p.Decision):
                continue
            path = place.prefix + decision.local
            if path not in self.column:
                self.column[path] = len(self.all)
                alphabet = facts.alphabets.get(decision.template, ())
                self.all.append(Site(path, decision, alphabet, facts.banks.get(decision.template, 0)))

    def __len__(self) -> int:
        return len(self.all)


def places(compiled: Compiled) -> Iterator[Place]:
    """Yield every decision and layer at the most repeats and ops, in program order; a shared one comes at each use."""
    program, walk = compiled.program, _Walk(compiled.facts)
    at = _At()
    yield from walk.arguments(program.params, at)
    yield from walk.scope(program.stem, at)
    for block in program.blocks:
        for position in range(len(block.instances)):
            path = block.path(position)
            inner = _At(f"{path}.", f"{path}.", path)
            yield from walk.cell(block.cell, inner)
            if not (block is program.blocks[-1] and position == len(block.instances) - 1):
                yield from walk.scope(block.transition, inner)
    for joint in (program.body, program.head):
        if joint is not None:
            yield from walk.scope(joint, at)


@dataclass(frozen=True)
class _At:
    """Where the walk is: prefixes of decisions and of weights, and both for each scope around, by template."""

    sites: str = ""
    path: str = ""
    region: str = ""
    homes: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def scope(self, name: str, template: str) -> _At:
        sites, path = f"{self.sites}{name}.", f"{self.path}{name}."
        return _At(sites, path, self.region, {**self.homes, template: (sites, path)})


class _Walk:
    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def scope(self, scope: p.Scope, at: _At, name: str | None = None) -> Iterator[Place]:
        inner = at.scope(scope.local if name is None else name, scope.template)
        yield from self.arguments(scope.formals, inner)
        yield from self.seq(scope.body, inner)

    def arguments(self, arguments: tuple[p.Argument, ...], at: _At) -> Iterator[Place]:
        for argument in arguments:
            yield from (Place(at.sites, at.region, decision) for decision in argument.decisions)

    def seq(self, seq: p.Seq, at: _At) -> Iterator[Place]:
        for node in seq:
            yield from self.node(node, at)

    def node(self, node: p.Node, at: _At) -> Iterator[Place]:
        match node:
            case p.Layer():
                yield from self.arguments(node.args, at)
                yield Place(at.path, at.region, node)
            case p.Scope():
                yield from self.scope(node, at)
            case p.LetUse():
                sites, path = at.homes[p.home(node.let)]
                yield from self.scope(node.let.body, replace(at, sites=sites, path=path))
            case p.CellUse():
                sites = f"{node.cell.template}." if node.tied else f"{at.sites}{node.local}."
                region = f"{at.region}.{node.local}" if at.region else node.local
                inner = _At(sites, f"{at.path}{node.local}.", region, at.homes)
                yield from self.arguments(node.formals, inner)
                yield from self.cell(node.cell, inner)
            case p.Choose() | p.Combine():
                if isinstance(node, p.Choose):
                    yield Place(at.sites, at.region, node.decision)
                for alternative in node.paths:
                    yield from self.seq(alternative, at)
            case p.Repeat():
                yield from self.arguments((node.count,), at)
                for i in range(self.facts.most.get(id(node), 0)):
                    yield from self.seq(node.body, at.scope(f"{node.local}[{i}]", node.template))
            case p.Read() | p.Write():
                if node.decision is not None:
                    yield Place(at.sites, at.region, node.decision)
                if isinstance(node, p.Read):
                    yield from self.read(node, at)

    def read(self, node: p.Read, at: _At) -> Iterator[Place]:
        if node.join == "attention":
            yield Place(at.path, at.region, node)
        if node.through is not None:
            mask = self.facts.sources.get(id(node), 0)
            for bank in range(mask.bit_length()):
                if mask >> bank & 1:
                    yield from self.scope(node.through, at, f"{node.local}[{bank}]")

    def cell(self, cell: p.Cell, at: _At) -> Iterator[Place]:
        yield from self.arguments((*cell.params, cell.bank), at)
        if cell.entry is not None:
            for i in range(cell.inputs):
                yield from self.scope(cell.entry, at, entry_name(cell, i))
        yield from self.arguments((cell.banks,), at)
        position = 0
        for member in cell.members:
            if member.count is not None:
                yield from self.arguments((member.count,), at)
            most = most_ops(member, self.facts)
            for k in range(position, position + most):
                yield from self.scope(member.use, at, f"op[{k}]")
            position += most


def most_ops(member: p.Ops, facts: Facts) -> int:
    """Return the most uses of a member of a cell."""
    return 1 if member.count is None else facts.most.get(id(member), 0)
