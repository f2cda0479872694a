"""What a piece of work costs, told without a clock; and a guard against one that never ends."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class NeverEnds(AssertionError):
    """Work that was stopped because it went on and on."""


@contextmanager
def ends(seconds: float) -> Iterator[None]:
    """Stop what takes more of the processor than anything that ends could."""

    def stop(number: int, frame: Any) -> None:
        raise NeverEnds(f"still at it after {seconds} s of the processor")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def calls(work: Callable[[], object]) -> int:
    """Return how many functions a piece of work calls, of Python and of C."""
    count = 0

    def called(frame: Any, event: str, arg: Any) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
