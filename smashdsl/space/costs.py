"""Costs of architectures without building them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import ir
from smashdsl.ops import Flow
from smashdsl.space import subsets
from smashdsl.space.frame import BankState, Frame, Stream, take
from smashdsl.space.observer import Observer
from smashdsl.space.subsets import Ints


@dataclass
class Costs:
    """Costs of a batch, each (batch,): learned scalars, multiply-adds for one example, banks read, uses of each op."""

    params: Ints
    flops: Ints
    reads: Ints
    uses: dict[str, Ints] = field(default_factory=dict)

    def env(self) -> dict[str, Any]:
        """Return the costs under the names that `require` knows them by."""
        counts = {f"count({op})": number for op, number in self.uses.items()}
        return {"params": self.params, "flops": self.flops, "reads": self.reads, **counts}


class CostObserver(Observer):
    """Adds up costs while the machine walks."""

    def __init__(self, batch: int, ops: tuple[str, ...] = ()) -> None:
        params, flops, reads = (np.zeros(batch, np.int64) for _ in range(3))
        self.costs = Costs(params, flops, reads, {op: np.zeros(batch, np.int64) for op in ops})
        self.units: Ints = np.zeros(batch, np.int64)

    def enter(self, frame: Frame, template: str, kind: str) -> None:
        if kind in self.costs.uses:
            self.costs.uses[kind][frame.rows] += 1

    def layer(self, frame: Frame, node: p.Layer, source: Stream, args: dict[str, Any], flow: Flow) -> Any:
        if not frame.counted:
            self.costs.params[frame.rows] += p.learned(node, source.flow, args)
        self.costs.flops[frame.rows] += node.op.macs(source.flow, flow, args)

    def read(self, frame: Frame, node: p.Read, state: BankState, masks: Ints, flow: Flow) -> Any:
        self.costs.reads[frame.rows] += subsets.popcount(masks)
        if node.join == "attention" and node.through is None:
            self._weigh(frame)

    def gather(self, frame: Frame, node: p.Read, masks: Ints, parts: list[tuple[Ints, Stream]], flow: Flow) -> Any:
        if node.join == "attention":
            self._weigh(frame)

    def _weigh(self, frame: Frame) -> None:
        """Count the learned scalars of a read, one for each bank."""
        if not frame.counted:
            self.costs.params[frame.rows] += take(frame.env["banks"], frame.rows)

    def write(self, frame: Frame, node: p.Write, state: BankState, masks: Ints, chunks: Ints, stream: Stream) -> None:
        self.units[frame.rows] += chunks

    def spent(self, measure: ir.Measure) -> Ints:
        """Return what each architecture has spent so far; (batch,)."""
        spent: Ints = self.units if measure == "units" else getattr(self.costs, measure)
        return spent
