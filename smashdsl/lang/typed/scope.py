"""The names that mean something where an expression stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.typed import ir

CONTEXT = frozenset({"channels", "bank", "banks", "filled", "written", "left"})
MEASURES = frozenset({"params", "flops", "reads"})
RESERVED = CONTEXT | MEASURES | {"fresh", "reachable", "shrink", "min", "max", "count", "fixed", "true", "false"}


@dataclass
class Scope:
    """The names that may stand in an expression at some place, beside the file's params.

    ``values``: params of a cell or block that decide nothing, by what they stand for. ``hidden``: those that are
    decided in a block, at a place behind it. ``used``: the names that were met.
    """

    names: set[str] = field(default_factory=set)
    in_require: bool = False
    lets: dict[str, s.Let] = field(default_factory=dict)
    values: dict[str, ir.Expr | None] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    used: set[str] = field(default_factory=set)

    def extended(self, *names: str) -> Scope:
        return replace(self, names=self.names | set(names))
