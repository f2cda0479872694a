"""The arguments of the call that a cursor is in."""

from __future__ import annotations

from typing import NamedTuple

from smashdsl.lsp.binding import LayerArgument, Names
from smashdsl.lsp.hover import argument
from smashdsl.lsp.project import Project
from smashdsl.lsp.scan import at_cursor
from smashdsl.ops import LayerOp


class Signature(NamedTuple):
    """A callee with its arguments; ``active`` is the one at the cursor, None past the last."""

    label: str
    arguments: tuple[str, ...]
    active: int | None
    doc: str = ""


def signature_at(project: Project, file: str, offset: int) -> Signature | None:
    """Return the signature of the innermost call around a cursor, or None outside any."""
    document = project.document(file)
    if document is None:
        return None
    use, names = at_cursor(document.text, document.tokens, offset), project.names(file)
    if use.call is None or not (entries := names.signature(use.call)):
        return None
    shown = tuple(argument(m.arg) if isinstance(m, LayerArgument) else name for name, m in entries)
    current = names.current(use)
    active = None if current is None else [name for name, _ in entries].index(current[0])
    return Signature(f"{use.call.callee}({', '.join(shown)})", shown, active, _doc(names, use.call.callee, use.call.at))


def _doc(names: Names, name: str, at: int) -> str:
    callee = names.callee(name, at)
    return callee.doc if isinstance(callee, LayerOp) else ""
