"""IR to program: ops inlined, loops unrolled, decisions given their paths.

Repeats and numbers of ops stay symbolic, so the result is as long as the text is, times the loops that are constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from smashdsl.lang.program import templates as p
from smashdsl.lang.program.naming import Namer, base_name, below
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import fold, ir
from smashdsl.lang.typed.evaluate import evaluate, scalar
from smashdsl.lang.typed.terms import choices, is_choice
from smashdsl.ops import ShapeError, find

WEIGHTS: dict[str, p.Weights] = {kind: kind for kind in get_args(p.Weights)}


class _TooLarge(Exception):
    pass


def expand(space: ir.Space, sink: Sink, limits: Limits) -> p.Program | None:
    """Lay out a space; report to ``sink`` and return None when it is larger than the limits."""
    try:
        return _Expander(space, sink, limits).program()
    except _TooLarge:
        return None


class _Expander:
    def __init__(self, space: ir.Space, sink: Sink, limits: Limits) -> None:
        self.space, self.sink, self.limits = space, sink, limits
        self.ops = {op.name: op for op in space.ops}
        self.cell_defs = {cell.name: cell for cell in space.cells}
        self.cells: dict[str, p.Cell] = {}
        self.made = 0
        self.depth = 0

    def program(self) -> p.Program:
        space = self.space
        params = tuple(self.argument("param", "param", param.name, "any", param.value) for param in space.params)
        return p.Program(
            space,
            params,
            self.joint("stem", space.stem),
            tuple(self.block(block) for block in space.blocks),
            self.joint("body", space.body) if space.body else None,
            self.joint("head", space.head),
        )

    def count(self, span: Span) -> None:
        self.made += 1
        if self.made > self.limits.sites:
            message = f"this space has more than {self.limits.sites:,} layers and decisions"
            self.sink.error("SD0402", message, span, help="lower a loop or raise the limit")
            raise _TooLarge

    # -- scopes -------------------------------------------------------------------------------

    def joint(self, name: str, path: ir.Path, template: str | None = None) -> p.Scope:
        template = template or name
        body = self.path(path, Namer(template, "", path), {})
        return p.Scope(template, name, (), body, path[0].span if path else Span(0, 0))

    def block(self, block: ir.Block) -> p.Block:
        cell = self.cell(block, block.name)
        transition = self.joint("transition", block.transition, f"{block.name}.transition")
        return p.Block(block.name, block.index, block.instances, cell, transition, block.span)

    def cell(self, cell: ir.Cell | ir.Block, template: str) -> p.Cell:
        params = tuple(self.argument(template, "", param.name, "any", param.value) for param in cell.params)
        bank = self.argument(template, "", "bank", "size", cell.bank_channels)
        banks = self.argument(template, "", "banks", "size", cell.bank_count)
        unrolled = list(self.unroll(cell.members))
        ranges = sum(isinstance(member, ir.Ops) for member in unrolled)
        budgets = sum(isinstance(member, ir.OpsWhile) for member in unrolled)
        inline = sum(isinstance(member, ir.InlineOp) for member in unrolled)
        members: list[p.Ops] = []
        for member in unrolled:
            self.count(member.span)
            if isinstance(member, ir.InlineOp):
                index = sum(m.count is None for m in members)
                own = f"{template}.op[{index}]" if inline > 1 else f"{template}.op"
                body = self.path(member.body, Namer(own, "", member.body), {})
                members.append(p.Ops(None, p.Scope(own, "op", (), body, member.span), member.span))
            elif isinstance(member, ir.OpsWhile):
                index = sum(m.spent is not None for m in members)
                local = f"budget[{index}]" if budgets > 1 else "budget"
                bound = self.argument(template, "", local, "number", member.bound)
                use = self.use(member.use, member.use.target, "op")
                spent = p.Spent(member.measure, member.comparison)
                members.append(p.Ops(bound, use, member.span, spent))
            else:
                index = sum(m.count is not None and m.spent is None for m in members)
                local = f"ops[{index}]" if ranges > 1 else "ops"
                count = self.argument(template, "", local, "size", member.count)
                use = self.use(member.use, member.use.target, "op")
                members.append(p.Ops(count, use, member.span))
        inputs, entry = (cell.inputs, cell.entry) if isinstance(cell, ir.Cell) else (1, ())
        entering = self.joint("entry", entry, f"{template}.entry") if entry else None
        return p.Cell(template, params, bank, banks, tuple(members), cell.result, inputs, entering, cell.span)

    def unroll(self, members: Sequence[ir.Member]) -> Iterator[ir.Ops | ir.OpsWhile | ir.InlineOp]:
        """Yield members with loops unrolled and loop variables replaced by their values."""
        for member in members:
            if not isinstance(member, ir.For):
                yield member
                continue
            for values in self._loop(member.names, member.values, {}):
                inner = tuple(substitute(m, values, self.limits) for m in member.members)
                yield from self.unroll(inner)

    def _loop(self, names: Sequence[str], values: Sequence[ir.Expr], env: dict[str, int]) -> Iterator[dict[str, int]]:
        if not names:
            yield env
            return
        for value in self._loop_values(values[0], env):
            self.count(values[0].span)
            yield from self._loop(names[1:], values[1:], {**env, names[0]: value})

    def _loop_values(self, expr: ir.Expr, env: dict[str, int]) -> Iterator[int]:
        try:
            if isinstance(expr, ir.Interval):
                low, high, step = (scalar(evaluate(end, env, {})) for end in (expr.low, expr.high, expr.step))
                if not all(type(end) is int for end in (low, high, step)):
                    raise ShapeError("SD0201", "a loop runs over whole numbers")
                if (high - low) // max(1, step) > self.limits.sites:
                    message = f"this loop runs more than {self.limits.sites:,} times"
                    self.sink.error("SD0402", message, expr.span, help="lower its end or raise the limit on sites")
                    raise _TooLarge
                yield from range(low, high + 1, max(1, step))
            elif isinstance(expr, ir.PerAxis):
                for item in expr.items:
                    yield from self._loop_values(item, env)
            else:
                value = scalar(evaluate(expr, env, {}))
                if type(value) is not int:
                    raise ShapeError("SD0201", "a loop runs over whole numbers")
                yield value
        except ShapeError:
            message = "a loop runs over values that are known before anything is decided"
            self.sink.error("SD0201", message, expr.span)
            raise _TooLarge from None

    # -- statements ---------------------------------------------------------------------------

    def path(self, path: ir.Path, namer: Namer, lets: Mapping[str, p.Let]) -> p.Seq:
        lets = dict(lets)
        out: list[p.Node] = []
        self.depth += 1
        for statement in path:
            self.count(statement.span)
            if self.depth > self.limits.depth:
                message = f"ops and paths are nested deeper than {self.limits.depth}"
                self.sink.error("SD0401", message, statement.span, help="use fewer ops inside ops")
                raise _TooLarge
            if isinstance(statement, ir.Let):
                for name in statement.names:
                    lets[name] = self.let(name, statement.body, namer, lets)
            else:
                out.append(self.statement(statement, namer, lets))
        self.depth -= 1
        return tuple(out)

    def let(self, name: str, body: ir.Statement, namer: Namer, lets: Mapping[str, p.Let]) -> p.Let:
        template = below(namer.template, name)
        if isinstance(body, ir.Use) and body.of == "op":
            return p.Let(name, self.use(body, template, name))
        inner = self.path((body,), Namer(template, "", (body,)), lets)
        return p.Let(name, p.Scope(template, name, (), inner, body.span))

    def statement(self, statement: ir.Statement, namer: Namer, lets: Mapping[str, p.Let]) -> p.Node:
        base = base_name(statement)
        template, local = namer.name(base) if base is not None else ("", "")
        span = statement.span
        match statement:
            case ir.Layer():
                return self.layer(statement, template, local)
            case ir.Use(of="let"):
                return p.LetUse(lets[statement.target], span)
            case ir.Use(of="op"):
                return self.use(statement, template, local)
            case ir.Use():
                return self.cell_use(statement, local)
            case ir.Combine():
                return p.Combine(statement.join, tuple(self.path(x, namer, lets) for x in statement.paths), span)
            case ir.Choose():
                decision = p.Decision(template, local, "choose", statement, span)
                return p.Choose(decision, tuple(self.path(x, namer, lets) for x in statement.paths), span)
            case ir.Maybe():
                decision = p.Decision(template, local, "maybe", statement, span)
                return p.Choose(decision, ((), self.path(statement.path, namer, lets)), span)
            case ir.Repeat():
                count = self.argument(template, local, "count", "size", statement.count)
                body = self.path(statement.path, Namer(template, "", statement.path), lets)
                return p.Repeat(template, local, count, body, span)
            case ir.Read():
                subset = _subset(statement, template, local)
                use = statement.through
                through = self.use(use, template, local) if use is not None else None
                return p.Read(template, local, statement.banks, subset, through, statement.join, span)
            case ir.Write():
                return p.Write(statement.banks, _subset(statement, template, local), statement.join, span)
        raise AssertionError(statement)

    def layer(self, layer: ir.Layer, template: str, local: str) -> p.Layer:
        op = find(layer.op)
        assert op is not None
        given = {arg.name: arg for arg in layer.args}
        weights: p.Weights = "own"
        fixed = ""
        args = []
        for arg in op.args:
            if arg.kind == "weights":
                value = given[arg.name].value if arg.name in given else None
                weights = WEIGHTS[value.value] if isinstance(value, ir.Word) else "own"
                if isinstance(value, ir.Fixed):
                    weights, fixed = "fixed", value.name
            elif arg.name in given:
                args.append(self.argument(template, local, arg.name, arg.kind, given[arg.name].value))
            else:
                args.append(p.Argument(arg.name, arg.kind, _default(arg.default), (), layer.span))
        return p.Layer(template, local, op, tuple(args), weights, layer.span, fixed)

    def use(self, use: ir.Use, template: str, local: str) -> p.Scope:
        op = self.ops[use.target]
        formals = self.formals(use, op.formals, template)
        body = self.path(op.body, Namer(template, "", op.body), {})
        return p.Scope(template, local, formals, body, use.span, op.name)

    def cell_use(self, use: ir.Use, local: str) -> p.CellUse:
        cell = self.cell_defs[use.target]
        if cell.name not in self.cells:
            self.cells[cell.name] = self.cell(cell, cell.name)
        formals = self.formals(use, cell.formals, cell.name)
        return p.CellUse(local, self.cells[cell.name], formals, cell.tied, use.span)

    def formals(self, use: ir.Use, formals: Sequence[ir.Formal], template: str) -> tuple[p.Argument, ...]:
        given = {arg.name: arg.value for arg in use.args}
        values = [(formal.name, given.get(formal.name, formal.default)) for formal in formals]
        return tuple(self.argument(template, "", name, "any", value) for name, value in values if value is not None)

    # -- values -------------------------------------------------------------------------------

    def argument(self, template: str, local: str, name: str, kind: str, value: ir.Expr) -> p.Argument:
        found = list(choices(value))
        decisions = []
        for i, choice in enumerate(found):
            self.count(choice.span)
            own = name if len(found) == 1 else f"{name}[{i}]"
            decisions.append(p.Decision(below(template, own), below(local, own), "value", choice, choice.span))
        return p.Argument(name, kind, value, tuple(decisions), value.span)


def _subset(node: ir.Read | ir.Write, template: str, local: str) -> p.Decision | None:
    """Return the decision of which banks a read or a write takes, if there is one."""
    banks = node.banks
    free = banks.mode == "some" or (banks.mode == "sized" and _is_free(banks))
    return p.Decision(template, local, "subset", banks, node.span) if free else None


def _is_free(banks: ir.Selection) -> bool:
    return banks.pool != "fresh" or (banks.size is not None and is_choice(banks.size))


def _default(default: int | float | str | bool | None) -> ir.Expr:
    if default == "channels":
        return ir.Ref("channels")
    if isinstance(default, bool):
        return ir.Word(str(default).lower())
    return ir.Word(default) if isinstance(default, str) else ir.Number(default or 0)


def substitute(node: Any, values: Mapping[str, int], limits: Limits) -> Any:
    """Return IR with names replaced by numbers, folded again."""
    match node:
        case ir.Ref():
            return ir.Number(values[node.name], span=node.span) if node.name in values else node
        case ir.Binary():
            left, right = substitute(node.left, values, limits), substitute(node.right, values, limits)
            try:
                return fold.binary(node.op, left, right, node.span, limits)
            except fold.FoldError:
                return ir.Binary(node.op, left, right, span=node.span)
        case ir.Call():
            return fold.call(node.function, substitute(node.args, values, limits), node.span)
        case tuple() if not isinstance(node, Span):
            return tuple(substitute(item, values, limits) for item in node)
        case ir.Node():
            parts = {
                f.name: substitute(getattr(node, f.name), values, limits) for f in fields(node) if f.name != "kind"
            }
            return type(node)(**parts)
    return node
