"""All benchmarks by name, and how their rows are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.checking import checking
from benchmarks.coding import decoding, encoding
from benchmarks.common import common
from benchmarks.front import growth, starting
from benchmarks.graphs import graphs
from benchmarks.measure import Row, Size
from benchmarks.sampling import sampling
from benchmarks.training import training

# a benchmark is a function of a size that returns rows; it is run by its name
BENCHMARKS: dict[str, Callable[[Size], list[Row]]] = {
    function.__name__: function
    for function in (sampling, encoding, decoding, common, checking, starting, growth, graphs, training)
}


def show(rows: Sequence[Row]) -> str:
    """Return rows as a table of text."""
    cells = [("benchmark", "case", "figure", "unit", "")]
    cells += [(row.benchmark, row.case, _figure(row.figure), row.unit, row.note) for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(5)]
    lines = []
    for name, case, figure, unit, note in cells:
        line = f"{name:<{widths[0]}}  {case:<{widths[1]}}  {figure:>{widths[2]}} {unit:<{widths[3]}}  {note}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
