"""The compiler's front: how long commands take from start to end, and how its cost grows with the text."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from math import log
from time import perf_counter

from benchmarks.measure import EXAMPLES, Row, Size, race
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.source import Source

BASE = (sys.executable, "-c", "import lark, pydantic")
COMMANDS = (("check",), ("fmt", "--check"), ("explain", "SD0203"))
LINES = (500, 1_000, 2_000, 4_000)


def starting(size: Size) -> list[Row]:
    """Measure commands from start to end, by the clock, against Python that imports Lark and pydantic only."""
    rows = []
    for name in size.examples:
        for command in COMMANDS:
            file = () if command[0] == "explain" else (str(EXAMPLES / f"{name}.smash"),)
            run = (sys.executable, "-m", "smashdsl.cli.main", *command, *file)
            base, taken = float("inf"), float("inf")
            for _ in range(size.rounds):  # in turn: a machine that slows down does so for both
                base, taken = min(base, _clock(BASE)), min(taken, _clock(run))
            rows.append(
                Row("starting", f"{command[0]} {name}", taken / base, "x", f"{taken:.2f} s, the base {base:.2f} s")
            )
    return rows


def _clock(command: tuple[str, ...]) -> float:
    before = perf_counter()
    subprocess.run(command, check=False, capture_output=True)
    return perf_counter() - before


def growth(size: Size) -> list[Row]:
    """Measure checking of specs of more and more lines, and the power of the length that the cost follows."""
    lines = LINES if size.rounds > 1 else LINES[:2]
    texts = {count: Source("long.smash", long_spec(count)) for count in lines}
    compile_source(texts[lines[0]])  # reads the grammar and the prelude
    taken = race({str(count): partial(compile_source, text) for count, text in texts.items()}, size)
    rows = [Row("growth", f"{count:,} lines", taken[str(count)], "s") for count in lines]
    power = log(taken[str(lines[-1])] / taken[str(lines[0])]) / log(lines[-1] / lines[0])
    return [*rows, Row("growth", "cost follows the length to the power", power, "", "1 is linear")]


def long_spec(lines: int) -> str:
    """Return a spec of about so many lines, whose ops are each used once."""
    ops = range(lines // 7)
    body = "\n".join(
        f"  op f{i}(c = 8) {{\n    conv({{3, 5}}, c)\n    norm\n    choose {{ relu | gelu }}\n  }}" for i in ops
    )
    uses = "\n".join(f"    f{i}\n    # use {i}" for i in ops)
    head = "  head { global_avg_pool; linear(classes) }\n}\n"
    return (
        f"smash 1\nspace long {{\n  input image[3, 8, 8]\n  output classes(4)\n{body}\n  body {{\n{uses}\n  }}\n{head}"
    )
