"""Check every member of a space: names, shapes, banks, limits."""

from __future__ import annotations

import argparse
import sys

from smashdsl.cli.common import add_space, count, exact, params


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_space(parser)
    parser.add_argument(
        "--format", choices=("human", "concise", "json"), default="human", help="how findings are shown"
    )
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")


def run(args: argparse.Namespace) -> int:
    from smashdsl.lang.compile import compile_source
    from smashdsl.lang.diagnostics import SmashError
    from smashdsl.lang.limits import Limits
    from smashdsl.lang.render import concise, render_all
    from smashdsl.lang.source import read_source

    limits = Limits()
    source = read_source(args.file, limits.bytes)
    try:
        compiled = compile_source(source, params(args), limits)
    except SmashError as error:
        if args.format == "human":
            raise
        if args.format == "json":
            _emit(error, None)
        else:
            print("\n".join(concise(error.source, d) for d in error.diagnostics))
        return 1
    number = compiled.facts.count
    if args.format == "json":
        _emit(None, exact(number), SmashError(source, compiled.warnings))
        return 0
    if compiled.warnings:
        shown = "\n".join(concise(source, d) for d in compiled.warnings)
        print(render_all(source, compiled.warnings) if args.format == "human" else shown, file=sys.stderr)
    architectures = "one architecture" if number == 1 else f"{count(number)} architectures"
    print(f"{args.file}: space `{compiled.space.name}` is well made: {architectures}")
    return 0


def _emit(error: object, number: int | str | None, warnings: object = None) -> None:
    from smashdsl.cli.common import emit
    from smashdsl.lang.diagnostics import SmashError
    from smashdsl.lang.render import as_data

    found = error or warnings
    assert isinstance(found, SmashError)
    emit(
        {
            "ok": error is None,
            "count": number,
            "diagnostics": [as_data(found.source, diagnostic) for diagnostic in found.diagnostics],
        }
    )
