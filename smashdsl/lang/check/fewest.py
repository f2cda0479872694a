"""The fewest decisions of one layer that lead to each of its states and errors, read off all ways to decide it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

from smashdsl.lang.check.outcome import NONE, Finding, Outcome, State, Witness, decided

MOST_TRIED = 2  # decisions are taken out one by one where it takes more than so many


class Run(NamedTuple):
    """One way to decide a layer: what was decided by path, how far it came, and the state or error at its end."""

    chosen: tuple[tuple[str, str], ...]
    stage: tuple[int, int]
    result: State | Finding


def fewest(runs: list[Run]) -> Outcome:
    """Return the outcome of all ways to decide a layer.

    Whoever decides as a witness says comes to the same end, or to an error before it.
    """
    ends: dict[Hashable, list[Run]] = {}
    for run in runs:
        end = run.result
        ends.setdefault((end.code, end.span) if isinstance(end, Finding) else end, []).append(run)
    outcome = Outcome()
    for told in ends.values():
        own, first = set(map(id, told)), min(run.stage for run in told)
        others = [run for run in runs if id(run) not in own and run.stage >= first]
        run, paths = _shortest(told, others)
        witness = _witness(run, paths)
        if isinstance(run.result, Finding):
            outcome.fail(replace(run.result, witness=witness))
        else:
            outcome.add(run.result, len(told), witness)
    return outcome


def _shortest(told: list[Run], others: list[Run]) -> tuple[Run, frozenset[str]]:
    """Return a run, and the fewest of its decisions that none of the ``others`` agrees with."""
    paths = dict.fromkeys(path for run in told for path, _ in run.chosen)
    for number in range(min(MOST_TRIED, len(paths)) + 1):
        for some in map(frozenset, combinations(paths, number)):
            taken = {_only(run, some) for run in others}
            for run in told:
                if (only := _only(run, some)) not in taken and len(only) == number:
                    return run, some
    run = told[0]
    kept = frozenset(path for path, _ in run.chosen)
    for path in paths:
        if path in kept and _only(run, kept - {path}) not in {_only(other, kept - {path}) for other in others}:
            kept -= {path}
    return run, kept


def _only(run: Run, paths: Iterable[str]) -> tuple[tuple[str, str], ...]:
    return tuple(one for one in run.chosen if one[0] in paths)


def _witness(run: Run, paths: frozenset[str]) -> Witness:
    witness = NONE
    for path, value in run.chosen:
        if path in paths:
            witness += decided(path, value)
    return witness
