"""Cells and blocks of the syntax tree, resolved: their params, banks, ops and loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Sink, did_you_mean
from smashdsl.lang.typed import fold, ir, terms
from smashdsl.lang.typed.expressions import Expressions
from smashdsl.lang.typed.scope import CONTEXT, Scope
from smashdsl.lang.typed.selections import listing
from smashdsl.lang.typed.statements import Statements
from smashdsl.lang.typed.terms import is_choice

MOST_INPUTS = 16
SPENT: dict[str, ir.Measure] = {measure: measure for measure in get_args(ir.Measure)}


class Cells:
    """Resolves cells and blocks; what stands in bodies goes to ``statements``."""

    def __init__(self, sink: Sink, expressions: Expressions, statements: Statements) -> None:
        self.sink = sink
        self.expressions = expressions
        self.statements = statements

    def formals(self, nodes: Sequence[s.Formal], scope: Scope) -> tuple[ir.Formal, ...]:
        """Resolve formals, each of which may use the ones before; binds them in the scope."""
        formals = []
        for node in nodes:
            value = None if node.default is None else self.expressions.value(node.default, scope)
            self.expressions.bind(node.name, scope)
            scope.names.add(node.name.id)
            formals.append(ir.Formal(node.name.id, value, span=node.span))
        return tuple(formals)

    def cell(self, node: s.CellDef) -> ir.Cell | None:
        """Resolve a cell that is declared by name."""
        with self.expressions.owned(node.name.id):
            return self._cell(node)

    def _cell(self, node: s.CellDef) -> ir.Cell | None:
        scope = Scope()
        formals = self.formals(node.formals, scope)
        for member in node.members:
            if isinstance(member, s.Transition):
                help = "put its layers where the cell is used, after it"
                self.sink.error("SD0107", "a cell has no transition; a block has", member.span, help=help)
        scope, params = self._params(node.members, scope)
        inputs, entry = self._inputs(node, scope)
        parts = self._cell_parts(node.name, node.members, scope)
        self._warn_unused(node.members, scope)
        if parts is None:
            return None
        return ir.Cell(node.name.id, formals, node.tied, params, *parts, inputs, entry, span=node.span)

    def _params(self, nodes: Sequence[s.Node], scope: Scope) -> tuple[Scope, tuple[ir.Param, ...]]:
        """Resolve the params of a cell or block, before all else that stands in it.

        What decides nothing and asks nothing of what arrives is put in wherever the name stands; the others are
        decided, or computed, when the cell or block is entered.
        """
        inner = scope.extended()
        inner.values = dict(scope.values)
        params: list[ir.Param] = []
        for node in nodes:
            if not isinstance(node, s.Param):
                continue
            value = self.expressions.value(node.value, inner)
            self.expressions.bind(node.name, inner)
            at_entry = CONTEXT | {param.name for param in params}
            if value is not None and (is_choice(value) or not at_entry.isdisjoint(terms.names(value))):
                params.append(ir.Param(node.name.id, value, span=node.span))
                inner.names.add(node.name.id)
            else:
                inner.values[node.name.id] = value
        return inner, tuple(params)

    def _warn_unused(self, nodes: Sequence[s.Node], scope: Scope) -> None:
        for node in nodes:
            if isinstance(node, s.Param) and node.name.id not in scope.used:
                self.sink.error("SD1001", f"param `{node.name.id}` is never used", node.name.span)

    def _inputs(self, node: s.CellDef, scope: Scope) -> tuple[int, ir.Path]:
        """Resolve how many results of `body` enter a cell, and what each goes through."""
        counts = [member for member in node.members if isinstance(member, s.Inputs)]
        entries = [member for member in node.members if isinstance(member, s.Entry)]
        for extra in (*counts[1:], *entries[1:]):
            word = "inputs" if isinstance(extra, s.Inputs) else "entry"
            self.sink.error("SD0107", f"a second `{word}` stands in `{node.name.id}`", extra.span)
        inputs = self.expressions.constant(counts[0].count, "the number of inputs", low=1) if counts else 1
        inner = scope.extended("bank", "shrink")
        entry = self.statements.path(entries[0].body, inner, "joint") if entries else ()
        if inputs is not None and inputs > MOST_INPUTS:
            self.sink.error("SD0208", f"a cell takes at most {MOST_INPUTS} inputs", counts[0].span)
        return inputs or 1, entry

    def block(self, node: s.BlockDef) -> ir.Block | None:
        """Resolve a block."""
        instances: tuple[int, ...] = (0,)
        scope = Scope()
        if node.instances is not None:
            values = self.expressions.constants(node.instances)
            if values is None:
                return None
            instances = values
        if node.index is not None:
            self.expressions.bind(node.index, scope)
            scope.names.add(node.index.id)
        index = node.index.id if node.index is not None else None
        inner, params = self._params(node.members, scope)
        parts = self._cell_parts(node.name, node.members, inner)
        for member in node.members:
            if isinstance(member, s.Inputs | s.Entry):
                word = "inputs" if isinstance(member, s.Inputs) else "entry"
                message = f"a block has no `{word}`: what enters it is what arrives"
                self.sink.error("SD0107", message, member.span, help="write a `cell`, and use it in `body`")
        transitions = [m for m in node.members if isinstance(m, s.Transition)]
        for extra in transitions[1:]:
            self.sink.error("SD0107", f"block `{node.name.id}` has a second transition", extra.span)
        behind = replace(inner, names=scope.names, hidden=frozenset(param.name for param in params))
        transition = self.statements.path(transitions[0].body, behind, "joint") if transitions else ()
        self._warn_unused(node.members, inner)
        if parts is None:
            return None
        return ir.Block(node.name.id, index, instances, params, *parts, transition, span=node.span)

    def _cell_parts(
        self, name: s.Name, nodes: Sequence[s.Node], scope: Scope
    ) -> tuple[ir.Expr, ir.Expr, tuple[ir.Member, ...], ir.Selection | None] | None:
        banks = [node for node in nodes if isinstance(node, s.Banks)]
        yields = [node for node in nodes if isinstance(node, s.Yield)]
        if len(banks) != 1:
            what = "has no `banks`" if not banks else "declares its banks twice"
            self.sink.error("SD0107", f"`{name.id}` {what}", name.span, help="add `banks COUNT of CHANNELS`")
            return None
        channels = self.expressions.size(banks[0].channels, scope, "channels of a bank")
        inner = scope.extended("bank", "filled")
        count = self.expressions.size(banks[0].count, inner, "the number of banks")
        members = self._members(nodes, inner)
        result = self._yield(yields, inner)
        if not any(isinstance(node, s.Ops | s.OpsWhile | s.InlineOp | s.For) for node in nodes):
            self.sink.error("SD0107", f"`{name.id}` has no ops", name.span, help="add `ops COUNT of NAME`")
        if channels is None or count is None:
            return None
        return count, channels, members, result

    def _yield(self, nodes: Sequence[s.Yield], scope: Scope) -> ir.Selection | None:
        for extra in nodes[1:]:
            self.sink.error("SD0107", "a second `yield` stands here", extra.span)
        if not nodes:
            return None
        result = self.statements.selections.selection(nodes[0].selection, scope)
        fixed = result is None or result.mode in {"listed", "last"} or (result.mode, result.pool) == ("all", "written")
        if not fixed:
            message = "`yield` names banks, `last` or `all`; it decides nothing"
            self.sink.error(
                "SD0201", message, nodes[0].selection.span, help="write `yield all`, or the banks: `yield [0, 1]`"
            )
        return result if fixed else None

    def _members(self, nodes: Sequence[s.Node], scope: Scope) -> tuple[ir.Member, ...]:
        """Resolve the ops and loops of a cell or block."""
        out: list[ir.Member] = []
        for node in nodes:
            match node:
                case s.Ops():
                    count = self.expressions.size(node.count, scope, "the number of ops")
                    use = self._used_by_cell(node.use, scope)
                    if count is not None and use is not None:
                        out.append(ir.Ops(count, use, span=node.span))
                case s.OpsWhile():
                    member = self._ops_while(node, scope)
                    out.extend(() if member is None else (member,))
                case s.InlineOp():
                    out.append(ir.InlineOp(self.statements.path(node.body, scope, "op"), span=node.span))
                case s.For():
                    out.extend(self._for(node, scope))
        return tuple(out)

    def _used_by_cell(self, node: s.Layer, scope: Scope) -> ir.Use | None:
        """Resolve the op that a cell uses by name."""
        if node.name.id not in self.statements.ops:
            message = f"there is no op `{node.name.id}`"
            named = f"declare it: `op {node.name.id} {{ read … write … }}`"
            self.sink.unknown("SD0101", message, node.name.span, node.name.id, self.statements.ops, named)
            return None
        return self.statements.use(node, scope)

    def _ops_while(self, node: s.OpsWhile, scope: Scope) -> ir.OpsWhile | None:
        condition, use = node.condition, self._used_by_cell(node.use, scope)
        measure = condition.left
        if not isinstance(measure, s.Name) or measure.id not in SPENT:
            named = did_you_mean(measure.id, SPENT) if isinstance(measure, s.Name) else None
            help = named or f"write `ops while reads < 8 of NAME` with one of {listing(list(SPENT))}"
            self.sink.error("SD0101", "`ops while` compares what is spent with a bound", condition.span, help=help)
            return None
        if condition.op != "<" and condition.op != "<=":
            message = f"ops are added while `{measure.id}` stays below a bound: `{condition.op}` has no end"
            self.sink.error("SD0201", message, condition.span, help=f"write `{measure.id} < …`")
            return None
        bound = self.expressions.number(condition.right, scope, "the bound of `ops while`")
        if bound is None or use is None:
            return None
        return ir.OpsWhile(SPENT[measure.id], condition.op, bound, use, span=node.span)

    def _for(self, node: s.For, scope: Scope) -> list[ir.Member]:
        names, values, inner = [], [], scope
        for loop in node.loops:
            value = self.expressions.expr(loop.values, inner)
            if value is not None and not all(map(fold.is_known, getattr(value, "items", (value,)))):
                self.sink.error("SD0201", "a loop runs over a range or a list, not a choice", loop.span)
                return []
            if value is None:
                return []
            self.expressions.bind(loop.name, inner)
            if loop.name.id in self.statements.argument_names:
                message = f"`{loop.name.id}` is the name of an argument and can't be that of a loop too"
                help = "choose a name that no layer, op or cell gives to an argument of its own"
                self.sink.error("SD0102", message, loop.name.span, help=help)
            names.append(loop.name.id)
            values.append(value)
            inner = inner.extended(loop.name.id)
        return [ir.For(tuple(names), tuple(values), self._members(node.members, inner), span=node.span)]
