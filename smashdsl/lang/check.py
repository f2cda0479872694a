"""Every member of a space followed at once: shapes, banks, and the number of architectures.

The walk carries the set of states (channels, grid, written banks) that can occur, joins equal ones, and remembers what it
found for a template under the names it depends on. So its cost follows the number of distinct states, not of members.
Non-goals: constraints (`require` excuses no shape error), and anything a single architecture needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

from smashdsl.lang import ir
from smashdsl.lang import program as p
from smashdsl.lang.banks import chunks_of, enter, leave, read_states, write_states
from smashdsl.lang.diagnostics import Diagnostic, Sink
from smashdsl.lang.evaluate import evaluate, scalar
from smashdsl.lang.facts import Extent, Facts
from smashdsl.lang.limits import Limits
from smashdsl.lang.outcome import NONE, Banks, Finding, Outcome, State, Witness, branch, start, then, within
from smashdsl.lang.pools import shown, values
from smashdsl.lang.source import Span
from smashdsl.ops import Flow, ShapeError
from smashdsl.ops.op import greatest

NOT_DECIDED = "SD0403"


class NotDecided(Exception):
    """More states occur than the limit on checking."""

    def __init__(self, span: Span, why: str) -> None:
        super().__init__(why)
        self.span = span
        self.why = why


@dataclass(frozen=True)
class Context:
    """What surrounds a point: names and their values, and the region whose weights are used."""

    env: Mapping[str, Any]
    region: str

    def bind(self, **names: Any) -> Context:
        return replace(self, env={**self.env, **names})


def check(program: p.Program, sink: Sink, limits: Limits) -> Facts | None:
    """Follow every member; report what is wrong in any and return None, or return the facts."""
    walk = _Walk(program, limits)
    try:
        outcome = walk.network()
    except NotDecided as stopped:
        sink.error(NOT_DECIDED, stopped.why, stopped.span, help="let fewer decisions change shapes, or raise the limit")
        return None
    for f in sorted(outcome.errors.values(), key=lambda f: f.span):
        sink.add(Diagnostic(f.code, f.message, f.span, where=f.where, when=f.witness.decisions(), help=f.help))
    if sink.failed:
        return None
    walk.facts.count = sum(ways for ways, _ in outcome.states.values())
    return walk.facts


class _Walk:
    def __init__(self, program: p.Program, limits: Limits) -> None:
        self.program = program
        self.limits = limits
        self.facts = Facts()
        self.memo: dict[Any, Outcome] = {}
        self.shared_lets = p.shared_lets(program)
        self.free: dict[int, tuple[frozenset[str], bool]] = {}
        self.steps = 0

    # -- the skeleton -------------------------------------------------------------------------

    def network(self) -> Outcome:
        source = self.program.space.input
        flow = Flow(source.channels, source.grid)
        context = Context({}, "")
        return self.arguments(self.program.params, context, lambda c: self.chain(State(flow), c))

    def chain(self, state: State, context: Context) -> Outcome:
        outcome = self.scope(self.program.stem, state, context)
        for block in self.program.blocks:
            for position, value in enumerate(block.instances):
                inner = replace(context, region=block.path(position))
                if block.index:
                    inner = inner.bind(**{block.index: value})
                last = position == len(block.instances) - 1 and block is self.program.blocks[-1]
                outcome = then(outcome, lambda s, b=block, c=inner, z=last: self.block(b, s, c, z))  # type: ignore[misc]
        for joint in (self.program.body, self.program.head):
            if joint is not None:
                outcome = then(outcome, lambda s, j=joint: self.scope(j, s, context))  # type: ignore[misc]
        return then(outcome, self.output)

    def output(self, state: State) -> Outcome:
        output = self.program.space.output
        if state.flow == Flow(output.size, ()):
            return start(State(state.flow))
        message = f"the head makes {state.flow}, but `{output.name}` needs a vector of {output.size}"
        help = f"end the head with `linear({output.name})`" if state.flow and not state.flow.grid else None
        help = help or f"end the head with `global_avg_pool; linear({output.name})`"
        return self.error(ShapeError("SD0209", message, help), self.program.space.output.span)

    def block(self, block: p.Block, state: State, context: Context, last: bool) -> Outcome:
        outcome = self.cell(block.cell, state, context)
        if not last:
            outcome = then(outcome, lambda s: self.scope(block.transition, s, context))
        return within(context.region, outcome)

    # -- nodes --------------------------------------------------------------------------------

    def seq(self, seq: p.Seq, state: State, context: Context) -> Outcome:
        outcome = start(state)
        for node in seq:
            outcome = then(outcome, lambda s, n=node: self.node(n, s, context))  # type: ignore[misc]
            if len(outcome.states) > self.limits.states:
                raise NotDecided(node.span, f"more than {self.limits.states:,} different states arrive after this")
        return outcome

    def node(self, node: p.Node, state: State, context: Context) -> Outcome:
        names, banks = self.dependencies(node)
        key = (
            id(node),
            state if banks else (state.flow, state.decided),
            self.bound(names, context),
            context.region,
        )
        found = self.memo.get(key)
        if found is None:
            self.steps += 1
            if self.steps > 40 * self.limits.states:
                raise NotDecided(node.span, "this space has too many different states to follow")
            found = self.memo[key] = self.visit(node, state, context)
        if not banks:
            # what does not touch banks passes them on, whatever they are
            return Outcome(
                {State(s.flow, state.banks, s.decided): entry for s, entry in found.states.items()}, found.errors
            )
        return found

    def visit(self, node: p.Node, state: State, context: Context) -> Outcome:
        match node:
            case p.Layer():
                return self.layer(node, state, context)
            case p.Scope():
                return self.scope(node, state, context)
            case p.LetUse():
                body = node.let.body
                if node.let not in self.shared_lets:
                    return self.scope(body, state, context)
                return self.tied(node, node.let, body.local, state, lambda s: self.scope(body, s, context))
            case p.CellUse():
                return self.cell_use(node, state, context)
            case p.Combine():
                return self.combine(node, state, context)
            case p.Choose():
                return self.choose(node, state, context)
            case p.Repeat():
                return self.repeat(node, state, context)
            case p.Read():
                return self.guard(node.span, lambda: self.read(node, state, context))
            case p.Write():
                return self.guard(node.span, lambda: self.write(node, state, context))

    def layer(self, node: p.Layer, state: State, context: Context) -> Outcome:
        if state.flow is None:
            return self.nothing_arrives(node.span)
        flow = state.flow

        def apply(inner: Context) -> Outcome:
            args = {arg.name: inner.env[arg.name] for arg in node.args}
            after = node.op.shape(flow, args)
            self.record(node, flow, args, inner.region)
            return start(State(after, state.banks, state.decided))

        local = context.bind(channels=flow.channels)
        return self.arguments(node.args, local, lambda c: self.guard(node.span, lambda: apply(c)))

    def nothing_arrives(self, span: Span) -> Outcome:
        return self.error(ShapeError("SD0306", "nothing has been read here", "start the op with `read …`"), span)

    def scope(self, node: p.Scope, state: State, context: Context) -> Outcome:
        flow = state.flow
        inner = context if flow is None else context.bind(channels=flow.channels)
        return within(node.local, self.arguments(node.formals, inner, lambda c: self.seq(node.body, state, c)))

    def choose(self, node: p.Choose, state: State, context: Context) -> Outcome:
        decision = node.decision
        self.alphabet(decision, range(len(node.paths)))
        cases = [(str(i), 1, self.seq(path, state, context)) for i, path in enumerate(node.paths)]
        return branch(decision.local, cases)

    def combine(self, node: p.Combine, state: State, context: Context) -> Outcome:
        """Follow parallel paths; all start from one state, and only `decided` passes from one to the next."""
        outcome = Outcome({state: (1, NONE)})
        flows: dict[State, dict[tuple[Flow, ...], tuple[int, Witness]]] = {state: {(): (1, NONE)}}
        for path in node.paths:
            following: dict[State, dict[tuple[Flow, ...], tuple[int, Witness]]] = {}
            for before, joined in flows.items():
                result = self.seq(path, before, context)
                for finding in result.errors.values():
                    outcome.fail(finding)
                for after, (ways, witness) in result.states.items():
                    target = following.setdefault(state._replace(decided=after.decided), {})
                    for earlier, (known, first) in joined.items():
                        if after.flow is None:
                            continue
                        key = (*earlier, after.flow)
                        more, shortest = target.get(key, (0, first + witness))
                        target[key] = (more + known * ways, shortest)
            flows = following
            if sum(len(joined) for joined in flows.values()) > self.limits.states:
                raise NotDecided(node.span, f"the paths meet in more than {self.limits.states:,} ways")
        merged = Outcome(errors=outcome.errors)
        for after, joined in flows.items():
            for parts, (ways, witness) in joined.items():
                try:
                    merged.add(after._replace(flow=join_flows(node.join, parts)), ways, witness)
                except ShapeError as error:
                    merged.fail(Finding(error.code, error.message, node.span, error.help, "", witness))
        return merged

    def repeat(self, node: p.Repeat, state: State, context: Context) -> Outcome:
        def body(inner: Context) -> Outcome:
            count = self.whole(inner.env["count"], node, "repeat")
            outcome = start(state)
            for i in range(count):
                scope = f"{node.local}[{i}]"
                outcome = then(outcome, lambda s, at=scope: within(at, self.seq(node.body, s, context)))  # type: ignore[misc]
            return outcome

        return self.arguments((node.count,), context, lambda c: self.guard(node.span, lambda: body(c)))

    def whole(self, count: Any, node: p.Repeat | p.Ops, what: str) -> int:
        number = scalar(count)
        if not isinstance(number, int) or number < 0:
            raise ShapeError("SD0208", f"`{what}` can't run {shown(number)} times")
        if number > self.limits.sites:
            help = "lower the count or raise the limit on sites"
            raise ShapeError("SD0402", f"`{what}` of {number:,} is more than {self.limits.sites:,} sites", help)
        self.facts.most[id(node)] = max(number, self.facts.most.get(id(node), 0))
        return number

    def tied(self, node: p.Node, key: Any, name: str, state: State, follow: Callable[[State], Outcome]) -> Outcome:
        """Follow something decided once: its decisions count at its first use only."""
        outcome = follow(state)
        if key in state.decided:
            if len({s.flow for s in outcome.states}) > 1:
                raise NotDecided(node.span, f"`{name}` is used again and its shape depends on its decisions")
            return Outcome(dict.fromkeys(outcome.states, (1, NONE)), outcome.errors)
        decided = state.decided | {key}
        return Outcome({s._replace(decided=decided): entry for s, entry in outcome.states.items()}, outcome.errors)

    # -- cells and banks ------------------------------------------------------------------------

    def cell_use(self, node: p.CellUse, state: State, context: Context) -> Outcome:
        outer = state.banks
        region = f"{context.region}.{node.local}" if context.region else node.local
        inner = replace(context, region=region, env={n: v for n, v in context.env.items() if n not in BANK_NAMES})

        def follow(s: State) -> Outcome:
            body = self.arguments(node.formals, inner, lambda c: self.cell(node.cell, s, c))
            return within(node.cell.template if node.tied else node.local, body)

        start_state = state._replace(banks=None)
        if node.tied:
            outcome = self.tied(node, node.cell.template, node.cell.template, start_state, follow)
        else:
            outcome = follow(start_state)
        return Outcome({s._replace(banks=outer): entry for s, entry in outcome.states.items()}, outcome.errors)

    def cell(self, cell: p.Cell, state: State, context: Context) -> Outcome:
        if state.flow is None:
            return self.nothing_arrives(cell.span)
        flow = state.flow

        def with_bank(inner: Context) -> Outcome:
            bank = inner.env["bank"]
            filled = enter(flow, scalar(bank), cell.bank.span)
            return self.arguments(
                (cell.banks,), inner.bind(filled=filled), lambda c: self.guard(cell.span, lambda: run(c))
            )

        def run(inner: Context) -> Outcome:
            banks, filled = scalar(inner.env["banks"]), inner.env["filled"]
            if not isinstance(banks, int) or not filled <= banks:
                message = f"{filled} banks are filled at entry, but there are only {shown(banks)}"
                raise ShapeError("SD0305", message, "declare at least `filled` banks")
            if banks > self.limits.banks:
                raise ShapeError("SD0208", f"{banks} banks are more than a block can hold, {self.limits.banks}")
            self.facts.banks[cell.template] = max(banks, self.facts.banks.get(cell.template, 0))
            outcome = start(state._replace(flow=None, banks=Banks((1 << filled) - 1, filled)))
            inner = inner.bind(entry=flow, last=self.uses_last(cell))
            for member, position in zip(cell.members, self.positions(cell, inner), strict=True):
                outcome = then(outcome, lambda s, m=member, k=position: self.ops(m, k, s, inner))  # type: ignore[misc]
            return then(outcome, lambda s: self.guard(cell.span, lambda: self.left(cell, s, inner)))

        local = context.bind(channels=flow.channels)
        return self.arguments((cell.bank,), local, lambda c: self.guard(cell.bank.span, lambda: with_bank(c)))

    def uses_last(self, cell: p.Cell) -> bool:
        """Return whether what an op wrote matters beyond that it is written."""
        if cell.result is not None and cell.result.mode == "last":
            return True
        stack: list[p.Node] = [member.use for member in cell.members]
        while stack:
            node = stack.pop()
            if isinstance(node, p.Read | p.Write) and node.banks.mode == "last":
                return True
            stack.extend(p.children(node))
        return False

    def left(self, cell: p.Cell, state: State, context: Context) -> Outcome:
        assert state.banks is not None
        return start(state._replace(flow=leave(cell.result, state.banks, context.env), banks=None))

    def positions(self, cell: p.Cell, context: Context) -> list[int]:
        """Return where the ops of each member start in the block, at the most ops of those before."""
        starts, position = [], 0
        for member in cell.members:
            starts.append(position)
            known = (
                self.facts.alphabets.get(member.count.decisions[0].template)
                if member.count and member.count.decisions
                else None
            )
            most = max(known) if known else 1
            if member.count is not None and not member.count.decisions:
                try:
                    most = int(scalar(evaluate(member.count.value, context.env, {})))
                except ShapeError:
                    most = 1
            position += most if member.count is not None else 1
        return starts

    def ops(self, member: p.Ops, position: int, state: State, context: Context) -> Outcome:
        def step(s: State, k: int) -> Outcome:
            return within(f"op[{k}]", self.op(member.use, s, context))

        if member.count is None:
            return step(state, position)
        after: list[Outcome] = [start(state)]

        def run(inner: Context) -> Outcome:
            number = self.whole(inner.env[member.count.name], member, "ops")  # type: ignore[union-attr]
            while len(after) <= number:
                k = position + len(after) - 1
                after.append(then(after[-1], lambda s: step(s, k)))
            return after[number]

        return self.arguments((member.count,), context, lambda c: self.guard(member.span, lambda: run(c)))

    def op(self, use: p.Scope, state: State, context: Context) -> Outcome:
        assert state.banks is not None
        inner = context.bind(written=state.banks.written.bit_count())
        names, _ = self.dependencies(use)
        key = (id(use), state, self.bound(names | {"entry", "bank", "banks"}, inner), inner.region)
        if key in self.memo:
            return self.memo[key]

        def body(c: Context) -> Outcome:
            before = self.before_write(use, state._replace(flow=None), c)
            if not use.body or not isinstance(use.body[-1], p.Write):
                outcome = Outcome(errors=dict(before.errors))
                self.no_write(outcome, use)
                return outcome
            return then(before, lambda s: self.node(use.body[-1], s, c))

        outcome = self.arguments(use.formals, inner, body)
        # a `let` is decided anew in every op
        kept = Outcome(errors=outcome.errors)
        for s, (ways, witness) in outcome.states.items():
            kept.add(State(None, s.banks, state.decided), ways, witness)
        self.memo[key] = kept
        return kept

    def before_write(self, use: p.Scope, state: State, context: Context) -> Outcome:
        """Follow an op up to its write, which alone depends on how many banks there are."""
        path = use.body[:-1]
        names = frozenset[str]().union(*(self.dependencies(node)[0] for node in path))
        key = (id(use.body), state, self.bound(names, context), context.region)
        if key not in self.memo:
            self.memo[key] = self.seq(path, state, context)
        return self.memo[key]

    def bound(self, names: frozenset[str], context: Context) -> tuple[tuple[str, Any], ...]:
        """Return the values of names, as a part of a key."""
        return tuple((name, context.env[name]) for name in sorted(names) if name in context.env)

    def no_write(self, outcome: Outcome, use: p.Scope) -> None:
        message = f"op `{use.op}` writes nothing" if use.op else "this op writes nothing"
        outcome.fail(Finding("SD0306", message, use.span, "end it with `write …`", "", NONE))

    def read(self, node: p.Read, state: State, context: Context) -> Outcome:
        if state.banks is None or "entry" not in context.env:
            raise ShapeError("SD0306", "there are no banks to read here")
        entry: Flow = context.env["entry"]
        found = read_states(node, state.banks, context.env)
        bank = scalar(context.env["bank"])
        if node.decision is not None:
            self.subset(node.decision, context)
        cases = []
        for size, ways in found:
            channels = size * bank if node.join == "concat" else bank
            cases.append((f"{size} banks", ways, start(State(Flow(channels, entry.grid), state.banks, state.decided))))
        return branch(node.decision.local if node.decision else "read", cases)

    def write(self, node: p.Write, state: State, context: Context) -> Outcome:
        if state.banks is None or "entry" not in context.env:
            raise ShapeError("SD0306", "there are no banks to write here")
        if state.flow is None:
            return self.nothing_arrives(node.span)
        entry: Flow = context.env["entry"]
        bank, banks = scalar(context.env["bank"]), scalar(context.env["banks"])
        chunks = chunks_of(state.flow, bank, entry.grid)
        if node.decision is not None:
            self.subset(node.decision, context)
        cases = [
            (label, ways, start(State(None, after, state.decided)))
            for label, after, ways in write_states(node, state.banks, chunks, banks, context.env, self.limits)
        ]
        if len(cases) > self.limits.states:
            raise NotDecided(node.span, f"this can write banks in more than {self.limits.states:,} ways")
        return branch(node.decision.local if node.decision else "write", cases)

    # -- decisions ------------------------------------------------------------------------------

    def arguments(
        self, args: tuple[p.Argument, ...], context: Context, follow: Callable[[Context], Outcome]
    ) -> Outcome:
        """Decide and bind arguments one after another, then follow."""
        if not args:
            return follow(context)
        arg, rest = args[0], args[1:]

        def decided(chosen: dict[int, Any]) -> Outcome:
            value = evaluate(arg.value, context.env, chosen)
            if arg.kind in {"size", "axes"} and isinstance(value, float):
                raise ShapeError("SD0201", f"`{arg.name}` takes a whole number, not {value}")
            return self.arguments(rest, context.bind(**{arg.name: value}), follow)

        return self.decide(arg.decisions, {}, context, lambda chosen: self.guard(arg.span, lambda: decided(chosen)))

    def decide(
        self,
        decisions: tuple[p.Decision, ...],
        chosen: dict[int, Any],
        context: Context,
        follow: Callable[[dict[int, Any]], Outcome],
    ) -> Outcome:
        if not decisions:
            return follow(chosen)
        decision, rest = decisions[0], decisions[1:]
        assert isinstance(decision.domain, ir.Choice | ir.Interval)
        try:
            offered = values(decision.domain, context.env, chosen)
        except ShapeError as error:
            return self.error(error, decision.span)
        self.alphabet(decision, offered)
        key = id(decision.domain)
        cases = [(shown(v), 1, self.decide(rest, {**chosen, key: v}, context, follow)) for v in offered]
        return branch(decision.local, cases)

    def alphabet(self, decision: p.Decision, offered: Any) -> None:
        known = self.facts.alphabets.get(decision.template, ())
        fresh = [value for value in offered if value not in (known or ())]
        if fresh:
            self.facts.alphabets[decision.template] = tuple(sorted((*(known or ()), *fresh), key=order))
        elif known == ():
            self.facts.alphabets[decision.template] = ()

    def subset(self, decision: p.Decision, context: Context) -> None:
        self.facts.alphabets[decision.template] = None
        banks = scalar(context.env["banks"])
        self.facts.banks[decision.template] = max(banks, self.facts.banks.get(decision.template, 0))

    # -- bookkeeping ----------------------------------------------------------------------------

    def guard(self, span: Span, follow: Callable[[], Outcome]) -> Outcome:
        """Follow; where no shape results, return the error instead."""
        try:
            return follow()
        except ShapeError as error:
            return self.error(error, span)

    def error(self, error: ShapeError, span: Span) -> Outcome:
        outcome = Outcome()
        outcome.fail(Finding(error.code, error.message, span, error.help, "", NONE))
        return outcome

    def record(self, node: p.Layer, flow: Flow, args: Mapping[str, Any], region: str) -> None:
        weights = node.op.weights(flow, args)
        if not weights:
            return
        key = (region, node.template)
        shapes = {name: tuple(w.shape) for name, w in weights.items()}
        main = shapes.get("weight", (1, 1))
        known = self.facts.extents.get(key)
        if known is None:
            inits = {name: w.init for name, w in weights.items()}
            self.facts.extents[key] = Extent(flow.channels, flow.grid, shapes, inits, main[1], main[0])
            return
        known.channels = max(known.channels, flow.channels)
        known.units_in, known.units_out = gcd(known.units_in, main[1]), gcd(known.units_out, main[0])
        for name, shape in shapes.items():
            other = known.weights.get(name, shape)
            known.weights[name] = tuple(greatest(a, b) for a, b in zip(shape, other, strict=True))
            known.inits[name] = weights[name].init

    def dependencies(self, node: p.Node) -> tuple[frozenset[str], bool]:
        """Return the names a node's value may depend on, and whether it touches banks."""
        found = self.free.get(id(node))
        if found is None:
            names: set[str] = set()
            banks = isinstance(node, p.Read | p.Write)
            for argument in p.arguments(node):
                names.update(p.names(argument.value))
            if isinstance(node, p.Read | p.Write):
                names |= {"bank", "entry"}
                if isinstance(node, p.Write) or node.banks.mode == "listed" or node.banks.pool == "banks":
                    names.add("banks")
                for expr in (*node.banks.banks, *([node.banks.size] if node.banks.size is not None else [])):
                    names.update(p.names(expr))
            for child in p.children(node):
                inner, touches = self.dependencies(child)
                names |= inner
                banks |= touches and not isinstance(node, p.CellUse)
            if banks:
                names.add("bank")
            found = self.free[id(node)] = (frozenset(names), banks)
        return found


BANK_NAMES = frozenset({"bank", "banks", "filled", "written", "entry", "last"})


def order(value: Any) -> tuple[str, Any]:
    """Return the key by which the values of a decision are ordered."""
    kind = "number" if isinstance(value, int | float) else type(value).__name__
    return kind, value


def join_flows(join: ir.Join, flows: tuple[Flow, ...]) -> Flow:
    """Return what leaves parallel paths that are joined; raises `ShapeError` when they don't fit."""
    first = flows[0]
    if join == "product":
        # a vector, or a grid of ones, is stretched over the others' grid: squeeze and excitation
        grids = {flow.grid for flow in flows if any(size != 1 for size in flow.grid)}
        grid = next(iter(grids), max((flow.grid for flow in flows), key=len))
        if len(grids) > 1 or any(flow.grid and len(flow.grid) != len(grid) for flow in flows):
            raise ShapeError("SD0206", f"`product` can't multiply {listing(flows)}: their grids differ")
        if any(flow.channels != first.channels for flow in flows):
            raise ShapeError("SD0203", f"`product` can't multiply {listing(flows)}: their channels differ")
        return Flow(first.channels, grid)
    if any(flow.grid != first.grid for flow in flows):
        raise ShapeError("SD0206", f"`{join}` can't join {listing(flows)}: their grids differ")
    if join == "concat":
        return Flow(sum(flow.channels for flow in flows), first.grid)
    if any(flow.channels != first.channels for flow in flows):
        help = "give every path the same number of channels"
        raise ShapeError("SD0203", f"`{join}` can't join {listing(flows)}: their channels differ", help)
    return first


def listing(flows: tuple[Flow, ...]) -> str:
    """Return shapes as a phrase: `[8, 4, 4] and [16, 4, 4]`."""
    return " and ".join(str(flow) for flow in flows)
