"""Which banks a read, a write or a `yield` speaks of, and how they are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.typed import aliases, fold, ir
from smashdsl.lang.typed.expressions import Expressions
from smashdsl.lang.typed.scope import Scope

POOLS: dict[str, ir.Pool] = {pool: pool for pool in get_args(ir.Pool)}
READ_JOINS: dict[str, ir.Join] = {
    "concat": "concat",
    "add": "sum",
    "mean": "mean",
    "max": "max",
    "mul": "product",
    "attention": "attention",
}
WRITE_JOINS: dict[str, ir.Join] = {"add": "sum", "replace": "replace", "mul": "product", "max": "max", "mean": "mean"}


class Selections:
    """Resolves selections of banks and the words that join them."""

    def __init__(self, sink: Sink, expressions: Expressions) -> None:
        self.sink = sink
        self.expressions = expressions

    def selection(self, node: s.Selection, scope: Scope) -> ir.Selection | None:
        """Resolve which banks a read, a write or a `yield` speaks of."""
        pool = "written" if node.pool is None else node.pool.id
        if pool not in POOLS:
            assert node.pool is not None
            named = f"a pool is one of {listing(list(POOLS))}"
            self.sink.unknown("SD0101", f"`{pool}` is no pool of banks", node.pool.span, pool, POOLS, named)
            return None
        if node.kind != "sized":
            return ir.Selection(node.kind, POOLS[pool], span=node.span)
        assert node.size is not None
        if node.pool is not None:
            size = self.expressions.size(node.size, scope, "the number of banks")
            if size is not None and not fold.is_plain(size):
                help = "write it as one choice, `{1, 2} of written`, or make it a formal of the op"
                self.sink.error("SD0204", "a choice stands inside the number of banks", node.size.span, help=help)
                return None
            return None if size is None else ir.Selection("sized", POOLS[pool], size, span=node.span)
        if isinstance(node.size, s.Name) and node.size.id in {"fresh", "reachable"}:
            message = f"`{node.size.id}` is a pool of banks, and how many are taken from it is not said"
            help = f"write `1 of {node.size.id}` for one of them"
            self.sink.error("SD0302", message, node.size.span, help=help)
            return None
        value = self.expressions.expr(node.size, scope)
        if value is None:
            return None
        if isinstance(value, ir.Interval):
            help = "write `[0..2]` for all banks of a range, `1 of written` for a choice among banks"
            self.sink.error("SD0302", "a range of banks stands in a list", node.size.span, help=help)
            return None
        banks = value.items if isinstance(value, ir.PerAxis) else (value,)
        if any(not fold.is_known(bank) for bank in banks):
            help = "a choice among banks is written `1 of written`"
            self.sink.error("SD0302", "which bank this is can't be a choice of indices", node.size.span, help=help)
            return None
        return ir.Selection("listed", banks=banks, span=node.span)

    def join(self, node: s.Name | None, table: Mapping[str, ir.Join], default: ir.Join) -> ir.Join | None:
        """Resolve how what is read or written is joined."""
        if node is None:
            return default
        if node.id in table:
            return table[node.id]
        meant = aliases.JOINS.get(node.id)
        message, named = f"`{node.id}` is no way to join", f"one of {listing(list(table))}"
        self.sink.unknown("SD0101", message, node.span, node.id, table, named, meant if meant in table else None)
        return None


def listing(names: Sequence[str]) -> str:
    """Return names as a phrase."""
    return ", ".join(f"`{name}`" for name in names) if names else "no arguments"
