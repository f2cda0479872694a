"""Compile inputs that no one would write: `python scripts/fuzz.py [--inputs N] [--first K] [--out FOLDER]`.

Input K is a function of K alone, so `--first K --inputs 1` repeats one. A child process compiles them under limits on
memory and time. An input that ends in anything but success or diagnostics is written to the folder with the reason, and
a new child goes on after it. Exits with 1 when there was one.
"""

from __future__ import annotations

import argparse
import faulthandler
import resource
import subprocess
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
MEGABYTE = 2**20
AT_ONCE = 2_000  # inputs of one child
MOST_FAULTS = 20  # after so many it stops
PATIENCE = 20.0  # seconds that an input may take by the clock, on a machine that does other things too


def main() -> int:
    """Run the inputs in children and say what was found."""
    parser = argparse.ArgumentParser(description="Compile inputs that no one would write.")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many (default 100,000)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first (default 0)")
    parser.add_argument("--seconds", type=float, default=1.0, help="processor time one may take (default 1)")
    parser.add_argument("--megabytes", type=int, default=500, help="memory one child may take (default 500)")
    parser.add_argument("--out", type=Path, default=Path("fuzz-found"), help="where inputs at fault are written")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    return _child(options) if options.child else _parent(options)


# -- the process that watches -----------------------------------------------------------------------


def _parent(options: argparse.Namespace) -> int:
    ends: Counter[str] = Counter()
    slowest, most_memory, faults = (0.0, 0), 0, 0
    begun, number, last = time.monotonic(), options.first, options.first + options.inputs
    while number < last and faults < MOST_FAULTS:
        count = min(AT_ONCE, last - number)
        done, told, reason = _run_child(options, number, count)
        for line in told:
            end, seconds, memory = line.split()
            ends[end] += 1
            slowest = max(slowest, (float(seconds), number))
            most_memory = max(most_memory, int(memory))
            number += 1
        if not done:
            faults += 1
            _keep(options.out, number, reason)
            number += 1
        rate = (number - options.first) / (time.monotonic() - begun)
        print(f"{number - options.first:,} of {options.inputs:,}, {rate:.0f} a second, {faults} at fault", flush=True)
    print(", ".join(f"{name}: {ends[name]:,}" for name in sorted(ends)))
    print(f"slowest: input {slowest[1]} with {slowest[0]:.2f} s; most memory of a child: {most_memory} MB")
    print(f"at fault: {faults}" + (f", kept in {options.out}" if faults else ""))
    return 1 if faults else 0


def _run_child(options: argparse.Namespace, first: int, count: int) -> tuple[bool, list[str], str]:
    """Return whether a child came to its end, a line for each input that ended well, and why it stopped."""
    limits = ["--seconds", str(options.seconds), "--megabytes", str(options.megabytes)]
    command = [sys.executable, __file__, "--child", "--first", str(first), "--inputs", str(count), *limits]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = finished.stdout.splitlines()
    return finished.returncode == 0 and len(lines) == count, lines, finished.stderr or f"exit {finished.returncode}"


def _keep(folder: Path, number: int, reason: str) -> None:
    from tests.fuzz.inputs import made

    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number}.smash").write_bytes(made(number))
    (folder / f"{number}.txt").write_text(reason, encoding="utf-8")
    print(f"input {number} is at fault:\n{reason.strip()[-400:]}", flush=True)


# -- the process that compiles ----------------------------------------------------------------------


def _child(options: argparse.Namespace) -> int:
    from tests.fuzz.inputs import corpus, made
    from tests.fuzz.tried import tried

    corpus()
    tried(b"smash 1")
    limit = options.megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    for number in range(options.first, options.first + options.inputs):
        data = made(number)
        faulthandler.dump_traceback_later(PATIENCE * max(1.0, options.seconds), exit=True)
        before = time.process_time()
        try:
            end = tried(data)
        except BaseException:
            traceback.print_exc()
            return 1
        seconds = time.process_time() - before
        if seconds > options.seconds:
            print(f"it took {seconds:.2f} s, more than {options.seconds} s", file=sys.stderr)
            return 1
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(end, f"{seconds:.3f}", used, flush=True)
    faulthandler.cancel_dump_traceback_later()
    return 0


if __name__ == "__main__":
    sys.exit(main())
