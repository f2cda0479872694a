"""What is recorded of every example: how many members it has, and its hash. Run `python -m tests.gallery.record`.

A hash changes when anything that names a decision changes, or when the language's data do: checkpoints and logs of the
space are then refused. So a line of `recorded.txt` that changes wants a reason.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import smashdsl

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.smash"))
RECORDED = Path(__file__).with_name("recorded.txt")
EXACT = 30  # digits up to which a number is written out


@cache
def load(path: Path) -> smashdsl.Space:
    """Load an example as it stands; tests share it."""
    return smashdsl.load(path)


def members(count: int) -> str:
    """Return a number exactly, or, if it is long, its first digits and its power of ten."""
    digits = str(count)
    return f"{count:,}" if len(digits) <= EXACT else f"{digits[0]}.{digits[1:16]}e{len(digits) - 1}"


def line(path: Path) -> str:
    """Return what is recorded of one example."""
    space = load(path)
    return f"{path.stem:<15} {members(space.count()):>34} {space.hash}"


def recorded() -> dict[str, str]:
    """Return the recorded lines by name."""
    return {text.split()[0]: text for text in RECORDED.read_text(encoding="utf-8").splitlines() if text[:1] != "#"}


def main() -> None:
    about = "# example, members (constraints not considered), hash; written by `python -m tests.gallery.record`\n"
    RECORDED.write_text(about + "".join(f"{line(path)}\n" for path in EXAMPLES), encoding="utf-8")


if __name__ == "__main__":
    main()
