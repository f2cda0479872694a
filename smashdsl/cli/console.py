"""What a long command shows while it runs, and how it is stopped."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from smashdsl.errors import UsageError

if TYPE_CHECKING:
    from smashdsl.api import Space
    from smashdsl.search.run import Progress


class Console:
    """A progress bar a stage, with rate and time left, on standard error; nothing when that is no terminal."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.stage = ""
        self.bar: Any = None
        self.asked_to_stop = False

    def on(self, stage: str, done: int, total: int, note: str) -> None:
        from tqdm import tqdm

        if stage != self.stage:
            self.close()
            self.stage = stage
            width = shutil.get_terminal_size().columns
            # `disable=None` is tqdm's word for: only on a terminal
            hidden = True if self.quiet else None
            self.bar = tqdm(total=total, desc=stage, disable=hidden, ncols=width, file=sys.stderr)
            self.bar.update(done)
            self.bar.unpause()
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(done - self.bar.n)
        if done >= total:
            self.close()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
        self.bar = None
        self.stage = ""

    def progress(self) -> Progress:
        from smashdsl.search.run import Progress

        return Progress(self.on, lambda: self.asked_to_stop)


@contextmanager
def console(args: argparse.Namespace) -> Iterator[Console]:
    """Show progress; the first Ctrl-C or SIGTERM asks the work to stop where it can go on, the second ends it now."""
    shown = Console(args.quiet)

    def ask(number: int, frame: object) -> None:
        if shown.asked_to_stop:
            raise KeyboardInterrupt
        shown.asked_to_stop = True
        print("\nstopping after this step …", file=sys.stderr)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield shown
    finally:
        shown.close()
        for number, handler in before.items():
            signal.signal(number, handler)


SMALL = 2e9  # multiply-adds of a step below which a second thread costs more than it brings


def use_threads(args: argparse.Namespace, space: Space, batch: int) -> None:
    """Set the number of threads: as asked, else one for a small network and all cores for a large one.

    The rule looks at the space alone, since another number of threads may round sums differently.
    """
    import torch

    cores = os.cpu_count() or 1
    if args.threads is not None:
        if args.threads > cores:
            raise UsageError(f"{args.threads} threads are more than the {cores} cores of this machine")
        torch.set_num_threads(args.threads)
        return
    flops = sorted(int(n) for n in space.costs(space.sample(32, seed=0)).flops)[16]
    if 3 * flops * batch < SMALL:
        torch.set_num_threads(1)


def add_running(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of commands that compute for long."""
    from smashdsl.cli.common import positive, seed

    parser.add_argument(
        "--data",
        default="fashion-mini",
        metavar="NAME",
        help="fashion-mini, fashion-mnist[:FOLDER], cifar10[:FOLDER], text:FILE or npz:PATH (default fashion-mini)",
    )
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto (default auto)")
    parser.add_argument("--threads", type=positive, help="CPU threads (default: one for small networks, else all)")
    parser.add_argument("--seed", type=seed, default=0, help="fixes everything random (default 0)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
