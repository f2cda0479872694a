"""Warn of what can hardly be meant, or could be said shorter: exit code 1 when anything is found.

`smashdsl explain CODE` says what a warning means; `# smash: allow CODE` on its line, or alone on the line above,
silences it. Of a file without a space, which others import, it is not told what nothing uses.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smashdsl.cli.common import emit, show, spec_files, spec_text
from smashdsl.errors import UsageError

if TYPE_CHECKING:
    from smashdsl.lang.text.diagnostics import Diagnostic
    from smashdsl.lang.text.source import Source


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="`.smash` files, or folders of them")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="mend the files where the space keeps its hash: runs and checkpoints of it stay of use",
    )
    parser.add_argument(
        "--fix-all",
        action="store_true",
        help="mend also what gives the space another hash, as names of decisions change; its networks stay the same",
    )
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
    from smashdsl.lang.lint.lint import lint
    from smashdsl.lang.text.diagnostics import SmashError
    from smashdsl.lang.text.folder import Folder
    from smashdsl.lang.text.source import Sources

    if file == "-" and (args.fix or args.fix_all):
        raise UsageError("what comes in over stdin can't be mended in place", "name the file")
    source = spec_text(file)
    sources: Source | Sources = source
    try:
        if args.fix or args.fix_all:
            sources, diagnostics = _mend(source, args.fix_all)
        else:
            diagnostics = lint(source, reader=Folder(Path(file).parent))
    except SmashError as error:
        sources, diagnostics = error.sources, error.diagnostics
    shown = show(sources, diagnostics, args.format)
    return {"file": source.name, "ok": not diagnostics, "count": None, "diagnostics": shown}


def _mend(source: Source, renaming: bool) -> tuple[Source, tuple[Diagnostic, ...]]:
    """Write the text with its fixes and return it with what is left."""
    from smashdsl.files import write_text
    from smashdsl.lang.lint.mend import mended
    from smashdsl.lang.text.folder import Folder

    after, left = mended(source, renaming, reader=Folder(Path(source.name).parent))
    if after.text != source.text:
        write_text(Path(source.name).resolve(), after.text)
    return after, left
