"""The decisions of a whole network, one column each: the integer code of an architecture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from smashdsl.lang import program as p
from smashdsl.lang.compile import Compiled
from smashdsl.lang.facts import Facts

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
    def code_of(self) -> dict[Any, int]:
        """Code of each value."""
        return {value: code for code, value in enumerate(self.alphabet or ())}

    def value(self, code: int) -> Any:
        """Return the value of a code: a number, a word, a tuple of sizes, or a list of banks."""
        if self.alphabet is None:
            return [bank for bank in range(self.banks) if code >> bank & 1]
        return self.alphabet[code]


class Sites:
    """All sites of a space, in program order, at the most repeats and ops that can occur."""

    def __init__(self, compiled: Compiled) -> None:
        self.facts: Facts = compiled.facts
        self.all: list[Site] = []
        self.column: dict[str, int] = {}
        for prefix, decision in _walk(compiled.program, compiled.facts):
            path = prefix + decision.local
            if path not in self.column:
                self.column[path] = len(self.all)
                alphabet = self.facts.alphabets.get(decision.template, ())
                self.all.append(Site(path, decision, alphabet, self.facts.banks.get(decision.template, 0)))

    def __len__(self) -> int:
        return len(self.all)


def _walk(program: p.Program, facts: Facts) -> Iterator[tuple[str, p.Decision]]:
    for param in program.params:
        yield from (("", decision) for decision in param.decisions)
    yield from _scope(program.stem, "", facts)
    for block in program.blocks:
        for position in range(len(block.instances)):
            prefix = f"{block.path(position)}."
            yield from _cell(block.cell, prefix, facts)
            if not (block is program.blocks[-1] and position == len(block.instances) - 1):
                yield from _scope(block.transition, prefix, facts)
    for joint in (program.body, program.head):
        if joint is not None:
            yield from _scope(joint, "", facts)


def _scope(scope: p.Scope, prefix: str, facts: Facts) -> Iterator[tuple[str, p.Decision]]:
    inner = f"{prefix}{scope.local}."
    yield from _arguments(scope.formals, inner)
    yield from _seq(scope.body, inner, facts)


def _arguments(arguments: tuple[p.Argument, ...], prefix: str) -> Iterator[tuple[str, p.Decision]]:
    for argument in arguments:
        yield from ((prefix, decision) for decision in argument.decisions)


def _seq(seq: p.Seq, prefix: str, facts: Facts) -> Iterator[tuple[str, p.Decision]]:
    for node in seq:
        match node:
            case p.Layer():
                yield from _arguments(node.args, prefix)
            case p.Scope():
                yield from _scope(node, prefix, facts)
            case p.LetUse():
                yield from _scope(node.let.body, prefix, facts)
            case p.CellUse():
                inner = f"{node.cell.template}." if node.tied else f"{prefix}{node.local}."
                yield from _arguments(node.formals, inner)
                yield from _cell(node.cell, inner, facts)
            case p.Choose():
                yield prefix, node.decision
                for path in node.paths:
                    yield from _seq(path, prefix, facts)
            case p.Combine():
                for path in node.paths:
                    yield from _seq(path, prefix, facts)
            case p.Repeat():
                yield from _arguments((node.count,), prefix)
                for i in range(facts.most.get(id(node), 0)):
                    yield from _seq(node.body, f"{prefix}{node.local}[{i}].", facts)
            case p.Read() | p.Write():
                if node.decision is not None:
                    yield prefix, node.decision


def _cell(cell: p.Cell, prefix: str, facts: Facts) -> Iterator[tuple[str, p.Decision]]:
    yield from _arguments((cell.bank, cell.banks), prefix)
    position = 0
    for member in cell.members:
        if member.count is not None:
            yield from _arguments((member.count,), prefix)
        most = most_ops(member, facts)
        for k in range(position, position + most):
            inner = f"{prefix}op[{k}]."
            yield from _arguments(member.use.formals, inner)
            yield from _seq(member.use.body, inner, facts)
        position += most


def most_ops(member: p.Ops, facts: Facts) -> int:
    """Return the most uses of a member of a cell."""
    return 1 if member.count is None else facts.most.get(id(member), 0)
