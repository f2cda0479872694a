"""Show what two specs differ in: exit code 0 when they are one space, 1 when not, 2 when either is no space."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from smashdsl.cli.common import add_json, add_params, count, emit, params
from smashdsl.errors import UserError

if TYPE_CHECKING:
    from smashdsl.lang.compile import Compiled
    from smashdsl.lang.diff import Difference

DIFFERENT = 1
TROUBLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="A", help="a `.smash` file")
    parser.add_argument("new", metavar="B", help="the `.smash` file that is compared with it")
    add_params(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from smashdsl.lang.diff import as_data, compare

    try:
        old, new = _compiled(args.old, args), _compiled(args.new, args)
    except UserError as error:
        print(error if str(error).startswith("error[") else f"error: {error}", file=sys.stderr)
        return TROUBLE
    difference = compare(old, new)
    if args.json:
        emit(as_data(difference))
    else:
        _show(args, difference)
    return 0 if difference.same else DIFFERENT


def _compiled(file: str, args: argparse.Namespace) -> Compiled:
    from smashdsl.lang.compile import compile_source
    from smashdsl.lang.text.folder import Folder
    from smashdsl.lang.text.limits import Limits
    from smashdsl.lang.text.source import read_source

    limits = Limits()
    return compile_source(read_source(file, limits.bytes), params(args), limits, reader=Folder(Path(file).parent))


def _show(args: argparse.Namespace, difference: Difference) -> None:
    if difference.same:
        print(f"same space: {_members(difference.counts[0])}, hash {difference.hashes[0][:12]}")
        return
    for sign, file, number, name in zip("-+", (args.old, args.new), difference.counts, difference.hashes, strict=True):
        print(f"{sign * 3} {file}: {_members(number)}, hash {name[:12]}")
    for change in difference.parts:
        print("\n".join([f"\n{change.what} {change.how}", *(f"  {line}" for line in change.lines)]))
    if difference.decisions:
        print("\ndecisions")
    for change in difference.decisions:
        values = " -> ".join(line[2:] for line in change.lines)
        print(f"  {change.what} {change.how}: {values}")


def _members(number: int) -> str:
    return "one architecture" if number == 1 else f"{count(number)} architectures"
