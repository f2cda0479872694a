"""Whether values are of the kinds that signatures ask for, as far as that shows before anything is decided."""

from __future__ import annotations

from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import ir

KINDS = {
    "size": "a whole number",
    "axes": "a size such as `3` or `3x3`",
    "number": "a number",
    "flag": "`true` or `false`",
}


def is_kind(value: ir.Expr, kind: str, what: str, span: Span, sink: Sink) -> bool:
    """Return whether a value may be of a kind; report it, as ``what``, when it can't."""
    match value:
        case ir.Choice():
            return all(is_kind(element, kind, what, span, sink) for element in value.elements)
        case ir.PerAxis():
            good = kind == "axes" and all(is_kind(item, "size", what, span, sink) for item in value.items)
        case ir.Dims():
            good = kind == "axes"
        case ir.Word():
            good = kind in {"word", "flag"}
        case ir.Number():
            good = kind == "number" or (kind in {"size", "axes"} and isinstance(value.value, int))
        case ir.Ref():
            good = True
        case _:
            good = kind in {"size", "axes", "number"}
    if not good:
        sink.error("SD0201", f"{what} must be {KINDS.get(kind, 'one of its words')}", value.span or span)
    return good
