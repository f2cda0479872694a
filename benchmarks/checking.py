"""Checking the examples: every member of each space, from its text."""

from __future__ import annotations

from functools import partial
from math import log10

from benchmarks.measure import EXAMPLES, Row, Size, race
from smashdsl.lang.compile import Compiled, compile_source
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import read_source


def checking(size: Size) -> list[Row]:
    """Measure how long each example takes from text to a checked space."""
    sources = {name: read_source(EXAMPLES / f"{name}.smash", Limits().bytes) for name in size.examples}
    # the first round also makes the parser's tables
    found: dict[str, Compiled] = {name: compile_source(source) for name, source in sources.items()}
    taken = race({name: partial(compile_source, source) for name, source in sources.items()}, size)
    return [
        Row("checking", name, 1000 * taken[name], "ms", f"{_size(compiled.facts.count)} architectures")
        for name, compiled in found.items()
    ]


def _size(count: int) -> str:
    """Return a number of architectures, as a power of ten when it is long."""
    # Python refuses to print integers of some thousands of digits, but takes their logarithm
    digits = int(log10(count)) if count else 0
    return f"{count:,}" if digits < 9 else f"about 10^{digits}"
