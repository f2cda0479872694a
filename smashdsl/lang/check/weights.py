"""The weights of layers, followed for every member at once: what they cost at most, and their largest sizes."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd

from smashdsl.lang.check.facts import Extent, Facts
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.limits import Limits
from smashdsl.ops import Flow, ShapeError
from smashdsl.ops.fixed import check_fixed
from smashdsl.ops.op import Weight, greatest, product


def bound_costs(weights: Mapping[str, Weight], macs: int, limits: Limits) -> None:
    """Raise `ShapeError` for a layer whose costs, added up over all layers, might not fit a 64-bit number."""
    most = 2**62 // limits.sites
    params = sum(product(weight.shape) for weight in weights.values())
    for what, number in (("weights", params), ("multiply-adds", macs)):
        if number > most:
            raise ShapeError("SD0208", f"this layer has {number:,} {what}, more than {most:,}", "make it smaller")


def hold_weight(node: p.Layer, weights: Mapping[str, Weight]) -> None:
    """Raise `ShapeError` unless a layer has the tensor that `weights = …` speaks of: (out, in, *kernel)."""
    weight = weights.get("weight")
    if weight is None or len(weight.shape) < 2:
        what = "no tensor `weight` here" if weight is None else "a `weight` of one axis"
        raise ShapeError("SD0207", f"`{node.op.name}` has {what}", f"drop `weights = {node.weights}`")
    if node.weights == "fixed":
        check_fixed(node.fixed, weight.shape)


def record(
    facts: Facts, node: p.Layer, flow: Flow, weights: Mapping[str, Weight], region: str
) -> dict[str, tuple[int, ...]]:
    """Note the largest sizes that a layer's weights take; return those they take here."""
    if not weights:
        return {}
    key = (region, node.template)
    shapes = {name: tuple(w.shape) for name, w in weights.items()}
    main = shapes.get("weight", (1, 1))
    units_out, units_in = main[0], main[1] if len(main) > 1 else 1
    known = facts.extents.get(key)
    if known is None:
        inits: dict[str, str] = {name: w.init for name, w in weights.items()}
        facts.extents[key] = Extent(flow.channels, flow.grid, shapes, inits, units_in, units_out)
        return shapes
    known.channels = max(known.channels, flow.channels)
    known.grid = tuple(map(max, known.grid, flow.grid))
    known.units_in, known.units_out = gcd(known.units_in, units_in), gcd(known.units_out, units_out)
    for name, shape in shapes.items():
        other = known.weights.get(name, shape)
        known.weights[name] = tuple(greatest(a, b) for a, b in zip(shape, other, strict=True))
        known.inits[name] = weights[name].init
    return shapes
