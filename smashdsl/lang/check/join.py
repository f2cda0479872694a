"""What leaves parallel paths that are joined."""

from __future__ import annotations

from smashdsl.lang.text.limits import Limits
from smashdsl.lang.typed import ir
from smashdsl.ops import Flow, ShapeError

ALIKE = "let every path keep the grid, or shrink it alike"


def join_flows(join: ir.Join, flows: tuple[Flow, ...], said: str | None = None) -> Flow:
    """Return what leaves parallel paths; raises `ShapeError` when they don't fit.

    ``said`` is how the spec spells the join, where that is not the name of the join.
    """
    first = flows[0]
    said = said or join
    if any(flow.raw for flow in flows):
        message = f"`{said}` can't join tokens that no `embedding` has taken"
        raise ShapeError("SD0207", message, "start the stem with `embedding(…)`, and branch after it", about="grid")
    if join == "product":
        return _product(flows)
    if any(flow.tokens != first.tokens for flow in flows):
        message = f"`{join}` can't join {listing(flows)}: a sequence of tokens meets what is none"
        raise ShapeError(
            "SD0206", message, "end the other path with `tokens`, which makes a sequence of a grid", about="grid"
        )
    if any(flow.grid != first.grid for flow in flows):
        raise ShapeError("SD0206", f"`{said}` can't join {listing(flows)}: their grids differ", ALIKE, about="grid")
    if join == "concat":
        return first._replace(channels=sum(flow.channels for flow in flows))
    if any(flow.channels != first.channels for flow in flows):
        help = "give every path the same number of channels"
        raise ShapeError(
            "SD0203", f"`{said}` can't join {listing(flows)}: their channels differ", help, about="channels"
        )
    return first


def _product(flows: tuple[Flow, ...]) -> Flow:
    # a vector, or a grid of ones, is stretched over the others' grid: squeeze and excitation
    grids = {flow.grid for flow in flows if any(size != 1 for size in flow.grid)}
    grid = next(iter(grids), max((flow.grid for flow in flows), key=len))
    if len(grids) > 1 or any(flow.grid and len(flow.grid) != len(grid) for flow in flows):
        raise ShapeError(
            "SD0206", f"`product` can't multiply {listing(flows)}: their grids differ", ALIKE, about="grid"
        )
    if len({flow.tokens for flow in flows if flow.grid}) > 1:
        message = f"`product` can't multiply {listing(flows)}: a sequence of tokens meets what is none"
        raise ShapeError(
            "SD0206", message, "end the other path with `tokens`, which makes a sequence of a grid", about="grid"
        )
    if any(flow.channels != flows[0].channels for flow in flows):
        help = "give every path the same number of channels"
        raise ShapeError(
            "SD0203", f"`product` can't multiply {listing(flows)}: their channels differ", help, about="channels"
        )
    return Flow(flows[0].channels, grid, tokens=any(flow.tokens for flow in flows))


def within_bounds(flow: Flow, limits: Limits) -> Flow:
    """Return what flows; raises `ShapeError` when it has more channels than any number may reach."""
    if flow.channels > limits.magnitude:
        raise ShapeError("SD0208", f"more than {limits.magnitude:,} channels leave here")
    return flow


def listing(flows: tuple[Flow, ...]) -> str:
    """Return shapes as a phrase: `[8, 4, 4] and [16, 4, 4]`."""
    shown = [str(flow) for flow in flows]
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]
