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

from smashdsl.lang.compile import Compiled
from smashdsl.lang.program import needs
from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import scalar
from smashdsl.space.cells import Cells
from smashdsl.space.decide import Decisions
from smashdsl.space.domains import Alternatives
from smashdsl.space.frame import Frame, Stream, merge, narrow, partition
from smashdsl.space.observer import Observer, join_flow
from smashdsl.space.results import Results
from smashdsl.space.sites import Sites
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
        self.shared = needs.shared_lets(self.program)
        self.cells = Cells(self)

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
                stream = self.cells.cell(block.cell, inner, stream)
                self.observer.leave(inner)
                if not (block is self.program.blocks[-1] and position == len(block.instances) - 1):
                    stream = self.scope(block.transition, inner, stream)
        if self.program.body is not None:
            self.cells.results = Results(needs.results_kept(self.program), frame, stream)
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
                return self.cells.use(node, frame, stream)
            case p.Combine():
                return self.combine(node, frame, stream)
            case p.Choose():
                return self.choose(node, frame, stream)
            case p.Repeat():
                return self.repeat(node, frame, stream)
            case p.Read():
                return self.cells.read(node, frame, stream)
            case p.Write():
                self.cells.write(node, frame, stream)
                return None

    def layer(self, node: p.Layer, frame: Frame, stream: Stream | None) -> Stream | None:
        def apply(inner: Frame, args: dict[str, Any]) -> Stream:
            source = narrow(frame, stream, inner.rows)
            assert source is not None
            args["flow"] = source.flow
            after = node.op.shape(source.flow, args)
            if self.cells.account is not None:
                self.cells.account.layer(inner, node, source, args, after)
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
