"""`smashdsl COMMAND`: exit code 0 is ok, 1 a wrong input, 2 a wrong call, 3 a fault of this program, 130 stopped."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import smashdsl
from smashdsl.cli import (
    check,
    compile,
    decode,
    diff,
    draw,
    ebnf,
    encode,
    explain,
    fmt,
    info,
    lint,
    lsp,
    retrain,
    sample,
    schema,
    search,
    train,
)
from smashdsl.errors import UserError

COMMANDS = (
    check,
    fmt,
    diff,
    explain,
    info,
    lint,
    sample,
    encode,
    decode,
    compile,
    draw,
    train,
    search,
    retrain,
    lsp,
    ebnf,
    schema,
)
BUG = 3
STOPPED = 130
GONE = 141  # what a shell shows for a program that writes to a closed pipe


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"error: {message}\n  = help: `{self.prog} --help` shows what it takes", file=sys.stderr)
        raise SystemExit(2)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = _Parser(prog="smashdsl", description="Search spaces in `.smash` files: checked, compiled, searched.")
    top.add_argument("--version", action="version", version=f"smashdsl {smashdsl.__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        summary = (command.__doc__ or "").strip().splitlines()[0]
        sub = commands.add_parser(name, help=summary, description=command.__doc__)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    args = parser().parse_args(argv)
    try:
        code = _run(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # whoever read our output has gone; Python would complain again when it closes stdout
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return GONE


def _run(args: argparse.Namespace) -> int:
    try:
        code: int = args.run(args)
        return code
    except UserError as error:
        text = str(error)
        print(text if text.startswith(("error[", "warning[")) else f"error: {text}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        raise
    except Exception:
        traceback.print_exc()
        version = smashdsl.__version__
        print(f"\nthis is a fault of smashdsl {version}, not of yours; please report the lines above", file=sys.stderr)
        return BUG


if __name__ == "__main__":
    sys.exit(main())
