"""States that can occur, how many members lead to each, and the shortest choices that do."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from smashdsl.lang.source import Span
from smashdsl.ops import Flow


class Witness:
    """Decisions that lead somewhere, as (site path, value), in program order.

    Witnesses are joined and put under scopes far more often than anyone reads one, so both are done when one is read.
    """

    __slots__ = ("_parts", "length")

    def __init__(self, length: int = 0, parts: tuple[str, Any, Any] | None = None) -> None:
        self.length = length
        self._parts = parts

    def __add__(self, other: Witness) -> Witness:
        if not self.length or not other.length:
            return other if other.length else self
        return Witness(self.length + other.length, ("then", self, other))

    def within(self, scope: str) -> Witness:
        return Witness(self.length, ("in", scope, self)) if self.length else self

    def decisions(self) -> tuple[tuple[str, str], ...]:
        """Return the decisions, read at last."""
        out: list[tuple[str, str]] = []
        stack: list[tuple[str, Witness]] = [("", self)]
        while stack:
            prefix, witness = stack.pop()
            if witness._parts is None:
                continue
            kind, first, second = witness._parts
            if kind == "one":
                out.append((prefix + first, second))
            elif kind == "in":
                stack.append((f"{prefix}{first}.", second))
            else:
                stack.extend(((prefix, second), (prefix, first)))
        return tuple(out)


NONE = Witness()


def decided(path: str, value: str) -> Witness:
    """Return the witness that is one decision."""
    return Witness(1, ("one", path, value))


def _same(witnesses: list[Witness]) -> bool:
    if any(w.length != witnesses[0].length for w in witnesses):
        return False
    return not witnesses[0].length or len({w.decisions() for w in witnesses}) == 1


class Banks(NamedTuple):
    """The banks of a block: a bit set of those that hold a value, and how many the op before wrote."""

    written: int
    last: int


class State(NamedTuple):
    """What arrives at a point of the network.

    ``decided`` names the tied cells, and the `let`s used more than once, that are decided already.
    """

    flow: Flow | None
    banks: Banks | None = None
    decided: frozenset[Hashable] = frozenset()


@dataclass(frozen=True)
class Finding:
    """An error in some members: what is wrong, the scope it is in, and the decisions that lead there."""

    code: str
    message: str
    span: Span
    help: str | None
    where: str
    witness: Witness


@dataclass
class Outcome:
    """The states after a part of the space, with the number of ways and one short witness each."""

    states: dict[State, tuple[int, Witness]] = field(default_factory=dict)
    errors: dict[tuple[str, Span], Finding] = field(default_factory=dict)

    def add(self, state: State, ways: int, witness: Witness) -> None:
        if state in self.states:
            known, shortest = self.states[state]
            self.states[state] = (known + ways, witness if witness.length < shortest.length else shortest)
        else:
            self.states[state] = (ways, witness)

    def fail(self, finding: Finding) -> None:
        key = (finding.code, finding.span)
        if key not in self.errors or finding.witness.length < self.errors[key].witness.length:
            self.errors[key] = finding


def start(state: State) -> Outcome:
    """Return the outcome that is one state, reached without a decision."""
    return Outcome({state: (1, NONE)})


def then(before: Outcome, step: Callable[[State], Outcome]) -> Outcome:
    """Return the outcome of a step taken from every state of ``before``."""
    after = Outcome(errors=dict(before.errors))
    for state, (ways, witness) in before.states.items():
        result = step(state)
        for following, (more, tail) in result.states.items():
            after.add(following, ways * more, witness + tail)
        for f in result.errors.values():
            after.fail(Finding(f.code, f.message, f.span, f.help, f.where, witness + f.witness))
    return after


def branch(path: str, cases: Iterable[tuple[str, int, Outcome]]) -> Outcome:
    """Return the outcome of a decision from the outcome under each of its values.

    A case is the value as text, how many values share it, and what follows. A decision whose every value leads to the
    same place by the same choices does not matter there, and stays out of the witness.
    """
    listed = list(cases)
    merged = Outcome()
    states: dict[State, list[tuple[str, int, Witness]]] = {}
    errors: dict[tuple[str, Span], list[tuple[str, Finding]]] = {}
    for value, many, outcome in listed:
        for state, (ways, witness) in outcome.states.items():
            states.setdefault(state, []).append((value, ways * many, witness))
        for key, finding in outcome.errors.items():
            errors.setdefault(key, []).append((value, finding))
    for state, found in states.items():
        always = len(found) == len(listed) and _same([witness for _, _, witness in found])
        value, _, shortest = min(found, key=lambda f: f[2].length)
        witness = shortest if always else decided(path, value) + shortest
        merged.states[state] = (sum(ways for _, ways, _ in found), witness)
    for key, told in errors.items():
        always = len(told) == len(listed) and _same([finding.witness for _, finding in told])
        value, f = min(told, key=lambda t: t[1].witness.length)
        witness = f.witness if always else decided(path, value) + f.witness
        merged.errors[key] = Finding(f.code, f.message, f.span, f.help, f.where, witness)
    return merged


def within(scope: str, outcome: Outcome) -> Outcome:
    """Return an outcome with the paths of its witnesses put under a scope."""
    inside = Outcome()
    for state, (ways, witness) in outcome.states.items():
        inside.states[state] = (ways, witness.within(scope))
    for key, f in outcome.errors.items():
        where = f"{scope}.{f.where}" if f.where else scope
        inside.errors[key] = Finding(f.code, f.message, f.span, f.help, where, f.witness.within(scope))
    return inside
