"""Draw an architecture as an SVG picture: banks are lanes, and ops read and write them."""

from __future__ import annotations

import argparse
from pathlib import Path

import smashdsl.cli.common as common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_space(parser)
    common.add_architecture(parser)
    parser.add_argument("--out", metavar="P.svg", help="where the picture goes; standard output without it")


def run(args: argparse.Namespace) -> int:
    from smashdsl.errors import UsageError
    from smashdsl.files import write_text
    from smashdsl.report.picture import draw

    if args.out is not None and Path(args.out).suffix.lower() not in {"", ".svg"}:
        raise UsageError(f"`{args.out}` can't be written: a picture is an SVG file", "let its name end in `.svg`")
    space = common.load(args)
    picture = draw(common.architecture(space, args))
    if args.out is None:
        print(picture)
    else:
        write_text(Path(args.out), picture)
    return 0
