"""Who watches the machine: the base, which does nothing, and what parallel paths join to."""

from __future__ import annotations

from typing import Any

import numpy as np

from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import ir
from smashdsl.ops import Flow
from smashdsl.ops.op import greatest
from smashdsl.space.frame import BankState, Frame, Stream
from smashdsl.space.sites import Site
from smashdsl.space.subsets import Ints


class Observer:
    """Told of everything the machine does, in program order; what the makers return travels along as ``ref``."""

    def enter(self, frame: Frame, template: str, kind: str) -> None:
        """Note that a scope starts for a frame's rows."""

    def leave(self, frame: Frame) -> None:
        """Note that the scope entered last ends."""

    def propose(self, frame: Frame, site: Site) -> Ints | None:
        """Return codes to follow at a site, or None to leave it to the machine."""
        return None

    def decided(self, frame: Frame, site: Site, codes: Ints) -> None:
        """Note what was decided at a site; codes: (rows,)."""

    def source(self) -> Any:
        """Return what the input of the network is."""

    def layer(self, frame: Frame, node: p.Layer, source: Stream, args: dict[str, Any], flow: Flow) -> Any:
        """Note a layer on ``source`` that leaves ``flow``."""

    def join(self, frame: Frame, node: p.Combine, streams: list[Stream], flow: Flow) -> Any:
        """Note that parallel paths meet."""

    def merge(self, parts: list[tuple[Ints, Any]]) -> Any:
        """Return one reference for what flows, out of those of parts of the rows."""

    def fill(self, frame: Frame, state: BankState, sources: list[Stream]) -> None:
        """Note that what enters a cell fills its first banks."""

    def read(self, frame: Frame, node: p.Read, state: BankState, masks: Ints, flow: Flow) -> Any:
        """Note that an op reads banks; masks: (rows,). Of a read through an op, each bank is told by itself."""

    def gather(self, frame: Frame, node: p.Read, masks: Ints, parts: list[tuple[Ints, Stream]], flow: Flow) -> Any:
        """Note that banks that went through an op are joined; masks: (rows,). A part's rows are those that read it."""

    def write(self, frame: Frame, node: p.Write, state: BankState, masks: Ints, chunks: Ints, stream: Stream) -> None:
        """Note that an op writes chunks of channels to banks, before they count as written; masks, chunks: (rows,)."""

    def drain(self, frame: Frame, state: BankState, masks: Ints, flow: Flow) -> Any:
        """Note that banks leave a cell, concatenated in order."""


def join_flow(join: ir.Join, flows: list[Flow]) -> Flow:
    """Return what leaves parallel paths that are known to fit."""
    channels = flows[0].channels
    if join == "concat":
        for flow in flows[1:]:
            channels = channels + flow.channels
    grid = max((flow.grid for flow in flows), key=len)
    if join == "product":
        for flow in flows:
            if flow.grid:
                grid = tuple(greatest(a, b) for a, b in zip(grid, flow.grid, strict=True))
    tokens = any(flow.tokens for flow in flows)  # a vector is stretched over them
    return Flow(channels, grid, tokens)


def rows_of(value: Any, rows: int) -> Any:
    """Return a value as an array of one per row."""
    return np.broadcast_to(np.asarray(value), rows)
