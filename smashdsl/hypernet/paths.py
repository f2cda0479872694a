"""Where weights live: every layer instance that can occur in a space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smashdsl.lang import program as p
from smashdsl.lang.compile import Compiled
from smashdsl.lang.facts import Facts
from smashdsl.space.sites import most_ops


class Instance(NamedTuple):
    """One layer of one scope: its site path, the region and template whose extents bound it."""

    path: str
    region: str
    layer: p.Layer


def instances(compiled: Compiled) -> Iterator[Instance]:
    """Yield every layer instance at the most repeats and ops, in program order; a `let` may come more than once."""
    program, facts = compiled.program, compiled.facts
    yield from _seq(program.stem.body, f"{program.stem.local}.", "", facts)
    for block in program.blocks:
        for position in range(len(block.instances)):
            region = block.path(position)
            yield from _cell(block.cell, f"{region}.", region, facts)
            if not (block is program.blocks[-1] and position == len(block.instances) - 1):
                yield from _seq(block.transition.body, f"{region}.{block.transition.local}.", region, facts)
    for joint in (program.body, program.head):
        if joint is not None:
            yield from _seq(joint.body, f"{joint.local}.", "", facts)


def _seq(seq: p.Seq, prefix: str, region: str, facts: Facts) -> Iterator[Instance]:
    for node in seq:
        match node:
            case p.Layer():
                yield Instance(f"{prefix}{node.local}", region, node)
            case p.Scope():
                yield from _seq(node.body, f"{prefix}{node.local}.", region, facts)
            case p.LetUse():
                yield from _seq(node.let.body.body, f"{prefix}{node.let.body.local}.", region, facts)
            case p.CellUse():
                inner = f"{region}.{node.local}" if region else node.local
                yield from _cell(node.cell, f"{prefix}{node.local}.", inner, facts)
            case p.Choose() | p.Combine():
                for path in node.paths:
                    yield from _seq(path, prefix, region, facts)
            case p.Repeat():
                for i in range(facts.most.get(id(node), 0)):
                    yield from _seq(node.body, f"{prefix}{node.local}[{i}].", region, facts)


def _cell(cell: p.Cell, prefix: str, region: str, facts: Facts) -> Iterator[Instance]:
    position = 0
    for member in cell.members:
        most = most_ops(member, facts)
        for k in range(position, position + most):
            yield from _seq(member.use.body, f"{prefix}op[{k}].", region, facts)
        position += most
