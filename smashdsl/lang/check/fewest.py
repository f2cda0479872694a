"""The fewest decisions of one layer that lead to each of its states and errors, read off all ways to decide it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple, TypeAlias

from smashdsl.lang.check.outcome import NONE, Finding, Outcome, State, Witness, decided
from smashdsl.lang.text.source import Span

MOST_TRIED = 2  # decisions are taken out one by one where it takes more than so many
Way: TypeAlias = tuple[tuple[str, str], ...]
Stage: TypeAlias = tuple[int, int]
End: TypeAlias = State | tuple[str, Span]
Paths: TypeAlias = frozenset[str]


class Run(NamedTuple):
    """One way to decide a layer: what was decided by path, how far it came, and the state or error at its end."""

    chosen: Way
    stage: Stage
    result: State | Finding

    @property
    def end(self) -> End:
        return (self.result.code, self.result.span) if isinstance(self.result, Finding) else self.result

    def only(self, paths: Paths) -> Way:
        """Return what was decided at some paths."""
        return tuple([one for one in self.chosen if one[0] in paths])


def fewest(runs: list[Run]) -> Outcome:
    """Return the outcome of all ways to decide a layer.

    Whoever decides as a witness says comes to the same end, or to an error before it.
    """
    ends: dict[End, list[Run]] = {}
    for run in runs:
        ends.setdefault(run.end, []).append(run)
    outcome, found = Outcome(), _Fewest(runs, ends).found()
    for end, told in ends.items():
        run, paths = found[end]
        witness = _witness(run, paths)
        if isinstance(run.result, Finding):
            outcome.fail(replace(run.result, witness=witness))
        else:
            outcome.add(run.result, len(told), witness)
    return outcome


class _Fewest:
    """Searches for all ends at once, so that the work follows the number of runs and not its square."""

    def __init__(self, runs: list[Run], ends: dict[End, list[Run]]) -> None:
        self.runs, self.ends = runs, ends
        self.paths = list(dict.fromkeys(path for run in runs for path, _ in run.chosen))
        self.first = {end: min(run.stage for run in told) for end, told in ends.items()}
        self.known: dict[Paths, dict[Way, dict[End, Stage]]] = {}

    def found(self) -> dict[End, tuple[Run, Paths]]:
        """Return for each end a run, and decisions of it that lead nowhere else but to errors before it."""
        found: dict[End, tuple[Run, Paths]] = {}
        for some in self._few():
            for end in [end for end in self.ends if end not in found]:
                for run in self.ends[end]:
                    if len(run.only(some)) == len(some) and self._leads_only(run, some):
                        found[end] = run, some
                        break
        for end in self.ends.keys() - found.keys():
            run = self.ends[end][0]
            found[end] = run, self._without_idle(run)
        return found

    def _few(self) -> Iterator[Paths]:
        for number in range(min(MOST_TRIED, len(self.paths)) + 1):
            yield from map(frozenset, combinations(self.paths, number))

    def _without_idle(self, run: Run) -> Paths:
        """Return the decisions of a run without those that need not be told, one after another."""
        kept = frozenset(path for path, _ in run.chosen)
        for path, _ in run.chosen:
            if self._leads_only(run, kept - {path}):
                kept -= {path}
        return kept

    def _leads_only(self, run: Run, paths: Paths) -> bool:
        """Return whether all that agree with a run at some paths come to its end, or to errors before it."""
        end = run.end
        reached = self._reached(paths)[run.only(paths)]
        return all(other == end or stage < self.first[end] for other, stage in reached.items())

    def _reached(self, paths: Paths) -> dict[Way, dict[End, Stage]]:
        """Return which ends the choices at some paths come to, and the farthest that a run to each came."""
        if paths not in self.known:
            reached = self.known[paths] = {}
            for run in self.runs:
                ends, end = reached.setdefault(run.only(paths), {}), run.end
                ends[end] = max(run.stage, ends.get(end, run.stage))
        return self.known[paths]


def _witness(run: Run, paths: Paths) -> Witness:
    witness = NONE
    for path, value in run.chosen:
        if path in paths:
            witness += decided(path, value)
    return witness
