"""Decisions of the whole-space walk: values tried one by one, with what was found about them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.outcome import NONE, Finding, Outcome, State, branch, counted, then
from smashdsl.lang.check.pools import shown, values
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import evaluate, scalar
from smashdsl.ops import ShapeError

Chosen = dict[int, Any]
Memo = dict[Hashable, tuple[Outcome, set[Hashable] | None]]
WORK_PER_STATE = 4
KINDS = {
    "size": "one whole number",
    "axes": "a size such as `3` or `3x3`",
    "number": "a number",
    "flag": "`true` or `false`",
}


class NotDecided(Exception):
    """More states occur than the limit on checking."""

    def __init__(
        self, span: Span, why: str, help: str = "let fewer decisions change shapes, or raise the limit"
    ) -> None:
        super().__init__(why)
        self.span, self.why, self.help = span, why, help


@dataclass(frozen=True)
class Context:
    """What surrounds a point: names and their values, and the region whose weights are used."""

    env: Mapping[str, Any]
    region: str

    def bind(self, **names: Any) -> Context:
        return Context({**self.env, **names}, self.region)

    def only(self, names: Iterable[str]) -> tuple[tuple[str, Any], ...]:
        """Return the values of names, as a part of a key."""
        env = self.env
        return tuple([(name, env[name]) for name in names if name in env])


class Decisions:
    """Tries the values of decisions; keeps the facts, the results that may be used again, and the work done.

    Without ``trace`` no witness is kept, which is faster and enough for a space that is right.
    """

    def __init__(self, limits: Limits, trace: bool) -> None:
        self.limits = limits
        self.trace = trace
        self.facts = Facts()
        self.left = WORK_PER_STATE * limits.states
        self.memo: dict[Hashable, Memo] = {}
        # the domains met since the use of something that is decided once, None outside any such
        self.domains: set[Hashable] | None = None

    def spend(self, work: int, span: Span) -> None:
        """Count work; raises `NotDecided` when it is more than the limit on states allows."""
        self.left -= work
        if self.left < 0:
            raise NotDecided(span, "this space has too many different states to follow")

    def memo_of(self, key: Hashable) -> Memo:
        """Return the results that may be used again under a key."""
        return self.memo.setdefault(key, {})

    def once(self, memo: Memo, key: Hashable, follow: Callable[[], Outcome]) -> Outcome:
        """Return what was found under a key before, or find it."""
        entry = memo.get(key)
        if entry is None:
            outer = self.domains
            self.domains = None if outer is None else set()
            entry = memo[key] = (follow(), self.domains)
            self.domains = outer
        if self.domains is not None and entry[1]:
            self.domains |= entry[1]
        return entry[0]

    def then(self, before: Outcome, step: Callable[[State], Outcome], scope: str = "") -> Outcome:
        """Return the outcome of a step, whose paths go under ``scope``, taken from every state of ``before``."""
        return then(before, step, scope) if self.trace else counted(before, step)

    def branch(self, path: str, cases: list[tuple[str, int, Outcome]]) -> Outcome:
        """Return the outcome of a decision from the outcome under each of its values."""
        if self.trace:
            return branch(path, cases)
        if len(cases) == 1 and cases[0][1] == 1:
            return cases[0][2]
        merged = Outcome()
        for _, many, outcome in cases:
            for state, (ways, _) in outcome.states.items():
                known = merged.states.get(state)
                merged.states[state] = (ways * many + known[0] if known else ways * many, NONE)
            merged.errors.update(outcome.errors)
        return merged

    # -- values -------------------------------------------------------------------------------

    def arguments(
        self, args: tuple[p.Argument, ...], context: Context, follow: Callable[[Context], Outcome]
    ) -> Outcome:
        """Decide and bind arguments one after another, then follow."""
        for i, arg in enumerate(args):
            if arg.decisions:
                return self._argument(arg, args[i + 1 :], context, follow)
            try:
                context = context.bind(**{arg.name: value_of(arg, context.env, {})})
            except ShapeError as error:
                return failed(error, arg.span)
        return follow(context)

    def _argument(
        self, arg: p.Argument, rest: tuple[p.Argument, ...], context: Context, follow: Callable[[Context], Outcome]
    ) -> Outcome:
        def bound(chosen: Chosen) -> Outcome:
            try:
                value = value_of(arg, context.env, chosen)
            except ShapeError as error:
                return failed(error, arg.span)
            return self.arguments(rest, context.bind(**{arg.name: value}), follow)

        return self._decide(arg.decisions, {}, context, bound)

    def _decide(
        self, decisions: tuple[p.Decision, ...], chosen: Chosen, context: Context, follow: Callable[[Chosen], Outcome]
    ) -> Outcome:
        if not decisions:
            return follow(chosen)
        decision, rest = decisions[0], decisions[1:]
        try:
            offered = self._offered(decision, context.env, chosen)
        except ShapeError as error:
            return failed(error, decision.span)
        key = id(decision.domain)
        cases = [(shown(v), 1, self._decide(rest, {**chosen, key: v}, context, follow)) for v in offered]
        return self.branch(decision.local, cases)

    def every(self, args: tuple[p.Argument, ...], context: Context) -> list[dict[str, Any]]:
        """Return the names bound in every way; raises `ShapeError` when some way has no value."""
        ways = [dict(context.env)]
        for arg in args:
            if isinstance(arg.value, ir.Number | ir.Word):
                value = value_of(arg, {}, {})
                for env in ways:
                    env[arg.name] = value
                continue
            if not arg.decisions:
                for env in ways:
                    env[arg.name] = value_of(arg, env, {})
                continue
            ways = [
                {**env, arg.name: value_of(arg, env, chosen)}
                for env in ways
                for chosen in self._every_choice(arg.decisions, env, {})
            ]
        return ways

    def _every_choice(
        self, decisions: tuple[p.Decision, ...], env: Mapping[str, Any], chosen: Chosen
    ) -> Iterable[Chosen]:
        found = [chosen]
        for decision in decisions:
            key = id(decision.domain)
            found = [{**before, key: v} for before in found for v in self._offered(decision, env, before)]
        return found

    def _offered(self, decision: p.Decision, env: Mapping[str, Any], chosen: Chosen) -> list[Any]:
        assert isinstance(decision.domain, ir.Choice | ir.Interval)
        offered = values(decision.domain, env, chosen)
        self.spend(len(offered), decision.span)
        self.alphabet(decision, offered)
        return offered

    # -- facts --------------------------------------------------------------------------------

    def alphabet(self, decision: p.Decision, offered: Iterable[Any]) -> None:
        """Note which values a decision offers."""
        offered = tuple(offered)
        if self.domains is not None:
            self.domains.add((decision.template, offered))
        known = self.facts.alphabets.get(decision.template) or ()
        fresh = set(offered).difference(known)
        if fresh or not known:
            self.facts.alphabets[decision.template] = tuple(sorted((*known, *fresh), key=_order))

    def subset(self, decision: p.Decision, banks: int, offered: Iterable[Hashable]) -> None:
        """Note that a set of banks is decided, and the most banks it is out of."""
        if self.domains is not None:
            self.domains.add((decision.template, tuple(offered)))
        self.facts.alphabets[decision.template] = None
        self.facts.banks[decision.template] = max(banks, self.facts.banks.get(decision.template, 0))

    def times(self, count: Any, node: p.Repeat | p.Ops, what: str) -> int:
        """Return a count as a number of repeats or ops, and note the most."""
        number = scalar(count)
        if not isinstance(number, int) or number < 0:
            raise ShapeError("SD0208", f"`{what}` can't run {shown(number)} times")
        if number > self.limits.sites:
            help = "lower the count or raise the limit on sites"
            raise ShapeError("SD0402", f"`{what}` of {number:,} is more than {self.limits.sites:,} sites", help)
        self.facts.most[id(node)] = max(number, self.facts.most.get(id(node), 0))
        return number


def value_of(arg: p.Argument, env: Mapping[str, Any], chosen: Chosen) -> Any:
    """Return an argument's value; raises `ShapeError` when it is not of the argument's kind."""
    value = evaluate(arg.value, env, chosen)
    if not _is_kind(value, arg.kind):
        wanted = KINDS.get(arg.kind, "one of its words")
        raise ShapeError("SD0201", f"`{arg.name}` must be {wanted}, not {shown(value)}")
    return value


def _is_kind(value: Any, kind: str) -> bool:
    match kind:
        case "size":
            return type(value) is int
        case "axes":
            return type(value) is int or (type(value) is tuple and all(type(item) is int for item in value))
        case "number":
            return type(value) in (int, float)
        case "flag":
            return type(value) is bool
        case "any":
            return True
    return type(value) is str


def failed(error: ShapeError, span: Span) -> Outcome:
    """Return the outcome that is one error."""
    finding = Finding(error.code, error.message, span, error.help)
    return Outcome(errors={(error.code, span): finding})


def guard(span: Span, follow: Callable[[], Outcome]) -> Outcome:
    """Follow; where no shape results, return the error instead."""
    try:
        return follow()
    except ShapeError as error:
        return failed(error, span)


def _order(value: Any) -> tuple[str, Any]:
    return "number" if isinstance(value, int | float) else type(value).__name__, value
