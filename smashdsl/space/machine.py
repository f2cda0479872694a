"""The one interpreter of a program: every architecture of a batch walks it at once.

Sampling, replaying, perturbing, coding, costs and graphs are all this walk; they differ in who decides and who watches.
Each row of the batch is an architecture; sizes that are equal for all rows stay integers, so a walk for one
architecture and a walk for thousands take the same path. Non-goal: errors of shape, which `check` has excluded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from smashdsl.lang.check.entries import entry_name, shrink
from smashdsl.lang.compile import Compiled
from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import scalar
from smashdsl.space import subsets
from smashdsl.space.costs import CostObserver
from smashdsl.space.decide import Decisions
from smashdsl.space.domains import Alternatives, Subsets
from smashdsl.space.frame import BankState, Frame, Stream, View, arriving, gather, merge, narrow, one, partition, take
from smashdsl.space.observer import Observer, join_flow
from smashdsl.space.results import Results
from smashdsl.space.selection import fixed
from smashdsl.space.sites import Sites, most_ops
from smashdsl.space.subsets import Ints


class Machine:
    """Walks a program for a batch.

    ``proposed``: codes to follow where they fit; the observer may propose instead (decoding). ``keep``: which of them
    may be kept; others are drawn anew. After `run`, ``codes`` (batch, sites) holds what was decided and ``refused``
    (batch,) the first column whose proposal did not fit, or -1.
    """

    def __init__(
        self,
        compiled: Compiled,
        sites: Sites,
        batch: int,
        rng: np.random.Generator,
        observer: Observer | None = None,
        proposed: Ints | None = None,
        keep: Any = None,
    ) -> None:
        self.program, self.facts = compiled.program, compiled.facts
        self.batch = batch
        self.observer = observer or Observer()
        self.decisions = Decisions(sites, batch, rng, self.observer, proposed, keep)
        # by what is decided once, and where its weights live: which rows have used it before
        self.lets: dict[tuple[p.Let, str], Any] = {}
        self.tied: dict[str, Any] = {}
        self.shared = p.shared_lets(self.program)
        # what is spent is followed where ops are added by it
        self.account = CostObserver(batch) if p.budgeted(self.program) else None
        self.results = Results(0, Frame(np.arange(batch), {}), None)
        self.reshaped: dict[int, bool] = {}

    @property
    def codes(self) -> Ints:
        return self.decisions.codes

    @property
    def refused(self) -> Ints:
        return self.decisions.refused

    def run(self) -> Stream:
        """Walk the whole network; return what leaves the head."""
        frame = Frame(np.arange(self.batch), {})
        stream = Stream(p.source(self.program), self.observer.source())

        def chain(f: Frame, params: dict[str, Any]) -> Stream | None:
            return self.chain(f.bind(self.batch, **params), narrow(frame, stream, f.rows))

        self.observer.enter(frame, "space", "")
        result: Stream = self.decisions.arguments(self.program.params, frame, stream, chain)
        self.observer.leave(frame)
        return result

    def chain(self, frame: Frame, stream: Stream | None) -> Stream | None:
        stream = self.scope(self.program.stem, frame, stream)
        for block in self.program.blocks:
            for position, value in enumerate(block.instances):
                path = block.path(position)
                inner = Frame(frame.rows, frame.env, f"{path}.", f"{path}.", path)
                if block.index:
                    inner = inner.bind(self.batch, **{block.index: value})
                self.observer.enter(inner, block.cell.template, "block")
                stream = self.cell(block.cell, inner, stream)
                self.observer.leave(inner)
                if not (block is self.program.blocks[-1] and position == len(block.instances) - 1):
                    stream = self.scope(block.transition, inner, stream)
        if self.program.body is not None:
            self.results = Results(p.results_kept(self.program), frame, stream)
            stream = self.scope(self.program.body, frame, stream)
        return self.scope(self.program.head, frame, stream)

    # -- nodes --------------------------------------------------------------------------------

    def seq(self, seq: p.Seq, frame: Frame, stream: Stream | None) -> Stream | None:
        for node in seq:
            stream = self.node(node, frame, stream)
        return stream

    def node(self, node: p.Node, frame: Frame, stream: Stream | None) -> Stream | None:
        match node:
            case p.Layer():
                return self.layer(node, frame, stream)
            case p.Scope():
                return self.scope(node, frame, stream)
            case p.LetUse():
                return self.let(node.let, frame, stream)
            case p.CellUse():
                return self.cell_use(node, frame, stream)
            case p.Combine():
                return self.combine(node, frame, stream)
            case p.Choose():
                return self.choose(node, frame, stream)
            case p.Repeat():
                return self.repeat(node, frame, stream)
            case p.Read():
                return self.read(node, frame, stream)
            case p.Write():
                self.write(node, frame, stream)
                return None

    def layer(self, node: p.Layer, frame: Frame, stream: Stream | None) -> Stream | None:
        def apply(inner: Frame, args: dict[str, Any]) -> Stream:
            source = narrow(frame, stream, inner.rows)
            assert source is not None
            args["flow"] = source.flow
            after = node.op.shape(source.flow, args)
            if self.account is not None:
                self.account.layer(inner, node, source, args, after)
            return Stream(after, self.observer.layer(inner, node, source, args, after))

        result: Stream | None = self.decisions.arguments(node.args, frame, stream, apply)
        return result

    def scope(self, node: p.Scope, frame: Frame, stream: Stream | None, name: str | None = None) -> Stream | None:
        inner = frame.at(node.local if name is None else name, node.template)

        def body(f: Frame, args: dict[str, Any]) -> Stream | None:
            return self.seq(node.body, f.bind(self.batch, **args) if args else f, narrow(frame, stream, f.rows))

        self.observer.enter(inner, node.template, node.op)
        result: Stream | None = self.decisions.arguments(node.formals, inner, stream, body)
        self.observer.leave(inner)
        return result

    def let(self, let: p.Let, frame: Frame, stream: Stream | None) -> Stream | None:
        """Follow a let in the scope that declares it; rows that used it before there keep its decisions and weights."""
        sites, path = frame.homes[p.home(let)]
        at_home = replace(frame, sites=sites, path=path)
        if let not in self.shared:
            return self.scope(let.body, at_home, stream)

        def use(rows: Ints, again: bool) -> Stream | None:
            decided, counted = again or frame.decided, again or frame.counted
            inner = replace(at_home, rows=rows, decided=decided, counted=counted)
            return self.scope(let.body, inner, narrow(frame, stream, rows))

        return self.once(self.lets.setdefault((let, path), np.zeros(self.batch, bool)), frame, use)

    def once(self, seen: Any, frame: Frame, use: Callable[[Ints, bool], Stream | None]) -> Stream | None:
        """Use something that is decided once, apart for the rows that used it before and for the others."""
        before = seen[frame.rows]
        again, first = frame.rows[before], frame.rows[~before]
        parts = [(rows, use(rows, rows is again)) for rows in (again, first) if len(rows)]
        seen[frame.rows] = True
        return merge(frame, parts, self.observer.merge)

    def choose(self, node: p.Choose, frame: Frame, stream: Stream | None) -> Stream | None:
        assert isinstance(node.decision.domain, ir.Choose | ir.Maybe)
        column, _ = self.decisions.site(frame, node.decision)
        codes = self.decisions.decide(column, frame, Alternatives(node.decision.domain))

        def follow(f: Frame, code: int) -> Stream | None:
            return self.seq(node.paths[code], f, narrow(frame, stream, f.rows))

        return partition(frame, codes, follow, self.observer.merge)

    def combine(self, node: p.Combine, frame: Frame, stream: Stream | None) -> Stream:
        parts = [self.seq(path, frame, stream) for path in node.paths]
        streams = [part for part in parts if part is not None]
        flow = join_flow(node.join, [s.flow for s in streams])
        return Stream(flow, self.observer.join(frame, node, streams, flow))

    def repeat(self, node: p.Repeat, frame: Frame, stream: Stream | None) -> Stream | None:
        def body(f: Frame, args: dict[str, Any]) -> Stream | None:
            count, inside = scalar(args["count"]), narrow(frame, stream, f.rows)
            for i in range(int(np.max(count))):
                rows, rest = f.rows, f.rows[:0]
                if isinstance(count, np.ndarray):
                    rows, rest = f.rows[count > i], f.rows[count <= i]
                at = f.only(rows).at(f"{node.local}[{i}]", node.template)
                self.observer.enter(at, node.template, "")
                result = self.seq(node.body, at, narrow(f, inside, rows))
                self.observer.leave(at)
                inside = merge(f, [(rows, result), (rest, narrow(f, inside, rest))], self.observer.merge)
            return inside

        result: Stream | None = self.decisions.arguments((node.count,), frame, stream, body)
        return result

    # -- cells and banks ----------------------------------------------------------------------

    def cell_use(self, node: p.CellUse, frame: Frame, stream: Stream | None) -> Stream | None:
        sites = f"{node.cell.template}." if node.tied else f"{frame.sites}{node.local}."
        region = f"{frame.region}.{node.local}" if frame.region else node.local
        inside = replace(frame, sites=sites, path=f"{frame.path}{node.local}.", region=region, banks=None)

        def body(f: Frame, args: dict[str, Any]) -> Stream | None:
            return self.cell(node.cell, f.bind(self.batch, **args), narrow(frame, stream, f.rows))

        def use(rows: Ints, again: bool) -> Stream | None:
            inner = replace(inside, rows=rows, decided=again or frame.decided)
            self.observer.enter(inner, node.cell.template, "cell")
            result: Stream | None = self.decisions.arguments(node.formals, inner, narrow(frame, stream, rows), body)
            self.observer.leave(inner)
            return result

        if not node.tied:
            return use(frame.rows, False)
        return self.once(self.tied.setdefault(node.cell.template, np.zeros(self.batch, bool)), frame, use)

    def cell(self, cell: p.Cell, frame: Frame, stream: Stream | None) -> Stream | None:
        assert stream is not None
        frame = frame.bind(self.batch, channels=stream.flow.channels)

        def with_bank(f: Frame, args: dict[str, Any]) -> Stream | None:
            bank, arriving = scalar(args["bank"]), narrow(frame, stream, f.rows)
            assert arriving is not None
            f = f.bind(self.batch, bank=bank)
            sources = self.entering(cell, f, arriving)
            channels = sum(source.flow.channels for source in sources)
            inner = f.bind(self.batch, channels=channels, filled=channels // bank)

            def with_banks(g: Frame, args: dict[str, Any]) -> Stream:
                entering = [narrow(inner, source, g.rows) for source in sources]
                banks = g.bind(self.batch, banks=scalar(args["banks"]))
                return self.fill(cell, banks, [source for source in entering if source is not None])

            result: Stream | None = self.decisions.arguments((cell.banks,), inner, sources[-1], with_banks)
            return result

        result: Stream | None = self.decisions.arguments((cell.bank,), frame, stream, with_bank)
        return result

    def entering(self, cell: p.Cell, frame: Frame, arriving: Stream) -> list[Stream]:
        """Return what enters a cell: its inputs, each after `entry`, the oldest first."""
        sources = [arriving]
        if cell.inputs > 1:
            sources = [*self.results.last(cell.inputs - 1, frame, self.observer.merge), arriving]
            self.results.push(frame, arriving)
        if cell.entry is None:
            return sources
        entered = []
        for i, source in enumerate(sources):
            inner = frame.bind(self.batch, channels=source.flow.channels, shrink=shrink(source.flow, arriving.flow))
            result = self.scope(cell.entry, inner, source, entry_name(cell, i))
            assert result is not None
            entered.append(result)
        return entered

    def fill(self, cell: p.Cell, frame: Frame, sources: list[Stream]) -> Stream:
        """Fill the first banks with what enters, follow the ops, and return what leaves."""
        view, entry = View(frame, {}), sources[0].flow
        span = cell.span if cell.result is None else cell.result.span
        state = BankState(np.zeros(self.batch, np.int64), np.zeros(self.batch, np.int64), span, entry)
        state.written[frame.rows] = subsets.prefix(np.asarray(view["filled"], np.int64))
        state.last[frame.rows] = state.written[frame.rows]
        frame = replace(frame.bind(self.batch, entry_grid=entry.grid), banks=state)
        if self.is_reshaped(cell):
            state.grids = np.zeros((self.batch, int(np.max(view["banks"])), len(entry.grid)), np.int64)
            state.reshape(frame, state.written[frame.rows], entry)
        self.observer.fill(frame, state, sources)
        position = 0
        before = {} if self.account is None else {m: self.account.spent(m).copy() for m in p.measured(cell)}
        for member in cell.members:
            if member.spent is not None:
                self.budget(member, before[member.spent.measure], position, frame, sources[-1])
            else:
                self.ops(member, position, frame, sources[-1])
            position += most_ops(member, self.facts)
        if cell.result is None or cell.result.mode == "all":
            masks: Ints = state.written[frame.rows]
        else:
            masks = fixed(cell.result, state, frame)
        flow = state.flow(frame, masks, one(subsets.popcount(masks) * view["bank"]))
        return Stream(flow, self.observer.drain(frame, state, masks, flow))

    def is_reshaped(self, cell: p.Cell) -> bool:
        """Return whether some op of a cell leaves a bank with another grid than at entry."""
        if id(cell) not in self.reshaped:
            writes = (node for member in cell.members for node in p.nodes(member.use))
            self.reshaped[id(cell)] = any(id(node) in self.facts.reshaped for node in writes)
        return self.reshaped[id(cell)]

    def ops(self, member: p.Ops, position: int, frame: Frame, entry: Stream) -> None:
        def run(f: Frame, args: dict[str, Any]) -> None:
            count = scalar(args[member.count.name]) if member.count is not None else 1
            for k in range(int(np.max(count))):
                rows = f.rows[count > k] if isinstance(count, np.ndarray) else f.rows
                self.op(member.use, f.only(rows), f"op[{position + k}]")

        self.decisions.arguments((member.count,) if member.count is not None else (), frame, entry, run)

    def budget(self, member: p.Ops, before: Ints, position: int, frame: Frame, entry: Stream) -> None:
        """Add ops for the rows whose account allows one more; ``before``: (batch,), what was spent before the cell."""
        assert self.account is not None
        assert member.count is not None
        assert member.spent is not None
        name, measure, allows = member.count.name, member.spent.measure, member.spent.allows
        account = self.account

        def run(f: Frame, args: dict[str, Any]) -> None:
            bound = f.spread(scalar(args[name]), self.batch)
            rows, added = f.rows, 0
            while len(rows):
                spent, here = (account.spent(measure) - before)[rows], take(bound, rows)
                going = allows(spent, here)
                rows = rows[going]
                if len(rows):
                    left = one(take(here, going) - spent[going])
                    self.op(member.use, f.only(rows).bind(self.batch, left=left), f"op[{position + added}]")
                added += 1

        self.decisions.arguments((member.count,), frame, entry, run)

    def op(self, use: p.Scope, frame: Frame, name: str) -> None:
        assert frame.banks is not None
        frame = frame.bind(self.batch, written=subsets.popcount(frame.banks.written[frame.rows]))
        self.scope(use, frame, None, name)

    def read(self, node: p.Read, frame: Frame, stream: Stream | None) -> Stream:
        state = frame.banks
        assert state is not None
        masks = self.select(node, frame, stream, state, 1)
        bank = take(frame.env["bank"], frame.rows)
        if node.through is not None:
            return self.through(node, node.through, frame, state, masks)
        channels = one(subsets.popcount(masks) * bank) if node.join == "concat" else bank
        flow = state.flow(frame, masks, channels)
        if self.account is not None:
            self.account.read(frame, node, state, masks, flow)
        return Stream(flow, self.observer.read(frame, node, state, masks, flow))

    def through(self, node: p.Read, use: p.Scope, frame: Frame, state: BankState, masks: Ints) -> Stream:
        """Follow the op of a read once for each bank, with the rows that take it, and join what comes out."""
        parts: list[tuple[Ints, Stream]] = []
        for bank in range(int(masks.max()).bit_length()):
            rows = frame.rows[masks >> bank & 1 == 1]
            if not len(rows):
                continue
            inner = frame.only(rows).bind(self.batch, src=bank)
            only = np.full(len(rows), 1 << bank, np.int64)
            flow = state.flow(inner, only, take(frame.env["bank"], rows))
            source = Stream(flow, self.observer.read(inner, node, state, only, flow))
            if self.account is not None:
                self.account.read(inner, node, state, only, flow)
            result = self.scope(use, inner, source, f"{node.local}[{bank}]")
            assert result is not None
            parts.append((rows, result))
        flow = gather(node.join, frame, parts)
        if self.account is not None:
            self.account.gather(frame, node, masks, parts, flow)
        return Stream(flow, self.observer.gather(frame, node, masks, parts, flow))

    def write(self, node: p.Write, frame: Frame, stream: Stream | None) -> None:
        state = frame.banks
        assert state is not None
        assert stream is not None
        count = stream.flow.channels // take(frame.env["bank"], frame.rows)
        chunks = np.broadcast_to(np.asarray(count, np.int64), len(frame.rows))
        masks = self.select(node, frame, stream, state, chunks)
        if self.account is not None:
            self.account.write(frame, node, state, masks, chunks, stream)
        self.observer.write(frame, node, state, masks, chunks, stream)
        state.reshape(frame, masks, stream.flow)
        state.written[frame.rows] |= masks
        state.last[frame.rows] = masks

    def select(self, node: p.Read | p.Write, frame: Frame, stream: Stream | None, state: BankState, least: Any) -> Ints:
        """Return which banks are read or written; masks: (rows,)."""
        if node.decision is None:
            return fixed(node.banks, state, frame, stream)
        column, _ = self.decisions.site(frame, node.decision)
        names = View(frame, arriving(stream))
        return self.decisions.decide(column, frame, Subsets(node.banks, state.written[frame.rows], least, names))
