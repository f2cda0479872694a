"""Print the JSON Schema of what commands read and print: architecture, diagnostics or ir."""

from __future__ import annotations

import argparse

from smashdsl.cli.common import emit
from smashdsl.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="architecture, diagnostics or ir")


def run(args: argparse.Namespace) -> int:
    from smashdsl.lang.schemas import SCHEMAS
    from smashdsl.lang.text.diagnostics import did_you_mean

    if args.name not in SCHEMAS:
        help = did_you_mean(args.name, SCHEMAS) or f"there are {', '.join(SCHEMAS)}"
        raise UsageError(f"there is no schema `{args.name}`", help)
    emit(SCHEMAS[args.name]())
    return 0
