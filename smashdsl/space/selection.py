"""Which banks a selection names when there is nothing to decide, for many architectures at once."""

from __future__ import annotations

import numpy as np

from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate, scalar
from smashdsl.space import subsets
from smashdsl.space.frame import BankState, Frame, Stream, View, arriving
from smashdsl.space.subsets import Ints


def fixed(banks: ir.Selection, state: BankState, frame: Frame, stream: Stream | None = None) -> Ints:
    """Return the banks of a selection; masks: (rows,)."""
    rows = frame.rows
    view = View(frame, arriving(stream))
    if banks.mode == "listed":
        return _listed(banks, view, len(rows))
    if banks.mode == "last":
        last: Ints = state.last[rows]
        return last
    written: Ints = state.written[rows]
    everything: Ints = np.broadcast_to(subsets.prefix(np.asarray(view["banks"], np.int64)), len(rows))
    pool = {"written": written, "fresh": everything & ~written}.get(banks.pool, everything)
    if banks.mode == "all":
        return pool
    # a size that is no choice: only of fresh banks, which are taken in order
    assert banks.size is not None
    size = np.broadcast_to(np.asarray(scalar(evaluate(banks.size, view, {})), np.int64), len(rows))
    return subsets.deposit(subsets.prefix(size), pool)


def _listed(banks: ir.Selection, view: View, rows: int) -> Ints:
    masks = np.zeros(rows, np.int64)
    for expr in banks.banks:
        if isinstance(expr, ir.Interval):
            low, high, step = (scalar(evaluate(end, view, {})) for end in (expr.low, expr.high, expr.step))
            for index in range(int(np.max(np.asarray(high))) + 1):
                inside = (index >= low) & (index <= high) & ((index - low) % step == 0)
                masks |= np.where(inside, np.int64(1) << index, 0)
        else:
            masks |= np.int64(1) << np.asarray(scalar(evaluate(expr, view, {})), np.int64)
    return masks
