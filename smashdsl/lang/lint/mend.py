"""A text mended by the fixes of its warnings, in rounds, each of them checked."""

from __future__ import annotations

from collections.abc import Sequence

from smashdsl.lang.compile import STAND_IN, compile_source
from smashdsl.lang.lint.edits import fixed
from smashdsl.lang.lint.lint import lint
from smashdsl.lang.text.diagnostics import Diagnostic, SmashError
from smashdsl.lang.text.folder import Reader
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed.identity import space_hash

# fixes after which decisions have other names or domains, or less to decide: the networks are the same
RENAMING = frozenset({"SD1005", "SD1006", "SD1009", "SD1012"})
MOST_ROUNDS = 100
Kept = tuple[int, str]  # what fixes keep: the number of members, and of a space whose hash is kept, its hash


def mended(
    source: Source, renaming: bool = False, limits: Limits | None = None, reader: Reader | None = None
) -> tuple[Source, tuple[Diagnostic, ...]]:
    """Return a text with every fix made that keeps the hash of its space, and the warnings that are left.

    With ``renaming`` also those after which decisions have other names; the number of members stays. A fix that would
    change more, or make the text wrong, is left out. Raises `SmashError` for a text that is wrong.
    """
    limits = limits or Limits()
    warnings = lint(source, limits, reader)
    refused: set[tuple[str, str]] = set()  # by code and text
    for _ in range(MOST_ROUNDS):
        safe = [w for w in warnings if w.fix and w.code not in RENAMING and _key(source, w) not in refused]
        loose = [w for w in warnings if w.fix and w.code in RENAMING and _key(source, w) not in refused]
        chosen = safe or (loose if renaming else [])
        if not chosen:
            break
        after = _made(source, chosen, bool(safe), limits, reader)
        if after is None:
            # one of them does not hold: each by itself, and none of those again
            after = source
            for warning in chosen:
                made = _made(source, [warning], bool(safe), limits, reader)
                if made is not None:
                    after = made
                    break
                refused.add(_key(source, warning))
        if after is not source:
            source, warnings = after, lint(after, limits, reader)
    return source, warnings


def _key(source: Source, warning: Diagnostic) -> tuple[str, str]:
    return warning.code, repr([(source.text[e.span.start : e.span.end], e.text) for e in warning.fix])


def _made(
    source: Source, warnings: Sequence[Diagnostic], same_hash: bool, limits: Limits, reader: Reader | None
) -> Source | None:
    """Return the text with fixes, None where they would make it wrong or change the space."""
    after = Source(source.name, fixed(source, warnings))
    try:
        before, now = (_kept(text, same_hash, limits, reader) for text in (source, after))
    except SmashError:
        return None
    return after if before == now and after.text != source.text else None


def _kept(source: Source, same_hash: bool, limits: Limits, reader: Reader | None) -> Kept:
    """Return what fixes must keep; of a text without a space, that it can be imported is all that shows."""
    try:
        compiled = compile_source(source, limits=limits, reader=reader)
    except SmashError as error:
        if [d.code for d in error.diagnostics] != ["SD0107"]:
            raise
        compiled = compile_source(Source(source.name, source.text + STAND_IN), limits=limits, reader=reader)
    return compiled.facts.count, space_hash(compiled.space) if same_hash else ""
