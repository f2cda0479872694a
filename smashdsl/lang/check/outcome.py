"""States that can occur, how many members lead to each, and the shortest choices that do."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from smashdsl.lang.check.account import NOTHING, Spent
from smashdsl.lang.check.origin import UNCHANGED, Made, labels
from smashdsl.lang.text.diagnostics import Diagnostic, Label
from smashdsl.lang.text.source import Span
from smashdsl.ops import Flow
from smashdsl.ops.op import About


class Place(NamedTuple):
    """A scope by its name, with its template where it may declare a `let`."""

    name: str
    template: str


Scope: TypeAlias = str | Place


class Homes:
    """Prefixes of the scopes around a place, by template: where the decisions of a `let` belong."""

    __slots__ = ("prefix", "prefixes")

    def __init__(self, prefix: str = "", prefixes: Mapping[str, str] | None = None) -> None:
        self.prefix = prefix
        self.prefixes = prefixes or {}

    def inside(self, kind: str, scope: Scope) -> Homes:
        """Return where a part is: `in` a scope, `at` one of the whole network, or at the `home` of a `let`."""
        if kind == "home":
            return Homes(self.prefixes.get(str(scope), self.prefix), self.prefixes)
        if not isinstance(scope, Place):
            return Homes(f"{self.prefix if kind == 'in' else ''}{scope}.", self.prefixes)
        prefix = f"{self.prefix if kind == 'in' else ''}{scope.name}."
        return Homes(prefix, {**self.prefixes, scope.template: prefix})


class Witness:
    """Decisions that lead somewhere, as (site path, value), in program order.

    Witnesses are joined and put under scopes far more often than anyone reads one, so both are done when one is read.
    ``key`` is equal for witnesses that were made in the same way. ``made``: who made what flows, on this way; it tells
    no two witnesses apart, and only errors read it.
    """

    __slots__ = ("_parts", "key", "length", "made")
    ways = 1  # a witness is one way; whoever remembers all of them says how many

    def __init__(
        self, length: int = 0, parts: tuple[str, Any, Any] | None = None, key: int = 0, made: Made = UNCHANGED
    ) -> None:
        self.length = length
        self.key = key
        self.made = made
        self._parts = parts

    def __add__(self, other: Witness) -> Witness:
        if not self.length or not other.length:
            return (other if other.length else self).by(self.made.then(other.made))
        parts, key = ("then", self, other), hash((self.key, other.key))
        return Witness(self.length + other.length, parts, key, self.made.then(other.made))

    def by(self, made: Made) -> Witness:
        """Return the same decisions, on a way on which another made what flows."""
        return self if made is self.made else Witness(self.length, self._parts, self.key, made)

    def at_home(self, template: str) -> Witness:
        """Return the witness of a `let`, whose paths are those of the scope around that declares it."""
        return (
            Witness(self.length, ("home", template, self), hash((template, self.key)), self.made)
            if self.length
            else self
        )

    def within(self, scope: Scope) -> Witness:
        """Return the witness with its paths under a scope."""
        return Witness(self.length, ("in", scope, self), hash((scope, self.key)), self.made) if self.length else self

    def rooted(self, scope: Scope) -> Witness:
        """Return the witness with its paths under a scope that no further scope goes around."""
        return Witness(self.length, ("at", scope, self), hash((scope, self.key)), self.made) if self.length else self

    def either(self, other: Witness) -> Witness:
        """Return what is kept of two ways to one state: the shorter one."""
        return other if other.length < self.length else self

    def decisions(self) -> tuple[tuple[str, str], ...]:
        """Return the decisions, read at last; one that was made before is not told again."""
        out: dict[str, str] = {}
        stack: list[tuple[Homes, Witness]] = [(Homes(), self)]
        while stack:
            homes, witness = stack.pop()
            if witness._parts is None:
                continue
            kind, first, second = witness._parts
            if kind == "one":
                out.setdefault(homes.prefix + first, second)
            elif kind == "then":
                stack.extend(((homes, second), (homes, first)))
            else:
                stack.append((homes.inside(kind, first), second))
        return tuple(out.items())


NONE = Witness()


def decided(path: str, value: str) -> Witness:
    """Return the witness that is one decision."""
    return Witness(1, ("one", path, value), hash((path, value)))


class Banks(NamedTuple):
    """The banks of a block: a bit set of those that hold a value, and how many the op before wrote.

    Where it matters which banks the op before wrote, ``last`` is their bit set. ``shapes``: what each bank holds, where
    that is not the same grid as at entry in all of them; ``last_shape``: what the op before wrote, where it is not.
    """

    written: int
    last: int
    shapes: tuple[Flow | None, ...] | None = None
    last_shape: Flow | None = None


class State(NamedTuple):
    """What arrives at a point of the network.

    ``decided`` names the tied cells, and the `let`s used more than once, that are decided already, each with the
    domains its decisions were made from. ``spent`` is the account of what was spent on the way, where one is kept.
    ``results`` are those of `body` that a cell with several inputs may take beside what arrives, the oldest first.
    """

    flow: Flow | None
    banks: Banks | None = None
    decided: frozenset[tuple[Hashable, Hashable]] = frozenset()
    spent: Spent = NOTHING
    results: tuple[Flow, ...] = ()


@dataclass(frozen=True)
class Finding:
    """An error in some members: what is wrong, the scope it is in, and the decisions that lead there.

    ``rooted`` says that the scope's path is whole already. ``about`` says what of the shapes is wrong, and ``parts``
    who made what is joined there, where several are.
    """

    code: str
    message: str
    span: Span
    help: str | None = None
    where: str = ""
    witness: Witness = NONE
    rooted: bool = False
    label: str = ""
    about: About = ""
    parts: tuple[Made, ...] = ()

    def after(self, before: Witness) -> Finding:
        """Return the finding with decisions made before it."""
        if not before.length and before.made is UNCHANGED:
            return self
        parts = tuple(before.made.then(made) for made in self.parts)
        return replace(self, witness=before + self.witness, parts=parts)

    def labels(self) -> tuple[Label, ...]:
        """Return the places that made what the error is about."""
        return tuple(labels(self.about, self.span, self.parts or (self.witness.made,)))

    def diagnostic(self) -> Diagnostic:
        """Return the finding as it is told."""
        others, when = self.labels(), self.witness.decisions()
        label = self.label if others else ""
        return Diagnostic(
            self.code, self.message, self.span, label, others, where=self.where, when=when, help=self.help
        )

    def within(self, scope: Scope) -> Finding:
        name = scope.name if isinstance(scope, Place) else scope
        where = self.where if self.rooted else f"{name}.{self.where}" if self.where else name
        return replace(self, where=where, witness=self.witness.within(scope))

    def at_root(self, scope: str) -> Finding:
        where = self.where if self.rooted else f"{scope}.{self.where}" if self.where else scope
        return replace(self, where=where, witness=self.witness.rooted(scope), rooted=True)


@dataclass
class Outcome:
    """The states after a part of the space, with the number of ways and one short witness each.

    Every member that decides as the witness of a state or of an error says comes to it, or to an error before it.
    """

    states: dict[State, tuple[int, Witness]] = field(default_factory=dict)
    errors: dict[tuple[str, Span], Finding] = field(default_factory=dict)

    def add(self, state: State, ways: int, witness: Witness) -> None:
        if state in self.states:
            known, shortest = self.states[state]
            self.states[state] = (known + ways, shortest.either(witness))
        else:
            self.states[state] = (ways, witness)

    def fail(self, finding: Finding) -> None:
        key = (finding.code, finding.span)
        if key not in self.errors or finding.witness.length < self.errors[key].witness.length:
            self.errors[key] = finding


def start(state: State) -> Outcome:
    """Return the outcome that is one state, reached without a decision."""
    return Outcome({state: (1, NONE)})


def by(made: Callable[[State], Made], outcome: Outcome) -> Outcome:
    """Return an outcome with who made what flows in each of its states."""
    states = {state: (ways, witness.by(made(state))) for state, (ways, witness) in outcome.states.items()}
    return Outcome(states, outcome.errors)


def arriving_by(made: Made, outcome: Outcome) -> Outcome:
    """Return an outcome, told who made what arrives at its beginning."""
    before = Witness(made=made)
    states = {state: (ways, before + witness) for state, (ways, witness) in outcome.states.items()}
    return Outcome(states, {key: f.after(before) for key, f in outcome.errors.items()})


def then(before: Outcome, step: Callable[[State], Outcome], scope: Scope = "") -> Outcome:
    """Return the outcome of a step, whose paths go under ``scope``, taken from every state of ``before``.

    Where every state before leads on in the same way, the decisions that made the states differ do not matter, and stay
    out of the witness.
    """
    after = Outcome(errors=dict(before.errors))
    states: dict[State, list[tuple[int, Witness, Witness]]] = {}
    errors: dict[tuple[str, Span], list[tuple[Witness, Finding]]] = {}
    for state, (ways, witness) in before.states.items():
        result = step(state)
        for following, (more, tail) in result.states.items():
            states.setdefault(following, []).append((ways * more, witness, tail))
        for key, finding in result.errors.items():
            errors.setdefault(key, []).append((witness, finding))
    whole = len(before.states)

    def shortest(tails: list[tuple[Witness, Witness]]) -> tuple[int, Witness]:
        """Return which of some ways is the shortest, and what leads to it."""
        first = min(range(len(tails)), key=lambda i: tails[i][0].length + tails[i][1].length)
        always = whole == len(tails) and len({tail.key for _, tail in tails}) == 1
        return first, NONE.by(tails[first][0].made) if always else tails[first][0]

    for following, reached in states.items():
        first, witness = shortest([(witness, tail) for _, witness, tail in reached])
        tail = reached[first][2].within(scope) if scope else reached[first][2]
        after.states[following] = (sum(ways for ways, _, _ in reached), witness + tail)
    for found in errors.values():
        first, witness = shortest([(witness, finding.witness) for witness, finding in found])
        finding = found[first][1]
        after.fail((finding.within(scope) if scope else finding).after(witness))
    return after


def counted(before: Outcome, step: Callable[[State], Outcome]) -> Outcome:
    """Return the outcome of a step taken from every state of ``before``, without witnesses."""
    total: dict[State, int] = {}
    errors = before.errors
    for state, (ways, _) in before.states.items():
        result = step(state)
        if ways == 1 and len(before.states) == 1 and not errors:
            return result
        for following, (more, _) in result.states.items():
            total[following] = total.get(following, 0) + ways * more
        if result.errors:
            errors = errors | result.errors
    return Outcome({state: (ways, NONE) for state, ways in total.items()}, errors)


def branch(path: str, cases: Iterable[tuple[str, int, Outcome]]) -> Outcome:
    """Return the outcome of a decision from the outcome under each of its values.

    A case is the value as text, how many values share it, and what follows. A decision whose every value leads to the
    same place by the same choices, or only to errors before it, does not matter there, and stays out of the witness.
    """
    listed = list(cases)
    merged = Outcome()
    states: dict[State, _Merged] = {}
    errors: dict[tuple[str, Span], list[tuple[str, Finding]]] = {}
    for value, many, outcome in listed:
        for state, (ways, witness) in outcome.states.items():
            entry = states.get(state)
            if entry is None:
                states[state] = _Merged(value, ways * many, witness)
            else:
                entry.add(value, ways * many, witness)
        for key, finding in outcome.errors.items():
            errors.setdefault(key, []).append((value, finding))
    passing = sum(bool(outcome.states) for _, _, outcome in listed)
    for state, entry in states.items():
        always = entry.cases == passing and entry.same
        merged.states[state] = (entry.ways, entry.witness if always else decided(path, entry.value) + entry.witness)
    for key, told in errors.items():
        always = len(told) == len(listed) and len({finding.witness.key for _, finding in told}) == 1
        value, finding = min(told, key=lambda t: t[1].witness.length)
        merged.errors[key] = finding if always else finding.after(decided(path, value))
    return merged


class _Merged:
    """One state reached under several values: the ways added up, and the shortest witness with its value."""

    __slots__ = ("cases", "same", "value", "ways", "witness")

    def __init__(self, value: str, ways: int, witness: Witness) -> None:
        self.value, self.ways, self.witness, self.cases, self.same = value, ways, witness, 1, True

    def add(self, value: str, ways: int, witness: Witness) -> None:
        self.ways += ways
        self.cases += 1
        self.same = self.same and witness.key == self.witness.key
        if witness.length < self.witness.length:
            self.value, self.witness = value, witness


def within(scope: Scope, outcome: Outcome) -> Outcome:
    """Return an outcome with its paths put under a scope."""
    states = {state: (ways, witness.within(scope)) for state, (ways, witness) in outcome.states.items()}
    errors = {key: finding.within(scope) for key, finding in outcome.errors.items()}
    return Outcome(states, errors)


def at_root(scope: str, outcome: Outcome) -> Outcome:
    """Return an outcome with its paths put under a scope of the whole network."""
    states = {state: (ways, witness.rooted(scope)) for state, (ways, witness) in outcome.states.items()}
    errors = {key: finding.at_root(scope) for key, finding in outcome.errors.items()}
    return Outcome(states, errors)


def at_home(template: str, outcome: Outcome) -> Outcome:
    """Return the outcome of a `let`, its paths put under the scope that declares it."""
    states = {state: (ways, witness.at_home(template)) for state, (ways, witness) in outcome.states.items()}
    errors = {key: replace(found, witness=found.witness.at_home(template)) for key, found in outcome.errors.items()}
    return Outcome(states, errors)
