"""Every member of a space followed at once: shapes, banks, and the number of architectures.

Non-goals: constraints (`require` excuses no shape error), and anything a single architecture needs.
"""

from __future__ import annotations

import gc
import sys
from functools import partial

from smashdsl.lang.check.decide import Context, Decisions, NotDecided, failed
from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.layers import Layers
from smashdsl.lang.check.origin import coming_in
from smashdsl.lang.check.outcome import Outcome, State, arriving_by, start, within
from smashdsl.lang.check.watch import Watch
from smashdsl.lang.program import needs
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.ops import ShapeError

FRAMES = 48  # calls of Python that one level of nesting takes at most
MOST_FRAMES = 12_000  # as many fit the stack of a thread


def check(program: p.Program, sink: Sink, limits: Limits, watch: Watch | None = None) -> Facts | None:
    """Follow every member; report what is wrong in any and return None, or return the facts.

    ``watch`` notes what is seen on the way, also in a space that is wrong.
    """
    try:
        decisions, outcome = _follow(program, limits, watch)
    except NotDecided as stopped:
        sink.error("SD0403", f"{stopped.why}: not decided", stopped.span, help=stopped.help)
        return None
    for f in sorted(outcome.errors.values(), key=lambda f: f.span.order):
        sink.add(f.diagnostic())
    if sink.failed:
        return None
    if (sites := needs.sites(program, decisions.facts.most)) > limits.sites:
        message = f"this space has {sites:,} layers and decisions, more than {limits.sites:,}"
        sink.error("SD0402", message, program.space.span, help="lower a count, or raise the limit on sites")
        return None
    decisions.facts.sites = sites
    decisions.facts.count = sum(ways for ways, _ in outcome.states.values())
    return decisions.facts


def _follow(program: p.Program, limits: Limits, watch: Watch | None) -> tuple[Decisions, Outcome]:
    """Follow every member; a second time when something is wrong, to know which decisions lead there."""
    decisions = Decisions(limits, watch=watch)
    outcome = follow(program, decisions)
    if outcome.errors:
        decisions = Decisions(limits, "witness", watch=watch)
        outcome = follow(program, decisions)
    return decisions, outcome


def follow(program: p.Program, decisions: Decisions) -> Outcome:
    """Follow every member, deciding as ``decisions`` does; raises `NotDecided` beyond its limit."""
    collecting, frames = gc.isenabled(), sys.getrecursionlimit()
    gc.disable()  # nothing the walk makes is a cycle, and it makes millions of tuples
    sys.setrecursionlimit(max(frames, min(FRAMES * decisions.limits.depth, MOST_FRAMES)))
    try:
        return _Network(program, decisions).outcome()
    finally:
        sys.setrecursionlimit(frames)
        if collecting:
            gc.enable()


class _Network:
    """The skeleton: stem, blocks with their transitions or a body, head."""

    def __init__(self, program: p.Program, decisions: Decisions) -> None:
        self.program = program
        self.decisions = decisions
        self.layers = Layers(program, decisions)

    def outcome(self) -> Outcome:
        source, given = p.source(self.program), self.program.space.input
        state = self.decisions.anew(State(source))
        outcome = self.decisions.arguments(self.program.params, Context({}, ""), lambda c: self.chain(state, c))
        return arriving_by(coming_in(source, given.span), outcome) if self.decisions.trace else outcome

    def chain(self, state: State, context: Context) -> Outcome:
        outcome = self.layers.scope(self.program.stem, state, context)
        for block in self.program.blocks:
            for position, value in enumerate(block.instances):
                inner = Context(
                    {**context.env, block.index: value} if block.index else context.env, block.path(position)
                )
                last = position == len(block.instances) - 1 and block is self.program.blocks[-1]
                outcome = self.decisions.then(outcome, partial(self.block, block, inner, last))
        body, head, kept = self.program.body, self.program.head, needs.results_kept(self.program)
        if body is not None:
            outcome = self.decisions.then(outcome, lambda s: self.layers.scope(body, remembering(s, kept), context))
        outcome = self.decisions.then(outcome, lambda s: self.layers.scope(head, s._replace(results=()), context))
        return self.decisions.then(outcome, self.output)

    def block(self, block: p.Block, context: Context, last: bool, state: State) -> Outcome:
        outcome = self.layers.cells.cell(block.cell, state, context)
        if not last:
            outcome = self.decisions.then(outcome, lambda s: self.layers.scope(block.transition, s, context))
        return within(context.region, outcome)

    def output(self, state: State) -> Outcome:
        output = self.program.space.output
        wanted = p.wanted(self.program)
        if state.flow == wanted:
            return start(State(state.flow, spent=state.spent))
        what = (
            f"{output.size} channels at each of {wanted.grid[0]} tokens"
            if wanted.tokens
            else f"a vector of {output.size}"
        )
        message = f"the head makes {state.flow}, but `{output.name}` needs {what}"
        near = state.flow is not None and state.flow.kind == wanted.kind
        help = f"end the head with `linear({output.name})`" if near or wanted.tokens else None
        help = help or f"end the head with `global_avg_pool; linear({output.name})`"
        return failed(ShapeError("SD0209", message, help, "channels" if near else "grid"), output.span)


def remembering(state: State, results: int) -> State:
    """Return what enters `body`: it stands for the results that are not there yet."""
    assert state.flow is not None
    return state._replace(results=(state.flow,) * results)
