"""What must hold of any input: it is compiled, or told what is wrong, at places that it has."""

from __future__ import annotations

import json

from smashdsl.errors import UserError
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.diagnostics import SmashError
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.render import as_data, concise
from smashdsl.lang.text.source import decoded

# what a compilation may cost follows these limits; with them any input takes a fraction of a second
LIMITS = Limits(states=1_000, sites=1_000)


def tried(data: bytes) -> str:
    """Compile the bytes of a file; return `right`, `wrong`, or `unreadable`. Whatever else happens is a fault."""
    try:
        source = decoded("fuzz.smash", data, LIMITS.bytes)
    except UserError:
        return "unreadable"
    try:
        compiled = compile_source(source, limits=LIMITS)
    except SmashError as error:
        shown(error)
        return "wrong"
    assert compiled.facts.count >= 0
    return "right"


def shown(error: SmashError) -> None:
    """Render what is wrong in each way, and hold what all of it has in common."""
    assert error.diagnostics
    assert len(str(error)) < 40_000
    for diagnostic in error.diagnostics:
        text = concise(error.sources, diagnostic)
        assert "\n" not in text, text
        json.dumps(as_data(error.sources, diagnostic), allow_nan=False)
        edges = [diagnostic.span, *(edit.span for edit in diagnostic.fix), *(label.span for label in diagnostic.others)]
        for span in edges:
            assert 0 <= span.start <= span.end <= len(error.sources.of(span).text) + 1, (diagnostic, span)
