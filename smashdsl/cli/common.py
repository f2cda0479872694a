"""Arguments and renderings that several commands share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smashdsl.errors import UsageError, UserError

if TYPE_CHECKING:
    from smashdsl.api import Space
    from smashdsl.lang.text.diagnostics import Diagnostic
    from smashdsl.lang.text.source import Source, Sources
    from smashdsl.space.architecture import Architecture

EXACT_DIGITS = 30


def add_space(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a space."""
    parser.add_argument("file", metavar="FILE", help="a `.smash` file")
    add_params(parser)


def add_params(parser: argparse.ArgumentParser) -> None:
    """Add `--set`."""
    parser.add_argument(
        "--set", metavar="NAME=VALUE", action="append", default=[], dest="params", help="set a param of the file"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON for programs")


def add_architecture(parser: argparse.ArgumentParser) -> None:
    """Add the two ways to say which architecture is meant."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--seed", type=seed, default=0, help="draw the architecture with this seed (default 0)")
    group.add_argument("--arch", metavar="A.json", help="the architecture in this file")


def seed(text: str) -> int:
    """Parse a seed."""
    return whole(text, 0)


def positive(text: str) -> int:
    """Parse a number from 1."""
    return whole(text, 1)


def whole(text: str, low: int) -> int:
    """Parse a whole number from ``low``."""
    try:
        number = int(text)
    except ValueError:
        number = low - 1
    if number < low or number >= 2**63:
        raise argparse.ArgumentTypeError(f"`{text}` is not a whole number from {low}")
    return number


def fraction(text: str) -> float:
    """Parse a positive number."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"`{text}` is not a positive number")
    return number


def params(args: argparse.Namespace) -> dict[str, str]:
    """Return what `--set` gives."""
    found = {}
    for item in args.params:
        name, equal, value = item.partition("=")
        if not equal or not name.strip() or not value.strip():
            raise UsageError(f"`--set {item}` is not NAME=VALUE")
        found[name.strip()] = value.strip()
    return found


def spec_files(names: Sequence[str]) -> list[str]:
    """Return the files that are named and the `.smash` files of folders, each once; raises `UserError` for no files."""
    found: list[str] = []
    for name in names:
        inside = sorted(str(path) for path in Path(name).rglob("*.smash")) if Path(name).is_dir() else [name]
        if not inside:
            raise UserError(f"`{name}` holds no `.smash` files")
        found += inside
    return list(dict.fromkeys(found))


def spec_text(file: str) -> Source:
    """Return the text of a spec by its path, or what comes in over stdin for `-`."""
    from smashdsl.lang.text.limits import Limits
    from smashdsl.lang.text.source import decoded, read_source

    if file == "-":
        return decoded("stdin", sys.stdin.buffer.read(), Limits().bytes)
    return read_source(file, Limits().bytes)


def show(sources: Source | Sources, diagnostics: Sequence[Diagnostic], form: str) -> list[dict[str, Any]]:
    """Show what was found in the form that is asked for, and return it as data."""
    from smashdsl.lang.text.render import as_data, concise, render_all

    if form == "concise":
        for diagnostic in diagnostics:
            print(concise(sources, diagnostic))
    elif form == "human" and diagnostics:
        print(render_all(sources, diagnostics), file=sys.stderr)
    return [as_data(sources, diagnostic) for diagnostic in diagnostics]


def load(args: argparse.Namespace) -> Space:
    """Load the space that the arguments name."""
    from smashdsl.api import load as load_space

    return load_space(args.file, params(args))


def architecture(space: Space, args: argparse.Namespace) -> Architecture:
    """Return the architecture that the arguments name."""
    from smashdsl.files import read_json

    if args.arch is None:
        return space.sample(seed=args.seed)
    return space.from_json(read_json(Path(args.arch), "architecture"))


def emit(data: Any) -> None:
    """Print JSON."""
    print(json.dumps(data, indent=2, allow_nan=False))


def count(number: int) -> str:
    """Return a count for people: exact while it can be read, then in powers of ten; `--json` has every digit."""
    digits = str(Decimal(number))
    if len(digits) <= EXACT_DIGITS:
        return f"{number:,}"
    return f"about {digits[0]}.{digits[1:4]}e{len(digits) - 1}"


def exact(number: int) -> int | str:
    """Return a count for programs: a JSON number while every reader keeps it exactly, else its digits as text."""
    return number if number < 2**53 else str(Decimal(number))
