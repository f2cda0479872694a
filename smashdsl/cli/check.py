"""Check every member of a space: names, shapes, banks, limits. Warnings are shown too, and fail nothing."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from smashdsl.cli.common import add_params, count, emit, exact, params, show, spec_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="`.smash` files, or - for stdin")
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
    from smashdsl.lang.text.source import Source, Sources

    limits = Limits()
    source = spec_text(file)
    number = None
    try:
        compiled = compile_source(source, params(args), limits, reader=Folder(Path(file).parent))
        sources: Source | Sources = compiled.sources
        diagnostics, number = warnings_of(compiled), compiled.facts.count
    except SmashError as error:
        sources, diagnostics = error.sources, error.diagnostics
    shown = show(sources, diagnostics, args.format)
    if number is not None and args.format == "human":
        architectures = "one architecture" if number == 1 else f"{count(number)} architectures"
        print(f"{source.name}: space `{compiled.space.name}` is well made: {architectures}")
    number_shown = None if number is None else exact(number)
    return {"file": source.name, "ok": number is not None, "count": number_shown, "diagnostics": shown}
