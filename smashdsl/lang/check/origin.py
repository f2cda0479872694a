"""Where the channels and the grid that arrive somewhere were made: the second places that shape errors point at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smashdsl.lang.text.diagnostics import Label
from smashdsl.lang.text.source import NOWHERE, PRELUDE, Span
from smashdsl.ops import Flow
from smashdsl.ops.op import About


class Maker(NamedTuple):
    """What made the channels or the grid: its place, and the words beside it there."""

    span: Span
    text: str


UNKNOWN = Maker(NOWHERE, "")


class Made(NamedTuple):
    """Who made what flows since some point before; None: it is what it was at that point."""

    channels: Maker | None = None
    grid: Maker | None = None

    def then(self, later: Made) -> Made:
        """Return who made what flows after both of two parts."""
        return self if later is UNCHANGED else Made(later.channels or self.channels, later.grid or self.grid)


UNCHANGED = Made()
ELSEWHERE = Made(UNKNOWN, UNKNOWN)  # what flows is not what arrived, and nobody says where it is from


def coming_in(flow: Flow, span: Span) -> Made:
    """Return that the input of the network is what flows."""
    return Made(channels_of(flow, span, "come in"), Maker(span, f"{_grid(flow)} comes in here"))


def made(flow: Flow | None, span: Span, verb: str) -> Made:
    """Return that a place made all of what flows; ``verb`` says how: `made`, `read`."""
    if flow is None:
        return ELSEWHERE
    return Made(channels_of(flow, span, f"are {verb}"), Maker(span, f"{_grid(flow)} is {verb} here"))


def leaving(flow: Flow | None, span: Span) -> Made:
    """Return that what flows left a cell or block."""
    return (
        ELSEWHERE if flow is None else Made(channels_of(flow, span, "leave"), Maker(span, f"{_grid(flow)} leaves here"))
    )


def channels_of(flow: Flow, span: Span, does: str) -> Maker:
    """Return that the channels of what flows are from a place; ``does`` says how: `are made`, `come in`."""
    if flow.channels == 1:
        does = {"come in": "comes in", "leave": "leaves"}.get(does, does.replace("are ", "is "))
    return Maker(span, f"{flow.channels} channel{'' if flow.channels == 1 else 's'} {does} here")


def _grid(flow: Flow) -> str:
    if flow.tokens:
        return f"a sequence of {flow.grid[0]} tokens"
    return f"the grid {'x'.join(map(str, flow.grid))}" if flow.grid else "a vector"


def by_layer(before: Flow, after: Flow, span: Span, *, sets_channels: bool) -> Made:
    """Return what a layer made of what arrived; ``sets_channels``: it says how many, be they as many as before."""
    everything = made(after, span, "made")
    channels = sets_channels or before.channels != after.channels
    return Made(
        everything.channels if channels else None,
        everything.grid if before._replace(channels=0) != after._replace(channels=0) else None,
    )


def joined(parts: tuple[tuple[Flow, Made], ...], flow: Flow, span: Span) -> Made:
    """Return who made what parallel paths join to: the first that made as much, or the join itself."""
    whole = made(flow, span, "joined")
    channels = next((made.channels for part, made in parts if part.channels == flow.channels), whole.channels)
    return Made(channels, next((made.grid for part, made in parts if part.grid == flow.grid), whole.grid))


def labels(about: About, span: Span, sources: tuple[Made, ...]) -> Iterator[Label]:
    """Yield the places that made what an error is about, where they are known and not the error's own."""
    told = {span}
    for one in sources:
        maker = {"channels": one.channels, "grid": one.grid}.get(about)
        if maker is not None and maker is not UNKNOWN and maker.span.file != PRELUDE and maker.span not in told:
            told.add(maker.span)
            yield Label(maker.span, maker.text)
