"""Every member of a small space, one by one and concretely: a second opinion on what `check` says of all at once.

Nothing here joins states, multiplies numbers of ways or shares code with the walk of `check`: a member is one run in
which each decision is looked up by its path, and all runs are made by counting through the options.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from typing import Any

from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import ir
from smashdsl.ops import Flow, ShapeError

Member = frozenset[tuple[str, Any]]
OF_KIND = {
    "size": {int},
    "axes": {int, tuple},
    "number": {int, float},
    "flag": {bool},
    "word": {str},
    "any": {int, tuple, float, bool, str},
}


def members(program: p.Program, most: int) -> Iterator[Member | ShapeError]:
    """Yield every member's decisions, or what is wrong with it; stops after ``most``."""
    for decided, error in runs(program, most):
        yield frozenset(decided.items()) if error is None else error


def accounts(program: p.Program, most: int) -> Iterator[Counter[str]]:
    """Yield what each member spends, and how often it uses each op; stops after ``most``."""
    for run, error in _runs(program, most):
        assert error is None
        yield run.spent


def runs(program: p.Program, most: int) -> Iterator[tuple[dict[str, Any], ShapeError | None]]:
    """Yield the decisions of every run, and what went wrong after them; stops after ``most``."""
    for run, wrong in _runs(program, most):
        yield run.decided, wrong


def _runs(program: p.Program, most: int) -> Iterator[tuple[_Run, ShapeError | None]]:
    script: list[int] = []
    kinds: dict[Any, Any] = {}
    for _ in range(most):
        run = _Run(program, script, kinds)
        wrong = None
        try:
            run.network()
        except ShapeError as error:
            wrong = error
        yield run, wrong
        # the next script: the last decision that has an option left takes it
        script = run.taken
        while script and script[-1] + 1 == run.options[len(script) - 1]:
            script.pop()
        if not script:
            return
        script[-1] += 1


@dataclass
class _Banks:
    values: list[bool]
    bank: int
    grids: list[tuple[int, ...] | None]
    last: list[int]
    tokens: bool

    @property
    def written(self) -> list[int]:
        return [i for i, value in enumerate(self.values) if value]

    @property
    def fresh(self) -> list[int]:
        return [i for i, value in enumerate(self.values) if not value]


def wrong(message: str) -> ShapeError:
    return ShapeError("SD0201", message)


@dataclass
class _Run:
    program: p.Program
    script: list[int]
    kinds: dict[Any, Any]
    taken: list[int] = field(default_factory=list)
    options: list[int] = field(default_factory=list)
    decided: dict[str, Any] = field(default_factory=dict)
    offered: dict[str, Sequence[Any]] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)  # reads, units, params, flops and uses of ops by name
    met: set[tuple[int, str, int]] = field(default_factory=set)  # lets whose weights are there
    homes: dict[str, str] = field(default_factory=dict)  # by template, the prefix of the scope that is being followed
    cells: int = 0
    weigh: bool = True
    results: list[Flow] = field(default_factory=list)  # of `body`, that cells with several inputs may take

    def pick(self, path: str, options: Sequence[Any]) -> Any:
        """Decide, or return what was decided at this path before."""
        if not options:
            raise wrong("nothing to choose")
        if path in self.decided:
            if list(self.offered[path]) != list(options):
                raise wrong("decided once from other options")
            return self.decided[path]
        k = len(self.taken)
        index = self.script[k] if k < len(self.script) else 0
        self.taken.append(index)
        self.options.append(len(options))
        self.offered[path] = options
        self.decided[path] = options[index]
        return options[index]

    # -- the skeleton -------------------------------------------------------------------------

    def network(self) -> None:
        space = self.program.space
        env = self.bind(self.program.params, {}, "")
        tokens = space.input.kind == "tokens"
        entering = Flow(space.input.channels, space.input.grid, tokens, tokens)
        flow = self.scope(self.program.stem, entering, env, "", None)
        instances = [(b, i, v) for b in self.program.blocks for i, v in enumerate(b.instances)]
        for number, (block, position, value) in enumerate(instances):
            inner = {**env, block.index: value} if block.index else env
            prefix = f"{block.path(position)}."
            flow = self.cell(block.cell, flow, inner, prefix)
            if number < len(instances) - 1:
                flow = self.scope(block.transition, flow, inner, prefix, None)
        if self.program.body is not None:
            self.results = [flow] * max((cell.inputs - 1 for cell in space.cells), default=0)
            flow = self.scope(self.program.body, flow, env, "", None)
        flow = self.scope(self.program.head, flow, env, "", None)
        per_position = space.output.name == "next_token"
        if flow != Flow(space.output.size, space.input.grid if per_position else (), per_position):
            raise wrong("another output")

    # -- values -------------------------------------------------------------------------------

    def value(self, expr: ir.Expr, env: dict[str, Any], chosen: dict[int, Any]) -> Any:
        match expr:
            case ir.Number():
                return expr.value
            case ir.Dims():
                return expr.values
            case ir.Word():
                return {"true": True, "false": False}.get(expr.value, expr.value)
            case ir.Ref():
                if expr.name not in env:
                    raise wrong("no meaning here")
                return env[expr.name]
            case ir.PerAxis():
                return tuple(self.single(item, env, chosen) for item in expr.items)
            case ir.Call():
                values = [self.single(arg, env, chosen) for arg in expr.args]
                return min(values) if expr.function == "min" else max(values)
            case ir.Binary():
                a, b = self.single(expr.left, env, chosen), self.single(expr.right, env, chosen)
                if expr.op == "/" and b and float in {type(a), type(b)}:
                    return a / b
                if expr.op == "/" and (b == 0 or a % b):
                    raise wrong("a remainder")
                return {"+": a + b, "-": a - b, "*": a * b, "/": a // b if b else 0}[expr.op]
        return chosen[id(expr)]

    def single(self, expr: ir.Expr, env: dict[str, Any], chosen: dict[int, Any]) -> Any:
        value = self.value(expr, env, chosen)
        if isinstance(value, tuple):
            if len(set(value)) > 1:
                raise wrong("differs between axes")
            return value[0]
        if isinstance(value, bool | str):
            raise wrong("no number")
        return value

    def all_of(self, domain: Any, env: dict[str, Any], chosen: dict[int, Any]) -> list[Any]:
        if isinstance(domain, ir.Interval):
            low, high, step = (self.single(end, env, chosen) for end in (domain.low, domain.high, domain.step))
            found = list(range(low, high + 1, step))
        else:
            found = [self.value(element, env, chosen) for element in domain.elements]
        if not found or len(set(found)) < len(found):
            raise wrong("no choice")
        return found

    def bind(self, arguments: Sequence[p.Argument], env: dict[str, Any], prefix: str) -> dict[str, Any]:
        env = dict(env)
        for argument in arguments:
            chosen: dict[int, Any] = {}
            for decision in argument.decisions:
                options = self.all_of(decision.domain, env, chosen)
                chosen[id(decision.domain)] = self.pick(prefix + decision.local, options)
            value = env[argument.name] = self.value(argument.value, env, chosen)
            if type(value) not in OF_KIND[argument.kind]:
                raise wrong("another kind")
        return env

    # -- layers -------------------------------------------------------------------------------

    def scope(self, scope: p.Scope, flow: Any, env: dict[str, Any], prefix: str, banks: _Banks | None) -> Any:
        inner = f"{prefix}{scope.local}."
        self.spent[f"count({scope.op})"] += 1
        env = env if flow is None else {**env, "channels": flow.channels}
        return self.inside(scope, flow, self.bind(scope.formals, env, inner), inner, banks)

    def inside(self, scope: Any, flow: Any, env: dict[str, Any], prefix: str, banks: _Banks | None) -> Any:
        """Follow the body of a scope, in which its `let`s are at home."""
        outer = self.homes.get(scope.template)
        self.homes[scope.template] = prefix
        after = self.seq(scope.body, flow, env, prefix, banks)
        if outer is not None:
            self.homes[scope.template] = outer
        return after

    def seq(self, seq: p.Seq, flow: Any, env: dict[str, Any], prefix: str, banks: _Banks | None) -> Any:
        for node in seq:
            flow = self.node(node, flow, env, prefix, banks)
        return flow

    def node(self, node: p.Node, flow: Any, env: dict[str, Any], prefix: str, banks: _Banks | None) -> Any:
        if flow is None and not isinstance(node, p.Read | p.Choose | p.Combine):
            raise wrong("nothing arrives")
        match node:
            case p.Layer():
                bound = self.bind(node.args, {**env, "channels": flow.channels}, prefix)
                args = {argument.name: bound[argument.name] for argument in node.args}
                if flow.raw != (node.op.name == "embedding"):
                    raise wrong("tokens as they come in")
                after = node.op.shape(flow, args)
                weights = node.op.weights(flow, args)
                if node.weights == "fixed":
                    weight = weights.pop("weight")
                    if min(weight.shape[2:], default=0) < {"gabor": 3, "dct": 2}[node.fixed]:
                        raise wrong("a kernel too small")
                if self.weigh:
                    self.spent["params"] += sum(prod(weight.shape) for weight in weights.values())
                self.spent["flops"] += node.op.macs(flow, after, args)
                return after
            case p.Scope():
                return self.scope(node, flow, env, prefix, banks)
            case p.LetUse():
                prefix = self.homes[p.home(node.let)]
                place = (id(node.let), prefix, self.cells)
                outer, self.weigh = self.weigh, self.weigh and place not in self.met
                self.met.add(place)
                after = self.scope(node.let.body, flow, env, prefix, banks)
                self.weigh = outer
                return after
            case p.CellUse():
                inner = f"{node.cell.template}." if node.tied else f"{prefix}{node.local}."
                outer = {name: env[name] for name in env if name not in {"bank", "banks", "filled", "written", "left"}}
                return self.cell(
                    node.cell, flow, self.bind(node.formals, {**outer, "channels": flow.channels}, inner), inner
                )
            case p.Combine():
                flows = [self.seq(path, flow, env, prefix, banks) for path in node.paths]
                return joined(node.join, flows)
            case p.Choose():
                taken = self.pick(prefix + node.decision.local, range(len(node.paths)))
                after = self.seq(node.paths[taken], flow, env, prefix, banks)
                self.meet(prefix + node.decision.local, flow, after)
                return after
            case p.Repeat():
                count = self.bind((node.count,), {**env, "channels": flow.channels}, prefix)["count"]
                after = flow
                for i in range(count):
                    after = self.inside(node, after, env, f"{prefix}{node.local}[{i}].", banks)
                self.meet(prefix + node.local, flow, after)
                return after
            case p.Read():
                return self.read(node, env if flow is None else {**env, "channels": flow.channels}, prefix, banks)
        env = {**env, "channels": flow.channels}
        return self.write(node, flow, env, prefix, banks)

    def meet(self, place: str, arrives: Any, after: Any) -> None:
        """Hold what leaves a place to be of one kind in all runs."""
        if after is not None and self.kinds.setdefault((place, kind(arrives)), kind(after)) != kind(after):
            raise wrong("kinds that differ")

    # -- banks --------------------------------------------------------------------------------

    def cell(self, cell: p.Cell, flow: Any, env: dict[str, Any], prefix: str) -> Flow:
        env = self.bind((*cell.params, cell.bank), {**env, "channels": flow.channels}, prefix)
        bank = env["bank"]
        flows = self.entering(cell, flow, env, prefix)
        if bank < 1 or any(one.channels % bank for one in flows) or len({(one.grid, one.tokens) for one in flows}) > 1:
            raise wrong("inputs that fill no banks")
        channels = sum(one.channels for one in flows)
        filled = channels // bank
        env = self.bind((cell.banks,), {**env, "channels": channels, "filled": filled}, prefix)
        if filled > env["banks"]:
            raise wrong("more than the banks hold")
        values = [i < filled for i in range(env["banks"])]
        banks = _Banks(
            values, bank, [flows[0].grid if value else None for value in values], list(range(filled)), flows[0].tokens
        )
        self.cells += 1
        before = self.spent.copy()
        for number, member in enumerate(cell.members):
            count = 1 if member.count is None else self.bind((member.count,), env, prefix)[member.count.name]
            if member.spent is None:
                for k in range(count):
                    self.op(member.use, env, f"{prefix}op[{number}, {k}].", banks)
                continue
            k, measure = 0, member.spent.measure
            while (left := count - self.spent[measure] + before[measure]) > 0 or (
                left == 0 and member.spent.comparison == "<="
            ):
                had = self.spent[measure]
                self.op(member.use, {**env, "left": left}, f"{prefix}op[{number}, {k}].", banks)
                if self.spent[measure] == had:
                    raise wrong("an op that spends nothing")
                k += 1
        return self.left(cell.result, banks, env)

    def op(self, use: p.Scope, env: dict[str, Any], prefix: str, banks: _Banks) -> None:
        self.spent[f"count({use.op})"] += 1
        here = self.bind(use.formals, {**env, "written": len(banks.written)}, prefix)
        if self.inside(use, None, here, prefix, banks) is not banks:
            raise wrong("no write")

    def entering(self, cell: p.Cell, flow: Flow, env: dict[str, Any], prefix: str) -> list[Flow]:
        """Return what enters, the oldest result first."""
        flows = [*self.results[-(cell.inputs - 1) :], flow] if cell.inputs > 1 else [flow]
        if cell.inputs > 1:
            self.results = [*self.results[1:], flow]
        if cell.entry is None:
            return flows
        found = []
        for i, one in enumerate(flows):
            own = f"{prefix}entry[{i}]." if cell.inputs > 1 else f"{prefix}entry."
            stride = tuple(-(-a // b) for a, b in zip(one.grid, flow.grid, strict=False)) or 1
            after = self.inside(cell.entry, one, {**env, "channels": one.channels, "shrink": stride}, own, None)
            if after is None:
                raise wrong("nothing enters")
            found.append(after)
        return found

    def left(self, result: ir.Selection | None, banks: _Banks, env: dict[str, Any]) -> Flow:
        if result is None or result.mode == "all":
            leaving = banks.written
        elif result.mode == "last":
            leaving = banks.last
        else:
            leaving = self.listed(result, banks, env)
        if not all(banks.values[i] for i in leaving):
            raise wrong("an empty bank leaves")
        return Flow(len(leaving) * banks.bank, self.grid_of(leaving, banks), banks.tokens)

    def grid_of(self, found: list[int], banks: _Banks) -> Any:
        """Return the grid of banks that are joined."""
        grids = {banks.grids[i] for i in found}
        if len(grids) > 1:
            raise wrong("grids that differ")
        return next(iter(grids), None)

    def listed(self, selection: ir.Selection, banks: _Banks, env: dict[str, Any]) -> list[int]:
        found: list[int] = []
        for expr in selection.banks:
            found += self.all_of(expr, env, {}) if isinstance(expr, ir.Interval) else [self.single(expr, env, {})]
        if len(set(found)) < len(found) or not set(found) <= set(range(len(banks.values))):
            raise wrong("no such banks")
        return found

    def targets(
        self, node: p.Read | p.Write, chunks: int, banks: _Banks, env: dict[str, Any], prefix: str
    ) -> list[int]:
        """Return the banks that are read or written, decided where that is free."""
        selection, everything = node.banks, list(range(len(banks.values)))
        if selection.mode == "listed":
            return self.listed(selection, banks, env)
        if selection.mode == "last":
            return list(banks.last)
        pool = {"written": banks.written, "fresh": banks.fresh}.get(selection.pool, everything)
        if selection.mode == "all":
            return pool
        sizes = range(max(chunks, 1), len(pool) + 1)
        if selection.size is not None:
            free = isinstance(selection.size, ir.Choice | ir.Interval)
            sizes = self.all_of(selection.size, env, {}) if free else [self.single(selection.size, env, {})]
        if not sizes or not all(max(chunks, 1) <= size <= len(pool) for size in sizes):
            raise wrong("no such number of banks")
        sets = [one for size in sizes for one in combinations(pool, size) if allowed(selection.pool, one, banks.fresh)]
        if node.decision is None:
            (only,) = sets
            return list(only)
        return list(self.pick(prefix + node.decision.local, sets))

    def read(self, node: p.Read, env: dict[str, Any], prefix: str, banks: _Banks | None) -> Flow:
        if banks is None:
            raise wrong("no banks here")
        found = self.targets(node, 1, banks, env, prefix)
        if not found or not all(banks.values[i] for i in found):
            raise wrong("nothing to read")
        self.spent["reads"] += len(found)
        if node.join == "attention" and self.weigh:
            self.spent["params"] += len(banks.values)
        if node.through is not None:
            flows = []
            for i in found:
                grid = banks.grids[i]
                assert grid is not None
                inner, own = {**env, "src": i, "channels": banks.bank}, f"{prefix}{node.local}[{i}]."
                self.spent[f"count({node.through.op})"] += 1
                here = self.bind(node.through.formals, inner, own)
                flows.append(self.inside(node.through, Flow(banks.bank, grid, banks.tokens), here, own, banks))
            return joined("concat" if node.join == "concat" else "sum", flows)
        if node.decision is not None:
            self.grid_of(banks.written, banks)
        channels = banks.bank * (len(found) if node.join == "concat" else 1)
        return Flow(channels, self.grid_of(found, banks), banks.tokens)

    def write(self, node: p.Write, flow: Any, env: dict[str, Any], prefix: str, banks: _Banks | None) -> _Banks:
        if banks is None or flow.channels % banks.bank:
            raise wrong("what does not fill banks")
        if flow.tokens != banks.tokens or len(flow.grid) != len(next(grid for grid in banks.grids if grid is not None)):
            raise wrong("other axes")
        chunks = flow.channels // banks.bank
        found = self.targets(node, chunks, banks, env, prefix)
        if len(found) < chunks:
            raise wrong("fewer banks than chunks")
        self.spent["units"] += chunks
        met = banks.written if node.decision is not None and node.banks.pool != "fresh" else found
        if node.decision is not None or node.join != "replace":
            if any(banks.values[i] and banks.grids[i] != flow.grid for i in met):
                raise wrong("another grid")
        elif node.banks.mode == "last" and self.grid_of(found, banks) != flow.grid:
            raise wrong("another grid")
        for i in found:
            banks.values[i] = True
            banks.grids[i] = flow.grid
        banks.last = found
        return banks


def kind(flow: Any) -> Any:
    """Return what flows but for its sizes."""
    return None if flow is None else (len(flow.grid), flow.tokens, flow.raw)


def allowed(pool: str, banks: tuple[int, ...], fresh: list[int]) -> bool:
    """Return whether a set takes fresh banks in order, as `fresh` and `reachable` ask."""
    new = [i for i in banks if i in fresh]
    return pool == "banks" or new == fresh[: len(new)]


def joined(join: str, flows: list[Any]) -> Flow:
    """Return what leaves parallel paths."""
    if any(flow is None for flow in flows):
        raise wrong("a path without an end")
    grids = {flow.grid for flow in flows}
    tokens = {flow.tokens for flow in flows if flow.grid or join != "product"}
    if len(tokens) > 1 or any(flow.raw for flow in flows):
        raise wrong("tokens and what is none")
    if join == "concat" and len(grids) == 1:
        return Flow(sum(flow.channels for flow in flows), flows[0].grid, flows[0].tokens)
    if join == "product":
        large = {grid for grid in grids if any(size != 1 for size in grid)}
        ranks = {len(grid) for grid in grids if grid}
        if len(large) > 1 or len(ranks) > 1:
            raise wrong("grids that can't be multiplied")
        grids = large or {max(grids, key=len)}
    if len(grids) > 1 or (join != "concat" and len({flow.channels for flow in flows}) > 1):
        raise wrong("shapes that differ")
    return Flow(flows[0].channels, grids.pop(), True in tokens)
