"""Lay out specs in the one layout of the language: comments and meaning stay as they are."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from smashdsl.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="`.smash` files, folders of them, or - for stdin")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a file would change")
    parser.add_argument(
        "--diff", action="store_true", help="write nothing; show what would change, and exit with 1 when anything would"
    )


def run(args: argparse.Namespace) -> int:
    from smashdsl.cli.common import spec_files

    if "-" in args.files:
        if len(args.files) > 1:
            raise UsageError("`-` stands alone: stdin is one spec")
        return _one("-", args)
    return max([_one(file, args) for file in spec_files(args.files)], default=0)


def _one(file: str, args: argparse.Namespace) -> int:
    """Format one file; return 1 when it is wrong, or would change and may not."""
    from smashdsl.lang.syntax.format import format_text
    from smashdsl.lang.text.diagnostics import SmashError

    data = sys.stdin.buffer.read() if file == "-" else _bytes(Path(file))
    try:
        text = _right(file, data)
    except SmashError as error:
        print(error, file=sys.stderr)
        return 1
    done = format_text(text)
    changed = done.encode() != data
    if args.diff:
        before, after = data.decode("utf-8").splitlines(keepends=True), done.splitlines(keepends=True)
        for line in difflib.unified_diff(before, after, file, f"{file} (formatted)"):
            sys.stdout.write(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    elif args.check:
        if changed:
            print(f"{file} is not formatted", file=sys.stderr)
    elif file == "-":
        sys.stdout.write(done)
    elif changed:
        _write(Path(file), done)
        print(f"formatted {file}")
    return int(changed and (args.check or args.diff))


def _bytes(path: Path) -> bytes:
    from smashdsl.lang.text.limits import Limits
    from smashdsl.lang.text.source import read_source

    read_source(path, Limits().bytes)  # says what is wrong with a file that can't be read
    return path.read_bytes()


def _right(file: str, data: bytes) -> str:
    """Return the text of a spec; raises `SmashError` where it does not parse."""
    from smashdsl.lang.syntax.parser import parse
    from smashdsl.lang.text.diagnostics import Sink
    from smashdsl.lang.text.limits import Limits
    from smashdsl.lang.text.source import decoded

    limits = Limits()
    source = decoded("stdin" if file == "-" else file, data, limits.bytes)
    sink = Sink(source)
    parse(source, sink, limits)
    sink.raise_if_failed()
    return source.text


def _write(path: Path, text: str) -> None:
    """Write a file whole where it lies, behind links too, with the rights it had."""
    from smashdsl.files import write_text

    path = path.resolve()
    mode = path.stat().st_mode
    write_text(path, text)
    path.chmod(mode & 0o7777)
