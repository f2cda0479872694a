"""Warn of what can hardly be meant: exit code 1 when anything is found."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smashdsl.cli.common import emit, spec_files

if TYPE_CHECKING:
    from smashdsl.lang.text.diagnostics import Diagnostic
    from smashdsl.lang.text.source import Source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="`.smash` files, or folders of them")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended without changing the space")
    parser.add_argument(
        "--format", choices=("human", "concise", "json"), default="human", help="how findings are shown"
    )


def run(args: argparse.Namespace) -> int:
    found = [_lint(file, args) for file in spec_files(args.files)]
    if args.format == "json":
        emit(found[0] if len(found) == 1 else found)
    return 0 if all(result["ok"] for result in found) else 1


def _lint(file: str, args: argparse.Namespace) -> dict[str, Any]:
    """Lint one file, show what is found, and return it as data."""
    from smashdsl.lang.lint import lint
    from smashdsl.lang.text.diagnostics import SmashError
    from smashdsl.lang.text.folder import Folder
    from smashdsl.lang.text.limits import Limits
    from smashdsl.lang.text.render import as_data, concise, render_all
    from smashdsl.lang.text.source import Sources, read_source

    source = read_source(file, Limits().bytes)
    sources: Source | Sources = source
    try:
        diagnostics = lint(source, reader=Folder(Path(file).parent))
        if args.fix and any(warning.fix for warning in diagnostics):
            source, diagnostics = _mend(source, diagnostics)
            sources = source
    except SmashError as error:
        sources, diagnostics = error.sources, error.diagnostics
    if args.format == "concise":
        for diagnostic in diagnostics:
            print(concise(sources, diagnostic))
    elif args.format == "human" and diagnostics:
        print(render_all(sources, diagnostics), file=sys.stderr)
    return {
        "file": file,
        "ok": not diagnostics,
        "count": None,
        "diagnostics": [as_data(sources, diagnostic) for diagnostic in diagnostics],
    }


def _mend(source: Source, warnings: tuple[Diagnostic, ...]) -> tuple[Source, tuple[Diagnostic, ...]]:
    """Write the text with its fixes and return it with what is left; raises `UserError` if the space would change."""
    from smashdsl.errors import UserError
    from smashdsl.files import write_text
    from smashdsl.lang.compile import compile_source
    from smashdsl.lang.lint import fixed, lint
    from smashdsl.lang.text.folder import Folder
    from smashdsl.lang.text.source import Source
    from smashdsl.lang.typed.identity import space_hash

    reader = Folder(Path(source.name).parent)
    after = Source(source.name, fixed(source, warnings))
    if any(warning.code != "SD1010" for warning in warnings if warning.fix):
        hashes = {space_hash(compile_source(text, reader=reader).space) for text in (source, after)}
        if len(hashes) > 1:
            raise UserError(f"the fixes would change the space of `{source.name}`, so none is made")
    write_text(Path(source.name).resolve(), after.text)
    return after, lint(after, reader=reader)
