"""The results of `body` that cells with several inputs take, for many architectures at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smashdsl.space.frame import Frame, Joined, Stream, merge, narrow
from smashdsl.space.subsets import Ints


class Results:
    """The last results of `body`, the oldest first; each is kept in parts, since rows come by at different times."""

    def __init__(self, number: int, frame: Frame, entering: Stream | None) -> None:
        # what enters `body` stands for the results that are not there yet
        self.slots: list[list[tuple[Ints, Stream]]] = [
            [] if entering is None else [(frame.rows, entering)] for _ in range(number)
        ]

    def last(self, number: int, frame: Frame, joined: Joined) -> list[Stream]:
        """Return the last results of a frame's rows."""
        found = []
        for slot in self.slots[len(self.slots) - number :]:
            parts: list[tuple[Ints, Stream | None]] = []
            for rows, stream in slot:
                here = np.intersect1d(rows, frame.rows, assume_unique=True)
                parts.append((here, narrow(frame.only(rows), stream, here)))
            stream_here = merge(frame, parts, joined)
            assert stream_here is not None
            found.append(stream_here)
        return found

    def push(self, frame: Frame, result: Stream) -> None:
        """Note a result of a frame's rows, and forget their oldest one."""
        for i, slot in enumerate(self.slots):
            kept = [(rows, stream) for rows, stream in self._without(slot, frame)]
            newer = self._only(self.slots[i + 1], frame) if i + 1 < len(self.slots) else [(frame.rows, result)]
            self.slots[i] = kept + newer

    def _without(self, slot: list[tuple[Ints, Stream]], frame: Frame) -> list[tuple[Ints, Stream]]:
        return _cut(slot, lambda rows: np.setdiff1d(rows, frame.rows, assume_unique=True))

    def _only(self, slot: list[tuple[Ints, Stream]], frame: Frame) -> list[tuple[Ints, Stream]]:
        return _cut(slot, lambda rows: np.intersect1d(rows, frame.rows, assume_unique=True))


def _cut(slot: list[tuple[Ints, Stream]], keep: Callable[[Ints], Ints]) -> list[tuple[Ints, Stream]]:
    found = []
    for rows, stream in slot:
        here = keep(rows)
        part = narrow(Frame(rows, {}), stream, here)
        if len(here) and part is not None:
            found.append((here, part))
    return found
