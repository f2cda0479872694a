"""Cells and blocks in the machine: banks, and the ops that read and write them, for many architectures at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from smashdsl.lang.check.entries import entry_name, shrink
from smashdsl.lang.program import needs
from smashdsl.lang.program import templates as p
from smashdsl.lang.typed.evaluate import scalar
from smashdsl.space import subsets
from smashdsl.space.costs import CostObserver
from smashdsl.space.domains import Subsets
from smashdsl.space.frame import BankState, Frame, Stream, View, arriving, gather, narrow, one, take
from smashdsl.space.results import Results
from smashdsl.space.selection import fixed
from smashdsl.space.sites import most_ops
from smashdsl.space.subsets import Ints

if TYPE_CHECKING:
    from smashdsl.space.machine import Machine


class Cells:
    """Follows cells; what stands inside their ops goes back to ``machine``.

    ``results``: those of `body` that cells may take beside what arrives. ``account``: what is spent, where a cell adds
    ops by it.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.batch, self.facts = machine.batch, machine.facts
        self.decisions, self.observer = machine.decisions, machine.observer
        self.account = CostObserver(self.batch) if needs.budgeted(machine.program) else None
        self.results = Results(0, Frame(np.arange(self.batch), {}), None)
        self.tied: dict[str, Any] = {}  # which rows have used a tied cell before
        self.reshaped: dict[int, bool] = {}

    def use(self, node: p.CellUse, frame: Frame, stream: Stream | None) -> Stream | None:
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
        return self.machine.once(self.tied.setdefault(node.cell.template, np.zeros(self.batch, bool)), frame, use)

    def cell(self, cell: p.Cell, frame: Frame, stream: Stream | None) -> Stream | None:
        assert stream is not None
        frame = frame.bind(self.batch, channels=stream.flow.channels)

        def with_bank(f: Frame, args: dict[str, Any]) -> Stream | None:
            bank, arriving = scalar(args["bank"]), narrow(frame, stream, f.rows)
            assert arriving is not None
            f = f.bind(self.batch, **{**args, "bank": bank})
            sources = self.entering(cell, f, arriving)
            channels = sum(source.flow.channels for source in sources)
            inner = f.bind(self.batch, channels=channels, filled=channels // bank)

            def with_banks(g: Frame, args: dict[str, Any]) -> Stream:
                entering = [narrow(inner, source, g.rows) for source in sources]
                banks = g.bind(self.batch, banks=scalar(args["banks"]))
                return self.fill(cell, banks, [source for source in entering if source is not None])

            result: Stream | None = self.decisions.arguments((cell.banks,), inner, sources[-1], with_banks)
            return result

        result: Stream | None = self.decisions.arguments((*cell.params, cell.bank), frame, stream, with_bank)
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
            result = self.machine.scope(cell.entry, inner, source, entry_name(cell, i))
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
        self.machine.scope(use, frame, None, name)

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
            result = self.machine.scope(use, inner, source, f"{node.local}[{bank}]")
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
