"""What the compiler has to say about a spec: one record, collected over a whole run."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from smashdsl.errors import UserError
from smashdsl.lang.text.codes import CODES
from smashdsl.lang.text.source import Source, Sources, Span

LONGEST_SHOWN = 80  # letters of a word in a message
LONG_WORD = re.compile(rf"[^\s`]{{{LONGEST_SHOWN + 1},}}")
LONGEST_NAME = 100  # comparing names takes the square of their length


@dataclass(frozen=True)
class Label:
    """A place in the source with a few words about it."""

    span: Span
    text: str = ""


@dataclass(frozen=True)
class Edit:
    """A replacement of the text at ``span``, applied by tools that mend."""

    span: Span
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding: a stable code, one phrase that stands alone, where, why, and the way out.

    ``where`` is the path of the site (`stage[1].op[0]`) and ``when`` the decisions that lead there.
    """

    code: str
    message: str
    span: Span
    label: str = ""
    others: tuple[Label, ...] = ()
    where: str = ""
    when: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    help: str | None = None
    fix: tuple[Edit, ...] = ()

    @property
    def severity(self) -> Literal["error", "warning"]:
        return "warning" if self.code.startswith("SD1") else "error"

    def in_file(self, file: int) -> Diagnostic:
        """Return the same finding in the text of another number."""
        return replace(
            self,
            span=self.span._replace(file=file),
            others=tuple(replace(label, span=label.span._replace(file=file)) for label in self.others),
            fix=tuple(replace(edit, span=edit.span._replace(file=file)) for edit in self.fix),
        )

    def __post_init__(self) -> None:
        assert self.code in CODES, f"undeclared code {self.code}"


class SmashError(UserError):
    """A spec that is wrong, with everything that was found; its text is the rendered diagnostics."""

    def __init__(self, sources: Source | Sources, diagnostics: Iterable[Diagnostic]) -> None:
        from smashdsl.lang.text.render import render_all

        self.sources = sources
        self.diagnostics = tuple(diagnostics)
        super().__init__(render_all(sources, self.diagnostics))


@dataclass
class Sink:
    """Collects the diagnostics of one run; the same code at the same place is told once."""

    sources: Source | Sources
    found: list[Diagnostic] = field(default_factory=list)
    _seen: set[tuple[str, Span]] = field(default_factory=set)

    def add(self, diagnostic: Diagnostic) -> None:
        key = (diagnostic.code, diagnostic.span)
        if key not in self._seen:
            self._seen.add(key)
            message, help = _short(diagnostic.message), _short(diagnostic.help or "") or None
            shown = message == diagnostic.message and help == diagnostic.help
            self.found.append(diagnostic if shown else replace(diagnostic, message=message, help=help))

    def error(
        self, code: str, message: str, span: Span, label: str = "", help: str | None = None, fix: tuple[Edit, ...] = ()
    ) -> None:
        self.add(Diagnostic(code, message, span, label, help=help, fix=fix))

    def annotate(self, since: int, note: str) -> None:
        """Add a note to what was found since there were so many findings."""
        self.found[since:] = [replace(found, notes=(*found.notes, note)) for found in self.found[since:]]

    def unknown(
        self,
        code: str,
        message: str,
        span: Span,
        name: str,
        candidates: Iterable[str],
        otherwise: str | None = None,
        meant: str | None = None,
    ) -> None:
        """Report a name that is none of the candidates, with the one that was ``meant``, or the closest.

        Where none is close, ``otherwise`` is the way out.
        """
        near = meant or closest(name, candidates)
        help = otherwise if near is None else f"did you mean `{near}`?"
        self.error(code, message, span, help=help, fix=() if near is None else (Edit(span, near),))

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self.found)

    def raise_if_failed(self) -> None:
        if self.failed:
            # a warning may only follow from an error: an op is unused because its use is misspelt
            errors = (d for d in self.found if d.severity == "error")
            raise SmashError(self.sources, sorted(errors, key=lambda d: d.span.order))


def _short(text: str) -> str:
    """Return a text in which no word is longer than a message can show."""
    return LONG_WORD.sub(lambda word: f"{word[0][:LONGEST_SHOWN]}…", text) if len(text) > LONGEST_SHOWN else text


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that a name was meant for, or None when none is close.

    A candidate is close when it differs only in case, or in at most a third of its letters (Gleam's rule).
    """
    pool = sorted(set(candidates) - {name})
    for candidate in pool:
        if candidate.lower() == name.lower():
            return candidate
    return next(iter(difflib.get_close_matches(name[:LONGEST_NAME], pool, n=1, cutoff=0.6)), None)


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """Return a help line that names the closest candidate, or None when none is close."""
    near = closest(name, candidates)
    return None if near is None else f"did you mean `{near}`?"
