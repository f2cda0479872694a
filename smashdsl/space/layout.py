"""The published layout of the conditioning tensor c: (features, rows, slices).

Slices, in program order, are one *header* for each scope (the space, a stem, block, cell use, op, op used as a layer,
iteration, transition, head) and, behind the header of the op they belong to, one *weight slice* for each piece of a
generated weight. Rows are output units of a generated weight; headers are equal over rows. Features are disjoint
fields: what kind of slice it is, which scope or layer, in which region, and one field for each decision of the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, gcd, prod
from typing import Any, Literal

from smashdsl.lang.check.pools import shown
from smashdsl.lang.compile import Compiled
from smashdsl.lang.program import templates as p
from smashdsl.space.sites import Sites

MOST_ONE_HOT = 64
MOST_ROWS = 16
WIDEST_UNIT = 16


@dataclass(frozen=True)
class Field:
    """A named range of features: `width` bits from ``start``.

    ``one-hot`` fields set the bit of a code, ``binary`` ones a presence bit and the code's digits, lowest first,
    ``number`` ones the digits of a number, 0 where there is none, and ``multi-hot`` ones a bit for each bank.
    """

    name: str
    start: int
    width: int
    coding: Literal["flag", "one-hot", "binary", "number", "multi-hot"]
    values: tuple[str, ...] = ()

    @property
    def stop(self) -> int:
        return self.start + self.width


@dataclass(frozen=True)
class Tile:
    """The piece of a generated weight that one row of one slice holds: (unit_out, unit_in, *kernel)."""

    unit_out: int
    unit_in: int
    kernel: tuple[int, ...]

    @property
    def volume(self) -> int:
        return self.unit_out * self.unit_in * prod(self.kernel)


class Layout:
    """The named axes of a space's conditioning tensor."""

    def __init__(self, compiled: Compiled, sites: Sites) -> None:
        self.generated = _generated(compiled)
        self.tile, self.rows, self.most_pieces = _tile(compiled, self.generated)
        self.templates = tuple(dict.fromkeys(_templates(compiled.program)))
        self.regions = tuple(dict.fromkeys(region for region, _ in compiled.facts.extents if region))
        self.fields: dict[str, Field] = {}
        self.features = 0
        self._add("header", 1, "flag")
        self._add("weight", 1, "flag")
        self._coded("template", self.templates)
        self._coded("region", self.regions)
        self._add("piece", max(1, self.most_pieces.bit_length()), "number")
        self._add("bank", max(compiled.facts.banks.values(), default=0), "multi-hot")
        self.decisions = self.features
        for site in sites.all:
            name = site.decision.template
            if name in self.fields:
                continue
            if site.alphabet is None:
                self._add(name, site.banks, "multi-hot")
            else:
                self._coded(name, tuple(map(shown, site.alphabet)))

    def _add(self, name: str, width: int, coding: Any, values: tuple[str, ...] = ()) -> None:
        self.fields[name] = Field(name, self.features, width, coding, values)
        self.features += width

    def _coded(self, name: str, values: tuple[str, ...]) -> None:
        if len(values) <= MOST_ONE_HOT:
            self._add(name, len(values), "one-hot", values)
        else:
            self._add(name, 1 + (len(values) - 1).bit_length(), "binary", values)

    def __repr__(self) -> str:
        fields = ", ".join(f"{field.name}[{field.start}:{field.stop}]" for field in self.fields.values())
        return f"Layout(features={self.features}, rows={self.rows}, {self.tile}: {fields})"

    def describe(self, feature: int) -> str:
        """Return the name of one feature: `mix.c = 16`."""
        for field in self.fields.values():
            if field.start <= feature < field.stop:
                bit = feature - field.start
                if field.coding == "flag":
                    return field.name
                if field.coding == "one-hot":
                    return f"{field.name} = {field.values[bit]}"
                if field.coding == "multi-hot":
                    return f"{field.name}: bank {bit}"
                return f"{field.name}: bit {bit}"
        return f"feature {feature}"

    def as_data(self) -> dict[str, Any]:
        """Return the layout as JSON-ready data."""
        return {
            "axes": ["features", "rows", "slices"],
            "features": self.features,
            "rows": self.rows,
            "tile": {
                "unit_out": self.tile.unit_out,
                "unit_in": self.tile.unit_in,
                "kernel": list(self.tile.kernel),
            },
            "fields": [
                {"name": f.name, "start": f.start, "width": f.width, "coding": f.coding, "values": list(f.values)}
                for f in self.fields.values()
            ],
        }


def _nodes(program: p.Program) -> Iterator[p.Node]:
    """Yield every node of a program once for each place it is used, in program order."""
    stack = list(reversed(list(p.roots(program))))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(list(p.children(node))))


def _templates(program: p.Program) -> Iterator[str]:
    yield "space"
    yield from (block.cell.template for block in program.blocks)
    for node in _nodes(program):
        match node:
            case p.Scope() | p.Repeat():
                yield node.template
            case p.CellUse():
                yield node.cell.template
            case p.Layer(weights="generated"):
                yield node.template


def _generated(compiled: Compiled) -> frozenset[str]:
    """Return the template paths of layers whose weight the HyperNet generates."""
    nodes = _nodes(compiled.program)
    return frozenset(n.template for n in nodes if isinstance(n, p.Layer) and n.weights == "generated")


def _tile(compiled: Compiled, generated: frozenset[str]) -> tuple[Tile, int, int]:
    """Choose the tile so that rows are few and the greatest common divisors of sizes are not cut through."""
    extents = [e for (_, template), e in compiled.facts.extents.items() if template in generated]
    if not extents:
        return Tile(1, 1, ()), 1, 0
    shapes = [e.weights["weight"] for e in extents]
    most_out, most_in = max(s[0] for s in shapes), max(s[1] for s in shapes)
    divisor = gcd(*(e.units_out for e in extents))
    unit_out = divisor * ceil(ceil(most_out / MOST_ROWS) / divisor)
    shared = gcd(*(e.units_in for e in extents))
    unit_in = max(d for d in range(1, min(shared, WIDEST_UNIT) + 1) if shared % d == 0)
    unit_in *= ceil(4 / unit_in)  # slices of one or two channels would be as many as channels
    kernels = [s[2:] for s in shapes]
    rank = max(len(k) for k in kernels)
    kernel = tuple(max(k[a] if a < len(k) else 1 for k in kernels) for a in range(rank))
    return Tile(unit_out, unit_in, kernel), ceil(most_out / unit_out), ceil(most_in / unit_in)
