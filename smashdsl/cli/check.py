"""Check every member of a space: names, shapes, banks, limits. Warnings are shown too, and fail nothing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from smashdsl.cli.common import add_params, count, emit, exact, params


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="`.smash` files")
    add_params(parser)
    parser.add_argument(
        "--format", choices=("human", "concise", "json"), default="human", help="how findings are shown"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")


def run(args: argparse.Namespace) -> int:
    found = [_check(file, args) for file in args.files]
    if args.format == "json":
        emit(found[0] if len(found) == 1 else found)
    return 0 if all(result["ok"] for result in found) else 1


def _check(file: str, args: argparse.Namespace) -> dict[str, Any]:
    """Check one file, show what is found, and return it as data."""
    from smashdsl.lang.compile import compile_source
    from smashdsl.lang.lint.lint import warnings_of
    from smashdsl.lang.text.diagnostics import SmashError
    from smashdsl.lang.text.folder import Folder
    from smashdsl.lang.text.limits import Limits
    from smashdsl.lang.text.render import as_data, concise, render_all
    from smashdsl.lang.text.source import Source, Sources, read_source

    limits = Limits()
    source = read_source(file, limits.bytes)
    number = None
    try:
        compiled = compile_source(source, params(args), limits, reader=Folder(Path(file).parent))
        sources: Source | Sources = compiled.sources
        diagnostics, number = warnings_of(compiled), compiled.facts.count
    except SmashError as error:
        sources, diagnostics = error.sources, error.diagnostics
    if args.format == "concise":
        for diagnostic in diagnostics:
            print(concise(sources, diagnostic))
    elif args.format == "human":
        if diagnostics:
            print(render_all(sources, diagnostics), file=sys.stderr)
        if number is not None:
            architectures = "one architecture" if number == 1 else f"{count(number)} architectures"
            print(f"{file}: space `{compiled.space.name}` is well made: {architectures}")
    return {
        "file": file,
        "ok": number is not None,
        "count": None if number is None else exact(number),
        "diagnostics": [as_data(sources, diagnostic) for diagnostic in diagnostics],
    }
