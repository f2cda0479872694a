"""The one interpreter of a program: every architecture of a batch walks it at once.

Sampling, replaying, perturbing, coding, costs and graphs are all this walk; they differ in who decides and who watches.
Each row of the batch is an architecture; sizes that are equal for all rows stay integers, so a walk for one architecture
and a walk for thousands take the same path. Non-goal: errors of shape, which `check` has excluded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from smashdsl.lang import ir
from smashdsl.lang import program as p
from smashdsl.lang.banks import listed
from smashdsl.lang.evaluate import evaluate, scalar
from smashdsl.lang.compile import Compiled
from smashdsl.ops import Flow
from smashdsl.space import subsets
from smashdsl.space.decide import Decider, decide_codes, inactive
from smashdsl.space.frame import BankState, Frame, Stream, View, merge, narrow, partition, take
from smashdsl.space.observer import Observer, join_flow
from smashdsl.space.sites import INACTIVE, Sites, most_ops
from smashdsl.space.subsets import Ints

Follow = Callable[[Frame, dict[str, Any]], Stream | None]


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
        self.program, self.facts, self.sites = compiled.program, compiled.facts, sites
        self.batch = batch
        self.observer = observer or Observer()
        self.decider = Decider(rng)
        self.proposed, self.keep = proposed, keep
        self.codes = inactive(batch, len(sites))
        self.refused = np.full(batch, -1, np.int64)
        self.lets: dict[tuple[p.Let, str], Any] = {}
        self.tied: dict[str, Any] = {}
        self.shared = p.shared_lets(self.program)

    def run(self) -> Stream:
        """Walk the whole network; return what leaves the head."""
        source = self.program.space.input
        frame = Frame(np.arange(self.batch), {})
        stream: Stream | None = Stream(Flow(source.channels, source.grid), self.observer.source())
        self.observer.enter(frame, "space", "")
        stream = self.arguments(
            self.program.params, frame, stream, lambda f, _: self.chain(f, narrow(frame, stream, f.rows))
        )
        self.observer.leave(frame)
        assert stream is not None
        return stream

    def chain(self, frame: Frame, stream: Stream | None) -> Stream | None:
        stream = self.scope(self.program.stem, frame, stream)
        for block in self.program.blocks:
            for position, value in enumerate(block.instances):
                path = block.path(position)
                inner = Frame(frame.rows, frame.env, f"{path}.", f"{path}.", path)
                if block.index:
                    inner = inner.bind(self.batch, **{block.index: value})
                stream = self.cell(block.cell, inner, stream, "block")
                if not (block is self.program.blocks[-1] and position == len(block.instances) - 1):
                    stream = self.scope(block.transition, inner, stream)
        for joint in (self.program.body, self.program.head):
            if joint is not None:
                stream = self.scope(joint, frame, stream)
        return stream

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
                return self.read(node, frame)
            case p.Write():
                return self.write(node, frame, stream)

    def layer(self, node: p.Layer, frame: Frame, stream: Stream | None) -> Stream | None:
        assert stream is not None

        def apply(inner: Frame, args: dict[str, Any]) -> Stream:
            source = narrow(frame, stream, inner.rows)
            assert source is not None
            args["flow"] = source.flow
            after = node.op.shape(source.flow, args)
            return Stream(after, self.observer.layer(inner, node, source, args, after))

        return self.arguments(node.args, frame, stream, apply)

    def scope(self, node: p.Scope, frame: Frame, stream: Stream | None, name: str | None = None) -> Stream | None:
        inner = frame.at(node.local if name is None else name)
        self.observer.enter(inner, node.template, node.op)

        def body(f: Frame, args: dict[str, Any]) -> Stream | None:
            return self.seq(node.body, f.bind(self.batch, **args) if args else f, narrow(frame, stream, f.rows))

        result = self.arguments(node.formals, inner, stream, body)
        self.observer.leave(inner)
        return result

    def let(self, let: p.Let, frame: Frame, stream: Stream | None) -> Stream | None:
        """Follow a let; rows that used it before in this op keep its decisions and weights."""
        if let not in self.shared:
            return self.scope(let.body, frame, stream)
        seen = self.lets.setdefault((let, frame.path), np.zeros(self.batch, bool))
        before = seen[frame.rows]
        parts = []
        for again, rows in ((True, frame.rows[before]), (False, frame.rows[~before])):
            if len(rows):
                inner = replace(frame, rows=rows, decided=again or frame.decided, counted=again or frame.counted)
                parts.append((rows, self.scope(let.body, inner, narrow(frame, stream, rows))))
        seen[frame.rows] = True
        return merge(frame, parts, self.observer.merge)

    def choose(self, node: p.Choose, frame: Frame, stream: Stream | None) -> Stream | None:
        codes = self.alternative(node.decision, frame, len(node.paths))

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
                rows = f.rows[count > i] if isinstance(count, np.ndarray) else f.rows
                at = f.only(rows).at(f"{node.local}[{i}]")
                self.observer.enter(at, node.template, "")
                result = self.seq(node.body, at, narrow(f, inside, rows))
                self.observer.leave(at)
                rest = f.rows[count <= i] if isinstance(count, np.ndarray) else f.rows[:0]
                parts = [(rows, result), (rest, narrow(f, inside, rest))]
                inside = merge(f, parts, self.observer.merge)
            return inside

        return self.arguments((node.count,), frame, stream, body)

    # -- cells and banks ----------------------------------------------------------------------

    def cell_use(self, node: p.CellUse, frame: Frame, stream: Stream | None) -> Stream | None:
        path = f"{frame.path}{node.local}"
        if not node.tied:
            return self._cell_use(node, frame, stream, f"{frame.sites}{node.local}.", path)
        seen = self.tied.setdefault(node.cell.template, np.zeros(self.batch, bool))
        before = seen[frame.rows]
        parts = []
        for again, rows in ((True, frame.rows[before]), (False, frame.rows[~before])):
            if len(rows):
                inner = replace(frame, rows=rows, decided=again)
                source = narrow(frame, stream, rows)
                parts.append((rows, self._cell_use(node, inner, source, f"{node.cell.template}.", path)))
        seen[frame.rows] = True
        return merge(frame, parts, self.observer.merge)

    def _cell_use(self, node: p.CellUse, frame: Frame, stream: Stream | None, sites: str, path: str) -> Stream | None:
        region = f"{frame.region}.{node.local}" if frame.region else node.local
        inner = replace(frame, sites=sites, path=f"{path}.", region=region, banks=None)

        def body(f: Frame, args: dict[str, Any]) -> Stream | None:
            return self.cell(
                node.cell, f.bind(self.batch, **args) if args else f, narrow(frame, stream, f.rows), "cell"
            )

        return self.arguments(node.formals, inner, stream, body)

    def cell(self, cell: p.Cell, frame: Frame, stream: Stream | None, kind: str) -> Stream | None:
        assert stream is not None
        self.observer.enter(frame, cell.template, kind)

        def body(f: Frame, args: dict[str, Any]) -> Stream | None:
            source = narrow(frame, stream, f.rows)
            assert source is not None
            bank = scalar(args["bank"])
            filled = source.flow.channels // bank
            f = f.bind(self.batch, bank=bank, filled=filled)
            return self.arguments((cell.banks,), f, source, lambda g, a: self.fill(cell, g, source, f, a))

        result = self.arguments((cell.bank,), frame, stream, body)
        self.observer.leave(frame)
        return result

    def fill(self, cell: p.Cell, frame: Frame, stream: Stream, outer: Frame, args: dict[str, Any]) -> Stream:
        source = narrow(outer, stream, frame.rows)
        assert source is not None
        frame = frame.bind(self.batch, banks=scalar(args["banks"]), entry_grid=source.flow.grid)
        view = View(frame, {})
        state = BankState(np.zeros(self.batch, np.int64), np.zeros(self.batch, np.int64))
        state.written[frame.rows] = subsets.prefix(np.asarray(view["filled"], np.int64))
        state.last[frame.rows] = state.written[frame.rows]
        frame = replace(frame, banks=state)
        self.observer.fill(frame, state, source)
        position = 0
        for member in cell.members:
            self.ops(member, position, frame, source)
            position += most_ops(member, self.facts)
        masks = self.result(cell.result, state, frame)
        flow = Flow(_one(subsets.popcount(masks) * view["bank"]), source.flow.grid)
        return Stream(flow, self.observer.drain(frame, state, masks, flow))

    def result(self, result: ir.Selection | None, state: BankState, frame: Frame) -> Ints:
        if result is None or result.mode == "all":
            return state.written[frame.rows]
        return self.selected(result, state, frame)

    def ops(self, member: p.Ops, position: int, frame: Frame, entry: Stream) -> None:
        def run(f: Frame, args: dict[str, Any]) -> None:
            count = scalar(args[member.count.name]) if member.count is not None else 1
            for k in range(int(np.max(count))):
                rows = f.rows[count > k] if isinstance(count, np.ndarray) else f.rows
                self.op(member.use, f.only(rows), f"op[{position + k}]")

        self.arguments((member.count,) if member.count is not None else (), frame, entry, run)

    def op(self, use: p.Scope, frame: Frame, name: str) -> None:
        assert frame.banks is not None
        frame = frame.bind(self.batch, written=subsets.popcount(frame.banks.written[frame.rows]))
        self.scope(use, frame, None, name)

    def selected(self, banks: ir.Selection, state: BankState, frame: Frame) -> Ints:
        """Return the banks of a selection that leaves nothing to decide; masks: (rows,)."""
        rows, view = frame.rows, View(frame, {})
        if banks.mode == "listed":
            return self._listed(banks, view, len(rows))
        if banks.mode == "last":
            return state.last[rows]
        written = state.written[rows]
        everything = np.broadcast_to(subsets.prefix(np.asarray(view["banks"], np.int64)), len(rows))
        pool = {"written": written, "fresh": everything & ~written}.get(banks.pool, everything)
        if banks.mode == "all":
            return pool
        assert banks.size is not None
        size = np.broadcast_to(np.asarray(scalar(evaluate(banks.size, view, {})), np.int64), len(rows))
        return subsets.deposit(subsets.prefix(size), pool)

    def _listed(self, banks: ir.Selection, view: View, rows: int) -> Ints:
        if rows == 1:
            one = {name: _one(view[name]) for name in view}
            return np.array([sum(1 << i for i in listed(banks, 64, one))], np.int64)
        masks = np.zeros(rows, np.int64)
        for expr in banks.banks:
            if isinstance(expr, ir.Interval):
                low, high, step = (scalar(evaluate(end, view, {})) for end in (expr.low, expr.high, expr.step))
                span = int(np.max(np.asarray(high)))
                for index in range(span + 1):
                    inside = (index >= low) & (index <= high) & ((index - low) % step == 0)
                    masks |= np.where(inside, np.int64(1) << index, 0)
            else:
                masks |= np.int64(1) << np.asarray(scalar(evaluate(expr, view, {})), np.int64)
        return masks

    def read(self, node: p.Read, frame: Frame) -> Stream:
        state = frame.banks
        assert state is not None
        if node.decision is None:
            masks = self.selected(node.banks, state, frame)
        else:
            masks = self.subset(node.decision, node.banks, state, frame, 1)
        bank = take(frame.env["bank"], frame.rows)
        grid = take(frame.env["entry_grid"], frame.rows)
        channels = _one(subsets.popcount(masks) * bank) if node.join == "concat" else bank
        flow = Flow(channels, grid)
        return Stream(flow, self.observer.read(frame, node, state, masks, flow))

    def write(self, node: p.Write, frame: Frame, stream: Stream | None) -> None:
        state = frame.banks
        assert state is not None
        assert stream is not None
        chunks = np.broadcast_to(
            np.asarray(stream.flow.channels // take(frame.env["bank"], frame.rows), np.int64), len(frame.rows)
        )
        if node.decision is None:
            masks = self.selected(node.banks, state, frame)
        else:
            masks = self.subset(node.decision, node.banks, state, frame, chunks)
        self.observer.write(frame, node, state, masks, chunks, stream)
        state.written[frame.rows] |= masks
        state.last[frame.rows] = masks

    # -- decisions ----------------------------------------------------------------------------

    def arguments(self, args: tuple[p.Argument, ...], frame: Frame, stream: Stream | None, follow: Any) -> Any:
        """Decide and compute arguments in order, then follow with their values.

        Words and sizes per axis can't be computed with in bulk, so rows that differ in one are followed apart.
        """
        return self._arguments(args, frame, {} if stream is None else {"channels": stream.flow.channels}, {}, follow)

    def _arguments(
        self, args: tuple[p.Argument, ...], frame: Frame, local: dict[str, Any], values: dict[str, Any], follow: Any
    ) -> Any:
        for i, arg in enumerate(args):
            chosen: dict[int, Any] = {}
            for decision in arg.decisions:
                column, codes = self.value(decision, frame, View(frame, local), chosen)
                site = self.sites.all[column]
                if site.numbers is not None:
                    chosen[id(decision.domain)] = _one(site.numbers[codes])
                    continue

                def rest(f: Frame, code: int, i: int = i, d: p.Decision = decision) -> Any:
                    index = np.searchsorted(frame.rows, f.rows)
                    kept = {name: take(v, index) for name, v in local.items()}
                    known = {name: take(v, index) for name, v in values.items()}
                    bound = self._bind(args[i], d, self.sites.all[column].value(code), View(f, kept), chosen, index)
                    name = args[i].name
                    return self._arguments(args[i + 1 :], f, {**kept, name: bound}, {**known, name: bound}, follow)

                return partition(frame, codes, rest, self.observer.merge)
            value = evaluate(arg.value, View(frame, local), chosen)
            local = {**local, arg.name: value}
            values = {**values, arg.name: value}
        return follow(frame, values)

    def _bind(
        self, arg: p.Argument, decision: p.Decision, value: Any, view: View, chosen: dict[int, Any], index: Ints
    ) -> Any:
        known = {key: take(v, index) for key, v in chosen.items()}
        known[id(decision.domain)] = value
        later = arg.decisions[arg.decisions.index(decision) + 1 :]
        for other in later:
            column, codes = self.value(other, view.frame, view, known)
            # several choices of sizes per axis in one argument are rare: each row is its own value then
            known[id(other.domain)] = _one(self.sites.all[column].numbers[codes])  # type: ignore[index]
        return evaluate(arg.value, view, known)

    def value(self, decision: p.Decision, frame: Frame, view: View, chosen: dict[int, Any]) -> tuple[int, Ints]:
        column = self.sites.column[frame.sites + decision.local]
        proposed = self.proposal(column, frame)
        if proposed is not None and frame.decided:
            codes = proposed
        else:
            domain = self.decider.values(self.sites.all[column], decision.domain, view, chosen)  # type: ignore[arg-type]
            codes, refused = decide_codes(self.decider, self.sites.all[column], domain, len(frame.rows), proposed)
            self.note(column, frame, refused)
        self.settle(column, frame, codes)
        return column, codes

    def alternative(self, decision: p.Decision, frame: Frame, count: int) -> Ints:
        column = self.sites.column[frame.sites + decision.local]
        proposed = self.proposal(column, frame)
        if proposed is None:
            codes = self.decider.alternative(decision.domain, len(frame.rows))  # type: ignore[arg-type]
        else:
            refused = (proposed < 0) | (proposed >= count)
            codes = np.where(refused, 0, proposed)
            if refused.any():
                codes = np.where(refused, self.decider.alternative(decision.domain, len(frame.rows)), codes)  # type: ignore[arg-type]
            self.note(column, frame, refused)
        self.settle(column, frame, codes)
        return codes

    def subset(self, decision: p.Decision, banks: ir.Selection, state: BankState, frame: Frame, least: Any) -> Ints:
        column = self.sites.column[frame.sites + decision.local]
        proposed = self.proposal(column, frame)
        masks, refused = self.decider.subset(banks, state, frame, View(frame, {}), least, proposed)
        if proposed is not None:
            self.note(column, frame, refused)
        self.settle(column, frame, masks)
        return masks

    def proposal(self, column: int, frame: Frame) -> Ints | None:
        """Return codes that were proposed for these rows; INACTIVE where one is to be drawn."""
        if frame.decided:
            return self.codes[frame.rows, column]
        told = self.observer.propose(frame, self.sites.all[column])
        if told is not None or self.proposed is None:
            return told
        codes: Ints = self.proposed[frame.rows, column]
        return codes if self.keep is None else np.where(self.keep[frame.rows, column], codes, INACTIVE)

    def note(self, column: int, frame: Frame, refused: Any) -> None:
        if refused.any():
            rows = frame.rows[refused]
            rows = rows[self.refused[rows] < 0]
            self.refused[rows] = column

    def settle(self, column: int, frame: Frame, codes: Ints) -> None:
        self.codes[frame.rows, column] = codes
        self.observer.decided(frame, self.sites.all[column], codes)


def _one(value: Any) -> Any:
    """Return an array of one row as a plain number."""
    if isinstance(value, tuple):
        return tuple(_one(item) for item in value)
    return value[0].item() if isinstance(value, np.ndarray) and len(value) == 1 else value
