"""What enters a cell: what arrives, and with `inputs` the results of `body` before it, each through `entry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smashdsl.lang.check.decide import Context, Decisions, guard
from smashdsl.lang.check.origin import ELSEWHERE
from smashdsl.lang.check.outcome import Outcome, State, arriving_by, by, start
from smashdsl.lang.program import templates as p
from smashdsl.ops import Flow, ShapeError

if TYPE_CHECKING:
    from smashdsl.lang.check.layers import Layers


class Entries:
    """Follows what enters cells; what stands in `entry` goes back to ``layers``."""

    def __init__(self, layers: Layers, decisions: Decisions) -> None:
        self.layers = layers
        self.decisions = decisions

    def entered(self, cell: p.Cell, state: State, context: Context) -> Outcome:
        """Return what enters the banks of a cell, its inputs side by side."""
        assert state.flow is not None
        sources: tuple[Flow, ...] = (state.flow,)
        results = state.results
        if cell.inputs > 1:
            sources = (*results[-(cell.inputs - 1) :], state.flow)
            results = (*results[1:], state.flow)
        if cell.entry is None and len(sources) == 1:
            return start(state)

        def follow(i: int, before: Flow | None, s: State) -> Outcome:
            if i == len(sources):
                return start(s._replace(flow=before, results=results))
            if cell.entry is None:
                return follow(i + 1, side_by_side(before, sources[i], cell, context), s)
            local = context.bind(channels=sources[i].channels, shrink=shrink(sources[i], sources[-1]))
            after = self.layers.scope(cell.entry, s._replace(flow=sources[i]), local, entry_name(cell, i))
            if self.decisions.trace and len(sources) > 1:
                # an earlier result is not what arrives, and what is before it here is another input
                after = arriving_by(ELSEWHERE, after)
            return self.decisions.then(after, lambda t: guard(cell.span, lambda: joined(i, before, t)))

        def joined(i: int, before: Flow | None, t: State) -> Outcome:
            assert t.flow is not None
            return follow(i + 1, side_by_side(before, t.flow, cell, context), t)

        entered = guard(cell.span, lambda: follow(0, None, state))
        return by(lambda _: ELSEWHERE, entered) if self.decisions.trace and len(sources) > 1 else entered


def entry_name(cell: p.Cell, i: int) -> str:
    """Return the name of the scope in which an input goes through `entry`."""
    return f"entry[{i}]" if cell.inputs > 1 else "entry"


def shrink(source: Flow, last: Flow) -> object:
    """Return the stride along each axis that brings an input to the grid of the last one."""
    if not source.grid or len(source.grid) != len(last.grid):
        return 1
    return tuple(-(-size // wanted) for size, wanted in zip(source.grid, last.grid, strict=True))


def side_by_side(before: Flow | None, flow: Flow, cell: p.Cell, context: Context) -> Flow:
    """Return the inputs of a cell so far with one more; raises `ShapeError` when it does not fit them or the banks."""
    bank = context.env["bank"]
    if cell.inputs > 1 and bank >= 1 and flow.channels % bank:
        message = f"an input of `{cell.template}` has {flow.channels} channels, which do not fill whole banks of {bank}"
        raise ShapeError("SD0305", message, "bring it to the bank's channels: `entry { conv(1x1, bank) }`")
    if before is None:
        return flow
    if before._replace(channels=0) != flow._replace(channels=0):
        message = f"the inputs of `{cell.template}` differ in their grids: {before} and {flow}"
        raise ShapeError("SD0206", message, "bring them to one grid: `entry { conv(1x1, bank, stride = shrink) }`")
    return flow._replace(channels=before.channels + flow.channels)
