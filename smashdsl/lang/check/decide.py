"""Decisions of the whole-space walk: values tried one by one, with what was found about them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from smashdsl.lang.check.account import Meter
from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.fewest import Run, Way
from smashdsl.lang.check.metered import Metered
from smashdsl.lang.check.outcome import NONE, Finding, Outcome, Scope, State, Witness, branch, counted, then
from smashdsl.lang.check.pools import shown, values
from smashdsl.lang.check.values import order, value_of
from smashdsl.lang.check.watch import Watch
from smashdsl.lang.check.ways import deciding, either, stepped
from smashdsl.lang.program import templates as p
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import NOWHERE, Span
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.evaluate import scalar
from smashdsl.ops import ShapeError

Chosen = dict[int, Any]
Memo = dict[Hashable, tuple[Outcome, set[Hashable] | None]]
WORK_PER_STATE = 4
MOST_REACHED = 10  # how often states may be reached, for each that may differ
End: TypeAlias = Callable[[Mapping[str, Any]], State | Finding | None]
Keep: TypeAlias = Literal["nothing", "witness", "all"]


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


class Decisions(Metered):
    """Tries the values of decisions; keeps the facts, the results that may be used again, and the work done.

    Of the ways to a state ``keep`` says what is kept: nothing, which is the fastest and enough for a space that is
    right; one short `witness`; or `all` of them.
    """

    def __init__(
        self, limits: Limits, keep: Keep = "nothing", meters: tuple[Meter, ...] = (), watch: Watch | None = None
    ) -> None:
        self.limits = limits
        self.keep = keep
        self.trace = keep == "witness"
        super().__init__(meters)
        self.watch = watch
        self.facts = Facts()
        if watch is not None:
            watch.facts = self.facts
        self.left = WORK_PER_STATE * limits.states
        self.reached = 0
        self.place = NOWHERE  # of the work counted last
        self.memo: dict[Hashable, Memo] = {}
        # the domains met since the use of something that is decided once, None outside any such
        self.domains: set[Hashable] | None = None

    def spend(self, work: int, span: Span) -> None:
        """Count work; raises `NotDecided` when it is more than the limit on states allows."""
        self.left -= work
        self.place = span
        if self.left < 0:
            raise NotDecided(span, "this space has too many different states to follow")

    def memo_of(self, key: Hashable) -> Memo:
        """Return the results that may be used again under a key."""
        return self.memo.setdefault((self.meters, key), {})

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

    def then(self, before: Outcome, step: Callable[[State], Outcome], scope: Scope = "") -> Outcome:
        """Return the outcome of a step, whose paths go under ``scope``, taken from every state of ``before``."""
        if self.trace:
            return then(before, step, scope)
        if self.keep == "all":
            return self._remembered(before, step, scope)
        return counted(before, step) if not self.meters else self._metered(before, step)

    def _remembered(self, before: Outcome, step: Callable[[State], Outcome], scope: Scope) -> Outcome:
        reached: dict[State, list[tuple[int, Witness, Witness]]] = {}
        totals: dict[State, int] = {}
        for state, (ways, way) in before.states.items():
            result = step(state)
            for following, (more, tail) in result.states.items():
                number = ways * more
                if following in reached:
                    reached[following].append((number, way, tail))
                    totals[following] += number
                else:
                    reached[following] = [(number, way, tail)]
                    totals[following] = number
            self._bound(len(result.states), reached)
        return Outcome({s: (totals[s], stepped(totals[s], steps, scope)) for s, steps in reached.items()})

    def _metered(self, before: Outcome, step: Callable[[State], Outcome]) -> Outcome:
        total: dict[State, int] = {}
        errors = before.errors
        for state, (ways, _) in before.states.items():
            result = step(state)
            for following, (more, _) in result.states.items():
                total[following] = total.get(following, 0) + ways * more
            if result.errors:
                errors = errors | result.errors
            self._bound(len(result.states), total)
        return Outcome({state: (ways, NONE) for state, ways in total.items()}, errors)

    def _bound(self, reached: int, states: Sized) -> None:
        """Count states that were reached; raises `NotDecided` where accounts make too many."""
        self.reached += reached
        if self.meters and (self.reached > MOST_REACHED * self.limits.states or len(states) > self.limits.states):
            raise NotDecided(self.place, "what is spent makes too many different states to follow")

    def branch(self, path: str, cases: list[tuple[Any, int, Outcome]]) -> Outcome:
        """Return the outcome of a decision from the outcome under each of its values.

        A case is a value, or sets of banks with their number, and what follows.
        """
        if self.trace:
            return branch(path, [(shown(value), many, outcome) for value, many, outcome in cases])
        if self.keep == "all":
            reached: dict[State, list[Witness]] = {}
            for decided, _, outcome in cases:
                for state, (_, way) in outcome.states.items():
                    reached.setdefault(state, []).append(deciding(path, decided, way))
            return Outcome({s: (sum(way.ways for way in found), either(found)) for s, found in reached.items()})
        if len(cases) == 1 and cases[0][1] == 1:
            return cases[0][2]
        merged = Outcome()
        for _, many, outcome in cases:
            for state, (number, _) in outcome.states.items():
                known = merged.states.get(state)
                merged.states[state] = (number * many + known[0] if known else number * many, NONE)
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
            offered = self.offered(decision, context.env, chosen)
        except ShapeError as error:
            return failed(error, decision.span)
        key = id(decision.domain)
        cases = [(v, 1, self._decide(rest, {**chosen, key: v}, context, follow)) for v in offered]
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
            found = [{**before, key: v} for before in found for v in self.offered(decision, env, before)]
        return found

    def runs(self, args: tuple[p.Argument, ...], env: Mapping[str, Any], end: End) -> list[Run]:
        """Return every way to decide arguments, with what ``end`` says it comes to, or the error before that."""
        found: list[Run] = []
        ways: list[tuple[Way, Mapping[str, Any]]] = [((), env)]
        for place, arg in enumerate(args):
            following: list[tuple[Way, Mapping[str, Any]]] = []
            for way, bound in ways:
                for longer, chosen in self._run_choices(arg.decisions, place, way, bound, found):
                    try:
                        value = value_of(arg, bound, chosen)
                    except ShapeError as error:
                        found.append(Run(longer, (place, len(arg.decisions)), finding_of(error, arg.span)))
                        continue
                    following.append((longer, {**bound, arg.name: value}))
            ways = following
        ends = ((way, end(bound)) for way, bound in ways)
        return found + [Run(way, (len(args), 0), result) for way, result in ends if result is not None]

    def _run_choices(
        self, decisions: tuple[p.Decision, ...], place: int, way: Way, env: Mapping[str, Any], wrong: list[Run]
    ) -> list[tuple[Way, Chosen]]:
        found: list[tuple[Way, Chosen]] = [(way, {})]
        for i, decision in enumerate(decisions):
            before, found = found, []
            for earlier, chosen in before:
                try:
                    offered = self.offered(decision, env, chosen)
                except ShapeError as error:
                    wrong.append(Run(earlier, (place, i), finding_of(error, decision.span)))
                    continue
                key, path = id(decision.domain), decision.local
                found += [((*earlier, (path, shown(value))), {**chosen, key: value}) for value in offered]
        return found

    def offered(self, decision: p.Decision, env: Mapping[str, Any], chosen: Chosen) -> list[Any]:
        """Return the values of a decision; raises `ShapeError` where there are none."""
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
            self.facts.alphabets[decision.template] = tuple(sorted((*known, *fresh), key=order))

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


def failed(error: ShapeError, span: Span, label: str = "") -> Outcome:
    """Return the outcome that is one error; ``label``: the words at its place, where others are told beside it."""
    return Outcome(errors={(error.code, span): finding_of(error, span, label)})


def finding_of(error: ShapeError, span: Span, label: str = "") -> Finding:
    """Return an error as what is found in some members."""
    return Finding(error.code, error.message, span, error.help, label=label, about=error.about)


def nothing_arrives(span: Span) -> Outcome:
    """Return the error of a layer that has no input."""
    return failed(
        ShapeError("SD0306", "nothing has been read here", "start the op with a read such as `read last`"), span
    )


def guard(span: Span, follow: Callable[[], Outcome], label: str = "") -> Outcome:
    """Follow; where no shape results, return the error instead."""
    try:
        return follow()
    except ShapeError as error:
        return failed(error, span, label)
