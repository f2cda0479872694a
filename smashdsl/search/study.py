"""The study: every candidate a line of `study.jsonl` the moment it is scored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from smashdsl.errors import UserError
from smashdsl.files import append_line, read_lines
from smashdsl.space.architecture import Architecture

if TYPE_CHECKING:
    from smashdsl.api import Space


@dataclass(frozen=True)
class Candidate:
    """A scored architecture: validation loss and error under generated weights, and its size."""

    index: int
    stage: str
    architecture: Architecture
    loss: float
    error: float
    params: int
    flops: int

    def as_data(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "stage": self.stage,
            "loss": self.loss,
            "error": self.error,
            "params": self.params,
            "flops": self.flops,
            "decisions": self.architecture.to_json()["decisions"],
        }


class Strategy(Protocol):
    """Proposes candidates; holds no state, so a study that was interrupted goes on as if it had not been."""

    def stage(self, index: int) -> str:
        """Return the name of the stage that candidate ``index`` belongs to."""

    def ask(self, space: Space, done: Sequence[Candidate]) -> Architecture:
        """Return the next candidate after those that are done, a pure function of them."""


class Study:
    """Ask for candidates, tell their losses: the search without the HyperNet, for a loop of one's own.

    ``path`` keeps every candidate as a line of a file; a study opened on it again goes on.
    """

    def __init__(self, space: Space, strategy: Strategy, path: Path | None = None) -> None:
        self.space = space
        self.strategy = strategy
        self.log = StudyLog(space, path)

    def ask(self) -> Architecture:
        """Return the architecture to score next; the same until `tell` is called."""
        return self.strategy.ask(self.space, self.log.done)

    def tell(self, architecture: Architecture, loss: float, error: float = 0.0) -> Candidate:
        """Record the loss of an architecture, lower is better; raises `UserError` when it is no number."""
        if not math.isfinite(loss):
            raise UserError(f"a candidate can't have the loss {loss}")
        index = len(self.log.done)
        costs = self.space.costs(architecture)
        candidate = Candidate(
            index,
            self.strategy.stage(index),
            architecture,
            float(loss),
            float(error),
            int(costs.params[0]),
            int(costs.flops[0]),
        )
        self.log.append(candidate)
        return candidate

    @property
    def best(self) -> Candidate:
        """The candidate with the lowest loss."""
        return self.log.best()


class StudyLog:
    """An append-only file of candidates; without a path, a list of them."""

    def __init__(self, space: Space, path: Path | None = None) -> None:
        self.space = space
        self.path = path
        lines = [] if path is None else read_lines(path)
        self.done: list[Candidate] = [self._read(i, line) for i, line in enumerate(lines)]

    def _read(self, index: int, line: Any) -> Candidate:
        try:
            architecture = self.space.from_json({"format": 1, "decisions": line["decisions"]})
            found = Candidate(
                int(line["index"]),
                str(line["stage"]),
                architecture,
                float(line["loss"]),
                float(line["error"]),
                int(line["params"]),
                int(line["flops"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise UserError(f"line {index + 1} of `{self.path}` is no candidate: {error!r}") from None
        if found.index != index:
            raise UserError(
                f"line {index + 1} of `{self.path}` is candidate {found.index}: a line is missing or doubled"
            )
        return found

    def append(self, candidate: Candidate) -> None:
        """Write a candidate to the disk, then count it as done."""
        if self.path is not None:
            append_line(self.path, candidate.as_data())
        self.done.append(candidate)

    def best(self) -> Candidate:
        """Return the candidate with the lowest loss, the first of equals."""
        return min(self.done, key=lambda candidate: candidate.loss)

    def median(self) -> Candidate:
        """Return the random candidate of median loss: what a search is compared with."""
        drawn = [c for c in self.done if c.stage == "random"] or self.done
        return sorted(drawn, key=lambda candidate: candidate.loss)[len(drawn) // 2]
