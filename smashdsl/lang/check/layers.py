"""Layer trees followed for every member at once.

The walk carries the set of states that can occur, joins equal ones, and remembers what it found for a template under
the names it depends on. So its cost follows the number of distinct states, not of members.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from smashdsl.lang.check.cells import Cells, arriving, reached
from smashdsl.lang.check.decide import Context, Decisions, Memo, NotDecided, failed, finding_of, guard, nothing_arrives
from smashdsl.lang.check.fewest import fewest
from smashdsl.lang.check.join import join_flows, within_bounds
from smashdsl.lang.check.kinds import hold_kind, one_kind
from smashdsl.lang.check.origin import Made, by_layer, joined
from smashdsl.lang.check.outcome import NONE, Finding, Outcome, Place, State, Witness, at_home, by, start, within
from smashdsl.lang.check.weights import bound_costs, hold_weight, record
from smashdsl.lang.program import needs
from smashdsl.lang.program import templates as p
from smashdsl.lang.program.dependencies import Dependencies
from smashdsl.lang.typed import ir
from smashdsl.ops import Flow, ShapeError
from smashdsl.ops.op import Weight


class Shapes(NamedTuple):
    """The shapes of one layer's own weights, among what must be equal at each use of a `let`."""

    template: str
    channels: int
    shapes: tuple[tuple[str, tuple[int, ...]], ...]


ARRIVING = ir.Ref("channels")
VISIT = 3  # what a visit costs, in values tried
Joined = dict[tuple[Flow, ...], tuple[int, Witness, tuple[Made, ...]]]


class Layers:
    """Follows sequences, layers, uses of ops, and parallel, alternative and repeated paths."""

    def __init__(self, program: p.Program, decisions: Decisions) -> None:
        self.decisions = decisions
        self.limits = decisions.limits
        self.free = Dependencies()
        self.known: dict[Hashable, tuple[Flow, dict[str, Weight]]] = {}
        self.split: dict[tuple[int, int], list[p.Seq]] = {}
        self.shared_lets = needs.shared_lets(program)
        self.cells = Cells(self, decisions)

    def seq(self, seq: p.Seq, state: State, context: Context) -> Outcome:
        """Follow nodes one after another."""
        outcome = start(state)
        parts = self.parts(seq) if self.decisions.keep == "nothing" else [(node,) for node in seq]
        for part in parts:
            step = self.step(part[0], context) if len(part) == 1 else self.run(part, context)
            outcome = self.decisions.then(outcome, step)
            self.decisions.spend(len(outcome.states), part[-1].span)
            if len(outcome.states) > self.limits.states:
                raise NotDecided(part[-1].span, f"more than {self.limits.states:,} different states arrive after this")
        return outcome

    def parts(self, seq: p.Seq) -> list[p.Seq]:
        """Return a sequence as parts to remember: after its first node, neighbours that touch no banks are one.

        What comes before such a run may leave many states; each then looks up what the run makes of it but once.
        """
        if not seq:
            return []
        key = (id(seq[0]), len(seq))
        if key not in self.split:
            parts = [seq[:1]]
            for banks, run in groupby(seq[1:], lambda node: self.free.of(node)[1]):
                nodes = tuple(run)
                parts.extend([(node,) for node in nodes] if banks else [nodes])
            self.split[key] = parts
        return self.split[key]

    def run(self, nodes: p.Seq, context: Context) -> Callable[[State], Outcome]:
        """Return the step that a run of nodes is, none of which touches banks."""
        memo = self.decisions.memo_of((id(nodes[0]), len(nodes), context.only(self.free.of_all(nodes)), context.region))
        return self.apart(memo, lambda state: self.seq(nodes, state, context))

    def step(self, node: p.Node, context: Context) -> Callable[[State], Outcome]:
        """Return the step that a node is: it follows the node, or returns what was found for it before."""
        names, touches_banks = self.free.of(node)
        memo = self.decisions.memo_of((id(node), context.only(names), context.region))
        if not touches_banks:
            return self.apart(memo, lambda state: self.visit(node, state, context))
        once, anew, after = self.decisions.once, self.decisions.anew, self.decisions.after

        def step(state: State) -> Outcome:
            first = anew(state)
            return after(state, once(memo, first, lambda: self.visit(node, first, context)))

        return step

    def apart(self, memo: Memo, follow: Callable[[State], Outcome]) -> Callable[[State], Outcome]:
        """Return a step that does not touch banks: what it makes of a state does not depend on them."""
        once, anew, after = self.decisions.once, self.decisions.anew, self.decisions.after

        def step(state: State) -> Outcome:
            key = (state.flow, state.decided, state.results)
            found = once(memo, key, lambda: follow(anew(state)))
            banks = state.banks
            if any(s.banks is not banks for s in found.states):
                # what does not touch banks passes them on, whatever they are
                states = {s._replace(banks=banks): entry for s, entry in found.states.items()}
                found = Outcome(states, found.errors)
            return after(state, found)

        return step

    def visit(self, node: p.Node, state: State, context: Context) -> Outcome:
        """Follow a node that was not followed before from here."""
        self.decisions.spend(VISIT, node.span)
        outcome = self.follow(node, state, context)
        if isinstance(node, p.Choose | p.Repeat):
            outcome = one_kind(self.decisions.facts, node, state, context, outcome)
        if self.decisions.watch is not None:
            self.decisions.watch.see(node, state.flow, outcome)
        return outcome

    def follow(self, node: p.Node, state: State, context: Context) -> Outcome:
        """Follow a node by its kind."""
        match node:
            case p.Layer():
                return self.layer(node, state, context)
            case p.Scope():
                return self.scope(node, state, context)
            case p.LetUse():
                body, home = node.let.body, p.home(node.let)
                if node.let not in self.shared_lets:
                    return at_home(home, self.scope(body, state, context))
                outcome = self.tied(node, node.let, node.let.name, state, lambda s: self.scope(body, s, context))
                return at_home(home, outcome)
            case p.CellUse():
                return self.cells.use(node, state, context)
            case p.Combine():
                return self.combine(node, state, context)
            case p.Choose():
                return self.choose(node, state, context)
            case p.Repeat():
                return self.repeat(node, state, context)
            case p.Read():
                return guard(node.span, lambda: self.cells.read(node, state, context))
            case p.Write():
                return guard(node.span, lambda: self.cells.write(node, state, context))

    def layer(self, node: p.Layer, state: State, context: Context) -> Outcome:
        if state.flow is None:
            return nothing_arrives(node.span)
        flow, outcome = state.flow, self.applied(node, state, state.flow, context)
        if not self.decisions.trace:
            return outcome
        sets_channels = any(arg.name == "out" and arg.value != ARRIVING for arg in node.args)

        def made(after: State) -> Made:
            assert after.flow is not None
            return by_layer(flow, after.flow, node.span, sets_channels=sets_channels)

        return by(made, outcome)

    def applied(self, node: p.Layer, state: State, flow: Flow, context: Context) -> Outcome:
        """Follow a layer with every value of its arguments."""
        local = context.bind(channels=flow.channels)

        def apply(inner: Context) -> State | None:
            flow_after = self.shape(node, flow, inner.env, inner.region)
            amounts = _amounts(node, flow, flow_after, inner.env) if self.decisions.meters else {}
            return self.decisions.charge(state._replace(flow=flow_after), amounts)

        if self.decisions.keep != "all":
            with suppress(ShapeError):
                every = Counter(apply(Context(env, context.region)) for env in self.decisions.every(node.args, local))
                if len(every) == 1 or self.decisions.keep == "nothing":
                    return Outcome({after: (ways, NONE) for after, ways in every.items() if after is not None})

        # decisions matter here: go one by one, to know which
        if self.decisions.trace:

            def end(env: Mapping[str, Any]) -> State | Finding | None:
                try:
                    return apply(Context(env, context.region))
                except ShapeError as error:
                    return finding_of(error, node.span)

            return fewest(self.decisions.runs(node.args, local.env, end))
        return self.decisions.arguments(node.args, local, lambda c: guard(node.span, lambda: reached(apply(c))))

    def shape(self, node: p.Layer, flow: Flow, env: Mapping[str, Any], region: str) -> Flow:
        """Return what leaves a layer whose arguments are bound, and note the sizes of its weights."""
        args = {arg.name: env[arg.name] for arg in node.args}
        key = (node.op.name, flow, tuple(args.items()))
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = self.shape_of(node, flow, args)
        after, weights = known
        if node.weights != "own":
            hold_weight(node, weights)
        shapes = record(self.decisions.facts, node, flow, weights, region)
        if shapes and self.decisions.domains is not None and node.weights != "shared":
            self.decisions.domains.add(Shapes(node.template, flow.channels, tuple(shapes.items())))
        return after

    def shape_of(self, node: p.Layer, flow: Flow, args: Mapping[str, Any]) -> tuple[Flow, dict[str, Weight]]:
        """Return what leaves a layer of the table and its weights, which are the same wherever the layer stands."""
        for arg in node.op.args:
            if arg.kind == "word" and args[arg.name] not in arg.words:
                raise ShapeError("SD0201", f"`{arg.name}` of `{node.op.name}` is one of {', '.join(arg.words)}")
        hold_kind(node.op, flow)
        after = within_bounds(node.op.shape(flow, args), self.limits)
        weights = node.op.weights(flow, args)
        bound_costs(weights, node.op.macs(flow, after, args), self.limits)
        return after, weights

    def scope(self, node: p.Scope, state: State, context: Context, name: str | None = None) -> Outcome:
        """Follow a use of an op or a joint; a `let` of its own is forgotten after it."""
        inner = arriving(state, context)
        used = self.decisions.charge(state, {f"count({node.op})": 1}) if node.op else state
        if used is None:
            return Outcome()
        body = self.decisions.arguments(node.formals, inner, lambda c: self.seq(node.body, used, c))
        place = Place(node.local if name is None else name, node.template)
        return within(place, forgotten(body, node.template))

    def choose(self, node: p.Choose, state: State, context: Context) -> Outcome:
        self.decisions.alphabet(node.decision, range(len(node.paths)))
        cases = [(i, 1, self.seq(path, state, context)) for i, path in enumerate(node.paths)]
        return self.decisions.branch(node.decision.local, cases)

    def combine(self, node: p.Combine, state: State, context: Context) -> Outcome:
        """Follow parallel paths; all start from one state, and only `decided` passes from one to the next."""
        merged = Outcome()
        flows: dict[State, Joined] = {state: {(): (1, NONE, ())}}
        for path in node.paths:
            following: dict[State, Joined] = {}
            for before, joined_so_far in flows.items():
                result = self.seq(path, before, context)
                for finding in result.errors.values():
                    merged.fail(finding)
                for after, (ways, witness) in result.states.items():
                    if after.flow is None:
                        merged = Outcome({}, {**merged.errors, **nothing_arrives(node.span).errors})
                        continue
                    # each path adds to the account that the one before it left
                    target = following.setdefault(state._replace(decided=after.decided, spent=after.spent), {})
                    for earlier, (known, first, makers) in joined_so_far.items():
                        flows_so_far, both = (*earlier, after.flow), first + witness
                        makers = (*makers, witness.made)
                        other = target.get(flows_so_far)
                        if other is None:
                            target[flows_so_far] = (known * ways, both, makers)
                            continue
                        kept = other[1].either(both)
                        target[flows_so_far] = (other[0] + known * ways, kept, other[2] if kept is other[1] else makers)
            flows = following
            met = sum(len(ways) for ways in flows.values())
            self.decisions.spend(met, node.span)
            if met > self.limits.states:
                raise NotDecided(node.span, f"the paths meet in more than {self.limits.states:,} ways")
        for after, ways_to in flows.items():
            for parts, (ways, witness, makers) in ways_to.items():
                try:
                    flow = within_bounds(join_flows(node.join, parts), self.limits)
                except ShapeError as error:
                    found = failed(error, node.span).errors[error.code, node.span]
                    merged.fail(replace(found, witness=witness, parts=makers))
                    continue
                if self.decisions.trace:
                    witness = witness.by(joined(tuple(zip(parts, makers, strict=True)), flow, node.span))
                merged.add(after._replace(flow=flow), ways, witness)
        return merged

    def repeat(self, node: p.Repeat, state: State, context: Context) -> Outcome:
        def body(inner: Context) -> Outcome:
            count = self.decisions.times(inner.env["count"], node, "repeat")
            outcome = start(state)
            for i in range(count):
                outcome = self.decisions.then(outcome, iteration, Place(f"{node.local}[{i}]", node.template))
            return outcome

        def iteration(s: State) -> Outcome:
            return forgotten(self.seq(node.body, s, context), node.template)

        local = arriving(state, context)
        return self.decisions.arguments((node.count,), local, lambda c: guard(node.span, lambda: body(c)))

    def tied(self, node: p.Node, key: Any, name: str, state: State, follow: Callable[[State], Outcome]) -> Outcome:
        """Follow something decided once: its decisions count at its first use only."""
        outer, self.decisions.domains = self.decisions.domains, set()
        again = key in dict(state.decided)
        outcome = self.again(node, state, follow) if again else follow(state)
        domains = frozenset(self.decisions.domains)
        self.decisions.domains = None if outer is None else outer | domains
        if isinstance(node, p.CellUse):
            # each use of a tied cell has weights of its own
            domains = frozenset(domain for domain in domains if not isinstance(domain, Shapes))
        before = dict(state.decided)
        if key not in before:
            decided = state.decided | {(key, domains)}
            return Outcome({s._replace(decided=decided): entry for s, entry in outcome.states.items()}, outcome.errors)
        if not outcome.errors and before[key] != domains:
            if isinstance(node, p.LetUse) and (misfit := _misfit(name, before[key], domains)):
                return failed(misfit, node.span)
            message = f"`{name}` is decided once, but its choices differ between its uses"
            return failed(ShapeError("SD0210", message, "let them not depend on what arrives"), node.span)
        if len({s.flow for s in outcome.states}) > 1:
            help = "use it once, or let it make the same shape whatever it decides"
            raise NotDecided(node.span, f"`{name}` is used again, and its shape depends on its decisions", help)
        if len(outcome.states) > 1:
            help = "use it once, or count something that does not depend on it"
            raise NotDecided(node.span, f"`{name}` is used again, and what it spends depends on its decisions", help)
        again_states = {s: (1, NONE.by(witness.made)) for s, (_, witness) in outcome.states.items()}
        return self.decisions.after(state, Outcome(again_states, outcome.errors))

    def again(self, node: p.Node, state: State, follow: Callable[[State], Outcome]) -> Outcome:
        """Follow something decided earlier, with an account of its own; weights of a `let` are there already."""
        unseen = "params" if isinstance(node, p.LetUse) else ""
        with self.decisions.metered(tuple(meter.without(unseen) for meter in self.decisions.meters)):
            return follow(self.decisions.anew(state))


def _amounts(node: p.Layer, flow: Flow, after: Flow, env: Mapping[str, Any]) -> dict[str, int]:
    """Return what a layer spends."""
    args = {arg.name: env[arg.name] for arg in node.args}
    return {"params": p.learned(node, flow, args), "flops": node.op.macs(flow, after, args)}


def forgotten(outcome: Outcome, template: str) -> Outcome:
    """Return an outcome after a scope: what a `let` of the scope decided holds no longer."""
    if not any(state.decided for state in outcome.states):
        return outcome
    kept = Outcome(errors=outcome.errors)
    for state, (ways, witness) in outcome.states.items():
        stay = (one for one in state.decided if not _is_let_within(one[0], template))
        kept.add(state._replace(decided=frozenset(stay)), ways, witness)
    return kept


def _is_let_within(key: Any, template: str) -> bool:
    return isinstance(key, p.Let) and key.body.template.startswith(f"{template}.")


def _misfit(name: str, earlier: Any, here: Any) -> ShapeError | None:
    """Return what is wrong with a `let` whose weights would have other shapes here than at an earlier use."""
    before = {s for s in earlier if isinstance(s, Shapes)}
    now = {s for s in here if isinstance(s, Shapes)}
    if before == now or earlier - before != here - now:
        return None
    channels = sorted({s.channels for s in before - now}), sorted({s.channels for s in now - before})
    message = f"`{name}` has one set of weights, which would have other shapes here than at an earlier use"
    if channels[0] != channels[1]:
        first, second = (", ".join(map(str, c)) for c in channels)
        message = f"`{name}` has one set of weights: they take {first} channels at an earlier use, but {second} here"
    return ShapeError("SD0203", message, "let equal channels arrive at each use, or use a second `let`")
