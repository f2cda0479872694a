"""Building networks as graphs."""

from __future__ import annotations

from benchmarks.measure import Row, Size, example, race
from smashdsl.graph.build import build


def graphs(size: Size) -> list[Row]:
    """Measure building and verifying the graphs of some members."""
    return [row for name in size.examples for row in _rows(name, size)]


def _rows(name: str, size: Size) -> list[Row]:
    space = example(name)
    members = list(space.sample(min(size.singles, 20), seed=0))
    nodes = sum(len(build(member).graph.nodes) for member in members)
    taken = race({name: lambda: [build(member) for member in members]}, size)[name]
    note = f"{1000 * taken / len(members):,.1f} ms and {nodes / len(members):,.0f} nodes a network"
    return [Row("graphs", name, nodes / taken, "nodes/s", note)]
