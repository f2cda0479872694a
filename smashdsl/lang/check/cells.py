"""Cells and blocks followed for every member at once: banks, and the ops that read and write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from smashdsl.lang.check.account import Meter
from smashdsl.lang.check.banks import (
    EXACTLY,
    at_entry,
    chunks_of,
    enter,
    leave,
    read_states,
    sets_between,
    write_states,
)
from smashdsl.lang.check.budgets import Budgets, position_after, respent
from smashdsl.lang.check.decide import Context, Decisions, NotDecided, failed, guard
from smashdsl.lang.check.entries import Entries
from smashdsl.lang.check.facts import Extent
from smashdsl.lang.check.fewer import holding, indifferent
from smashdsl.lang.check.origin import ELSEWHERE, leaving, made
from smashdsl.lang.check.outcome import NONE, Banks, Outcome, Place, State, at_root, by, decided, start, within
from smashdsl.lang.check.pools import number_of
from smashdsl.lang.check.surroundings import Seen
from smashdsl.lang.check.through import Through
from smashdsl.lang.check.ways import Sets, deciding
from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import terms
from smashdsl.lang.typed.evaluate import scalar
from smashdsl.ops import ShapeError

if TYPE_CHECKING:
    from smashdsl.lang.check.layers import Layers

BANK_NAMES = frozenset({"bank", "banks", "filled", "written", "entry", "last", "left"})
WRITTEN = "written here"
NO_BANKS = "put this op into a block or cell: `ops 1 of NAME`, or `op { read …; …; write … }`"


class Cells:
    """Follows cells; what stands inside their ops goes back to ``layers``."""

    def __init__(self, layers: Layers, decisions: Decisions) -> None:
        self.layers = layers
        self.decisions = decisions
        self.limits = decisions.limits
        self.entries = Entries(layers, decisions)
        self.through = Through(layers, decisions)
        self.budgets = Budgets(self.op, decisions)
        self.most_chunks: dict[int, int] = {}  # by identity of a write, the most banks' worth of channels placed
        self.names: dict[int, tuple[str, ...]] = {}
        self.seen = Seen(layers.free)

    def use(self, node: p.CellUse, state: State, context: Context) -> Outcome:
        """Follow a cell used like a layer; the banks around it are not seen inside."""
        region = f"{context.region}.{node.local}" if context.region else node.local
        inner = arriving(state, Context({n: v for n, v in context.env.items() if n not in BANK_NAMES}, region))

        def follow(s: State) -> Outcome:
            body = self.decisions.arguments(node.formals, inner, lambda c: self.cell(node.cell, s, c))
            return at_root(node.cell.template, body) if node.tied else within(node.local, body)

        entering = state._replace(banks=None)
        if node.tied:
            outcome = self.layers.tied(node, node.cell.template, node.cell.template, entering, follow)
        else:
            outcome = follow(entering)
        states = {s._replace(banks=state.banks): entry for s, entry in outcome.states.items()}
        return Outcome(states, outcome.errors)

    def cell(self, cell: p.Cell, state: State, context: Context) -> Outcome:
        """Follow the banks and ops of a cell or block, from what enters to what leaves."""
        if state.flow is None:
            return failed(
                ShapeError("SD0306", "nothing arrives at this cell", "start the op with a read such as `read last`"),
                cell.span,
            )

        def with_bank(inner: Context) -> Outcome:
            entered = self.entries.entered(cell, state, inner)
            return self.decisions.then(entered, lambda s: guard(cell.bank.span, lambda: self.filled(cell, s, inner)))

        local = context.bind(channels=state.flow.channels)
        first = (*cell.params, cell.bank)
        return self.decisions.arguments(first, local, lambda c: guard(cell.bank.span, lambda: with_bank(c)))

    def filled(self, cell: p.Cell, state: State, context: Context) -> Outcome:
        """Follow a cell from what fills its banks."""
        flow = state.flow
        assert flow is not None
        last = _uses_last(cell)
        whole: list[Outcome] = []

        def members(banks: int, entering: Outcome, inner: Context) -> Outcome:
            if most is None:
                return self.members(cell, entering, inner)
            if not whole:
                whole.append(self.members(cell, entering, inner.bind(banks=most)))
            holds = all(self.most_chunks.get(id(member.use.body[-1]), 0) <= banks for member in cell.members)
            plain = all(s.banks is not None and s.banks.shapes is None for s in whole[0].states)
            return holding(whole[0], banks) if holds and plain else self.members(cell, entering, inner)

        def run(inner: Context) -> Outcome:
            banks, filled = inner.env["banks"], inner.env["filled"]
            if filled > banks:
                message = f"{flow.channels} channels enter and fill {filled} banks of {inner.env['bank']}, "
                raise ShapeError(
                    "SD0305", message + f"but there are only {banks}", "declare at least `filled` banks", "channels"
                )
            if banks > self.limits.banks:
                raise ShapeError("SD0208", f"{banks} banks are more than a block can hold, {self.limits.banks}")
            self.decisions.facts.banks[cell.template] = max(banks, self.decisions.facts.banks.get(cell.template, 0))
            held = (1 << filled) - 1
            outcome = start(state._replace(flow=None, banks=Banks(held, held if last == EXACTLY else filled)))
            inner = inner.bind(entry=flow._replace(channels=scalar(inner.env["bank"])), last=last)
            outcome = members(banks, outcome, inner)
            return self.decisions.then(outcome, lambda s: self.left(cell, s, inner))

        inner = context.bind(channels=flow.channels, filled=enter(flow, context.env["bank"]))
        most = None if last else self.most_banks(cell, inner)
        return self.decisions.arguments((cell.banks,), inner, lambda c: guard(cell.banks.span, lambda: run(c)))

    def most_banks(self, cell: p.Cell, context: Context) -> int | None:
        """Return the most banks of a cell where what is found for those holds for fewer, otherwise None."""
        watched = self.decisions.watch is not None or self.decisions.domains is not None
        if self.decisions.keep != "nothing" or watched or not indifferent(cell, self.layers.free):
            return None
        try:
            most = max(env["banks"] for env in self.decisions.every((cell.banks,), context))
        except ShapeError:
            return None  # told where the number is decided
        return most if context.env["filled"] <= most <= self.limits.banks else None

    def left(self, cell: p.Cell, state: State, context: Context) -> Outcome:
        assert state.banks is not None
        banks = state.banks
        span = cell.span if cell.result is None else cell.result.span
        after = guard(span, lambda: start(state._replace(flow=leave(cell.result, banks, context.env), banks=None)))
        return by(lambda s: leaving(s.flow, span), after) if self.decisions.trace else after

    # -- ops ------------------------------------------------------------------------------------

    def members(self, cell: p.Cell, outcome: Outcome, context: Context) -> Outcome:
        """Follow the ops of a cell; up to the last budget, what the cell spends is kept with each state."""
        outer, measures = self.decisions.meters, p.measured(cell)
        own = tuple(Meter(((measure, 1),)) for measure in measures)
        budgets = sum(member.spent is not None for member in cell.members)
        outcome = respent(outcome, lambda spent: spent + (0,) * len(own))
        for i, member in enumerate(cell.members):
            with self.decisions.metered((*outer, *own)):
                if member.spent is None:
                    step = self.ops(member, cell.members[:i], context)
                else:
                    step = self.budgets.step(
                        member, cell.members[:i], len(outer) + measures.index(member.spent.measure), context
                    )
                outcome = self.decisions.then(outcome, step)
            budgets -= member.spent is not None
            if own and not budgets:
                own = ()
                outcome = respent(outcome, lambda spent: spent[: len(outer)])
        return outcome

    def ops(self, member: p.Ops, before: tuple[p.Ops, ...], context: Context) -> Callable[[State], Outcome]:
        """Return the step that the uses of a member of a cell are, after the members before it."""
        most = self.decisions.facts.most
        found: dict[State, Outcome] = {}

        def step(s: State) -> Outcome:
            if s not in found:
                found[s] = self.op(member.use, s, context)
            return found[s]

        def all_uses(state: State) -> Outcome:
            position = position_after(before, most)
            if member.count is None:
                return within(Place(f"op[{position}]", member.use.template), step(state))
            count = member.count
            after = [start(state)]

            def run(inner: Context) -> Outcome:
                number = self.decisions.times(inner.env[count.name], member, "ops")
                while len(after) <= number:
                    place = Place(f"op[{position + len(after) - 1}]", member.use.template)
                    after.append(self.decisions.then(after[-1], step, place))
                return after[number]

            return self.decisions.arguments((count,), context, lambda c: guard(member.span, lambda: run(c)))

        return all_uses

    def op(self, use: p.Scope, state: State, context: Context) -> Outcome:
        """Follow one op; a `let` is decided anew in every op."""
        assert state.banks is not None
        inner = context.bind(written=state.banks.written.bit_count())
        memo = self.decisions.memo_of((id(use), self.seen.by(use, inner), inner.region))
        first = self.decisions.anew(state)
        return self.decisions.after(state, self.decisions.once(memo, first, lambda: self._op(use, first, inner)))

    def _op(self, use: p.Scope, state: State, context: Context) -> Outcome:
        used = self.decisions.charge(state._replace(flow=None), {f"count({use.op})": 1})
        if used is None:
            return Outcome()

        def body(c: Context) -> Outcome:
            before = self.before_write(use, used, c)
            write = use.body[-1] if use.body else None
            if not isinstance(write, p.Write):
                message = f"op `{use.op}` writes nothing" if use.op else "this op writes nothing"
                errors = failed(
                    ShapeError("SD0306", message, "end it with a write such as `write 0` or `write 1 of fresh`"),
                    use.span,
                ).errors
                return Outcome(errors={**before.errors, **errors})
            return self.decisions.then(before, lambda s: guard(write.span, lambda: self.write(write, s, c), WRITTEN))

        outcome = self.decisions.arguments(use.formals, context, body)
        kept = Outcome(errors=outcome.errors)
        for s, (ways, witness) in outcome.states.items():
            witness = witness.by(ELSEWHERE) if self.decisions.trace else witness
            stay = frozenset(one for one in s.decided if isinstance(one[0], str)) if s.decided else s.decided
            kept.add(s._replace(flow=None, decided=stay | state.decided), ways, witness)
        if self.decisions.watch is not None:
            self.decisions.watch.see(use, None, kept)
        return kept

    def before_write(self, use: p.Scope, state: State, context: Context) -> Outcome:
        """Follow an op up to its write, which alone depends on how many banks there are."""
        path = use.body[:-1]
        memo = self.decisions.memo_of((id(use.body), context.only(self.layers.free.of_all(path)), context.region))
        return self.decisions.once(memo, state, lambda: self.layers.seq(path, state, context))

    # -- reads and writes -------------------------------------------------------------------------

    def read(self, node: p.Read, state: State, context: Context) -> Outcome:
        """Follow a read, which makes what flows after it."""
        after = self._read(node, state, context)
        return by(lambda s: made(s.flow, node.span, "read"), after) if self.decisions.trace else after

    def _read(self, node: p.Read, state: State, context: Context) -> Outcome:
        """Follow a read: one state for each number of banks."""
        if state.banks is None or "entry" not in context.env:
            raise ShapeError("SD0306", "there are no banks to read here", NO_BANKS)
        context = arriving(state, context)
        if node.join == "attention":
            self.note_attention(node, context)
        if node.through is not None:
            return self.through.read(node, state, context)
        banks = scalar(context.env["banks"])
        shape, mask, found = read_states(node, state.banks, context.env)
        if node.decision is not None:
            self.decisions.subset(node.decision, context.env["banks"], found)
        cases = []
        for size, ways in found:
            channels = size * shape.channels if node.join == "concat" else shape.channels
            after = self.decisions.charge(
                state._replace(flow=shape._replace(channels=channels)),
                {"reads": size, "params": banks if node.join == "attention" else 0},
            )
            cases.append((Sets(number_of(size), 0, mask, (size,)), ways, reached(after)))
        if node.decision is None:
            return cases[0][2]
        return self.decisions.branch(node.decision.local, cases)

    def note_attention(self, node: p.Read, context: Context) -> None:
        """Note how many banks a read weighs, one learned scalar each."""
        extents, banks = self.decisions.facts.extents, scalar(context.env["banks"])
        extent = extents.setdefault(
            (context.region, node.template), Extent(banks, (), {}, {"attention": "zeros"}, 1, 1)
        )
        extent.channels = max(banks, extent.channels)
        extent.weights["attention"] = (extent.channels,)

    def write(self, node: p.Write, state: State, context: Context) -> Outcome:
        """Follow a write: one state for each set of banks that may be written after it."""
        if state.banks is None or "entry" not in context.env:
            raise ShapeError("SD0306", "there are no banks to write here", NO_BANKS)
        if state.flow is None:
            help = "start the op with a read such as `read last`"
            return failed(ShapeError("SD0306", "nothing arrives at this write", help), node.span)
        context = arriving(state, context)
        chunks = chunks_of(state.flow, context.env["bank"])
        shape = at_entry(context.env)
        written = state.flow._replace(channels=shape.channels)
        if written.kind != shape.kind:
            message = f"the banks hold {shape}, but {state.flow} is written"
            raise ShapeError("SD0206", message, "flatten or pool in a transition, or in `body`", "grid")
        if written != shape:
            self.decisions.facts.reshaped.add(id(node))
        self.most_chunks[id(node)] = max(chunks, self.most_chunks.get(id(node), 0))
        # what banks hold matters only where it may not be the same in all of them
        plain = written == shape and state.banks.shapes is None and state.banks.last_shape is None
        shapes = None if plain else (shape, written)
        memo = self.decisions.memo_of((id(node), chunks, shapes, context.only(self.names_of_size(node))))
        first = self.decisions.charge(self.decisions.anew(state), {"units": chunks})
        if first is None:
            return Outcome()
        key = first._replace(flow=None)
        found = self.decisions.once(memo, key, lambda: self._write(node, first, chunks, context))
        return self.decisions.after(state, found)

    def names_of_size(self, node: p.Write) -> tuple[str, ...]:
        """Return the names that the number of banks written depends on, beside the chunks."""
        if id(node) not in self.names:
            ends = [] if node.banks.size is None else [node.banks.size]
            names = {name for expr in (*node.banks.banks, *ends) for name in terms.names(expr)}
            self.names[id(node)] = tuple(sorted(names | {"banks", "last"}))
        return self.names[id(node)]

    def _write(self, node: p.Write, state: State, chunks: int, context: Context) -> Outcome:
        assert state.banks is not None
        assert state.flow is not None
        banks = context.env["banks"]
        found = list(write_states(node, state.banks, state.flow, chunks, context.env, self.limits))
        self.decisions.spend(len(found), node.span)
        before, state = state.banks, state._replace(flow=None)
        if node.decision is None:
            return Outcome({state._replace(banks=after): (ways, NONE) for _, after, ways in found})
        self.decisions.subset(node.decision, banks, found)
        if len(found) > self.limits.states:
            raise NotDecided(node.span, f"this can write banks in more than {self.limits.states:,} ways")
        outcome, kept = Outcome(), state[2:]
        for label, after, ways in found:
            witness = NONE
            if self.decisions.trace and len(found) > 1:
                witness = decided(node.decision.local, label)
            elif self.decisions.keep == "all":
                sets = sets_between(node, label, before, after, chunks, context.env)
                witness = deciding(node.decision.local, sets, NONE)
                assert sets.ways == ways
            outcome.add(State(None, after, *kept), ways, witness)
        return outcome


def reached(state: State | None) -> Outcome:
    """Return the outcome that is one state, or none where no member may spend so much."""
    return Outcome() if state is None else start(state)


def arriving(state: State, context: Context) -> Context:
    """Return the context in which `channels` are those that arrive, where something does."""
    return context if state.flow is None else context.bind(channels=state.flow.channels)


def _uses_last(cell: p.Cell) -> int:
    """Return whether what an op wrote matters beyond that it is written: not at all, how many, or which banks."""
    result = cell.result is not None and cell.result.mode == "last"
    stack: list[p.Node] = [member.use for member in cell.members]
    while stack:
        node = stack.pop()
        if isinstance(node, p.Read | p.Write) and node.banks.mode == "last":
            result = True
            if isinstance(node, p.Read) and node.through is not None:
                return EXACTLY
        stack.extend(p.children(node))
    return int(result)
