"""The study: every candidate a line of `study.jsonl` the moment it is scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


class StudyLog:
    """An append-only file of candidates."""

    def __init__(self, space: Space, path: Path) -> None:
        self.space = space
        self.path = path
        self.done: list[Candidate] = [self._read(i, line) for i, line in enumerate(read_lines(path))]

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
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"line {index + 1} of `{self.path}` is no candidate: {error!r}") from None
        if found.index != index:
            raise UserError(
                f"line {index + 1} of `{self.path}` is candidate {found.index}: a line is missing or doubled"
            )
        return found

    def append(self, candidate: Candidate) -> None:
        """Write a candidate to the disk, then count it as done."""
        append_line(self.path, candidate.as_data())
        self.done.append(candidate)

    def best(self) -> Candidate:
        """Return the candidate with the lowest loss, the first of equals."""
        return min(self.done, key=lambda candidate: candidate.loss)

    def median(self) -> Candidate:
        """Return the random candidate of median loss: what a search is compared with."""
        drawn = [c for c in self.done if c.stage == "random"] or self.done
        return sorted(drawn, key=lambda candidate: candidate.loss)[len(drawn) // 2]
