"""Run benchmarks: `python -m benchmarks [NAME ...] [--json]`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.machine import machine
from benchmarks.measure import FULL, TINY
from benchmarks.table import BENCHMARKS, show


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, all by default, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the compiler and the runtime.")
    # no `choices`: argparse would test the empty list against them
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--tiny", action="store_true", help="do next to nothing, to see that everything runs")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark `{unknown[0]}`; there are {', '.join(BENCHMARKS)}")
    where = machine()
    if not options.json:
        print("\n".join(f"{name:<10} {value}" for name, value in where.items()), flush=True)
    rows = []
    for name in dict.fromkeys(options.names or BENCHMARKS):
        print(f"measuring {name}", file=sys.stderr, flush=True)
        rows += BENCHMARKS[name](TINY if options.tiny else FULL)
    if options.json:
        print(json.dumps({"machine": where, "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        print(f"\n{show(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
