"""Files named in the text: what an import may name, and where the one at a cursor lies."""

from __future__ import annotations

import os
import re
from pathlib import Path

from smashdsl.lang.text.source import Span
from smashdsl.lsp.project import Project

BEGUN = re.compile(r'^[ \t]*import[ \t]+"([^"\n]*)$')
MOST_LISTED = 200


def imported_at(project: Project, file: str, offset: int) -> str | None:
    """Return the file that the import at a place names, where there is one."""
    document = project.document(file)
    for path, span in [] if document is None else document.outline.imports:
        if span.start <= offset <= span.end:
            target = os.path.normpath(os.path.join(os.path.dirname(file), path))
            return target if project.document(target) is not None else None
    return None


def importable(project: Project, file: str, offset: int) -> tuple[Span, list[str]] | None:
    """Return the files and folders that may be named where an import's path is written, None anywhere else.

    The span is what they replace: the last part of the path.
    """
    document = project.document(file)
    text = "" if document is None else document.text
    begun = BEGUN.match(text[text.rfind("\n", 0, offset) + 1 : offset])
    if begun is None:
        return None
    folder, _, last = begun[1].rpartition("/")
    try:
        found = sorted(Path(os.path.dirname(file), folder).iterdir())[:MOST_LISTED]
        names = [f"{path.name}/" for path in found if path.is_dir() and not path.name.startswith(".")]
        names += [path.name for path in found if path.suffix == ".smash" and path.name != os.path.basename(file)]
    except OSError:
        names = []
    return Span(offset - len(last), offset), names
