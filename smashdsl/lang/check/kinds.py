"""Kinds of what flows: grids by their number of axes, vectors, tokens; at one place only one kind may arrive."""

from __future__ import annotations

from smashdsl.lang.check.decide import Context
from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.outcome import Finding, Outcome, State
from smashdsl.lang.program import templates as p
from smashdsl.ops import Flow, LayerOp, ShapeError


def hold_kind(op: LayerOp, flow: Flow) -> None:
    """Raise `ShapeError` for tokens that no embedding has taken, but at an embedding, and for anything else there."""
    if flow.raw and not op.raw:
        message = f"`{op.name}` takes channels, but {flow} arrive that no `embedding` has taken"
        raise ShapeError("SD0207", message, "start the stem with `embedding(…)`", about="grid")
    if op.raw and not flow.raw:
        message = f"`{op.name}` takes tokens as they come in, but {flow} arrives"
        raise ShapeError("SD0207", message, "declare `input tokens[…] of …`, and start the stem with it", about="grid")


def one_kind(facts: Facts, node: p.Choose | p.Repeat, state: State, context: Context, outcome: Outcome) -> Outcome:
    """Return the outcome of paths that meet; an error alone where one leaves another kind than the first did.

    By induction over the network this lets every place see one kind in all members, which the machine relies on: it
    holds what flows in a batch as one array for each axis. So what leaves may only depend on the place: the node, the
    region, and what arrives there.
    """
    entry = context.env.get("entry")
    arrives = state.flow.kind if state.flow is not None else entry.kind if entry is not None else ""
    key = (id(node), context.region, arrives)
    first = next((after.flow for after in outcome.states if after.flow is not None), None)
    first = None if first is None else facts.kinds.setdefault(key, first)
    for after, (_, witness) in outcome.states.items():
        if first is not None and after.flow is not None and after.flow.kind != first.kind:
            what = "repeat" if isinstance(node, p.Repeat) else node.decision.kind
            message = f"this `{what}` leaves {first} in some members and {after.flow} in others: "
            message += f"one place can't take both {first.kind} and {after.flow.kind}"
            help = "let every path leave the same kind, or put what changes it behind the place where they meet"
            finding = Finding("SD0206", message, node.span, help, witness=witness)
            # what is poisoned stays silent, so no state goes on from here
            return Outcome(errors={**outcome.errors, ("SD0206", node.span): finding})
    return outcome
