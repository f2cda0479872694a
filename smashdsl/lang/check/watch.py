"""What is seen at each place of a text while every member is followed: for tools that show it beside the text."""

from __future__ import annotations

from dataclasses import dataclass, field

from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.outcome import Outcome
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.source import Span
from smashdsl.ops import Flow


class Stopped(Exception):
    """Following was called off from outside."""


@dataclass
class Seen:
    """One place of the text: what arrives and leaves in some member, and in how many ways it can be decided.

    ``ways`` has one number for each state that arrives. ``nodes`` are the places of the program that the text became.
    """

    arrives: dict[Flow, None] = field(default_factory=dict)
    leaves: dict[Flow, None] = field(default_factory=dict)
    ways: set[int] = field(default_factory=set)
    nodes: dict[p.Node, None] = field(default_factory=dict)


@dataclass
class Watch:
    """Notes what is seen by span; set ``stop`` from another thread to call following off with `Stopped`."""

    places: dict[Span, Seen] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    stop: bool = False

    def see(self, node: p.Node, arrives: Flow | None, outcome: Outcome) -> None:
        """Note the outcome of following a node; raises `Stopped`."""
        if self.stop:
            raise Stopped
        seen = self.places.setdefault(node.span, Seen())
        seen.nodes[node] = None
        if arrives is not None:
            seen.arrives[arrives] = None
        seen.leaves.update((state.flow, None) for state in outcome.states if state.flow is not None)
        seen.ways.add(sum(ways for ways, _ in outcome.states.values()))
