"""The front of the compiler in one visible order: parse, resolve, expand, check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from smashdsl.errors import UserError
from smashdsl.lang.check.check import check
from smashdsl.lang.check.facts import Facts
from smashdsl.lang.check.watch import Watch
from smashdsl.lang.program.expand import expand
from smashdsl.lang.program.templates import Program
from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.imports import read_imports
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Diagnostic, Sink
from smashdsl.lang.text.folder import Reader
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import PRELUDE, Source, Sources, Span
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.printer import to_text
from smashdsl.lang.typed.resolve import resolve

ParamValue = int | float | str
# what makes a text that is only imported compile: a space that uses none of it
STAND_IN = "\nspace _space { input vector[1]\n output _output(1)\n head { linear(1) } }"


@dataclass(frozen=True)
class Compiled:
    """A space that is known to be right in every member."""

    sources: Sources
    space: ir.Space
    program: Program
    facts: Facts
    warnings: tuple[Diagnostic, ...]
    limits: Limits = field(default_factory=Limits)

    @property
    def source(self) -> Source:
        """The user's own text."""
        return self.sources.texts[0]

    def standalone(self) -> str:
        """Return a text that compiles alone to this space: the user's own, or the space printed where it imports."""
        return to_text(self.space) if self.sources.imported else self.source.text


def compile_source(
    source: Source,
    params: Mapping[str, ParamValue] | None = None,
    limits: Limits | None = None,
    watch: Watch | None = None,
    reader: Reader | None = None,
) -> Compiled:
    """Compile a source, with params overridden by name; ``watch`` notes the shapes at each place of the text.

    ``reader`` reads the files that it imports; without one it may import none.

    Raises `SmashError` with everything that is wrong.
    """
    limits = limits or Limits()
    sources = Sources([source, _prelude_text()])
    sink = Sink(sources)
    overrides = {name: _param_value(name, value) for name, value in (params or {}).items()}
    tree = parse(source, sink, limits)
    imported = [] if tree is None else read_imports(tree, sources, sink, limits, reader)
    space = None if tree is None or sink.failed else resolve(tree, imported, _prelude(), sink, limits, overrides)
    program = None if space is None else expand(space, sink, limits)
    facts = None
    try:
        facts = None if program is None else check(program, sink, limits, watch)
    except RecursionError:
        message = "ops, paths and formals are nested deeper than can be followed"
        sink.error("SD0401", message, Span(0, len("smash 1")), help="use fewer ops inside ops")
    sink.raise_if_failed()
    assert space is not None
    assert program is not None
    assert facts is not None
    return Compiled(sources, space, program, facts, tuple(sink.found), limits)


@cache
def _prelude_text() -> Source:
    return Source("prelude.smash", files("smashdsl.lang").joinpath("prelude.smash").read_text(encoding="utf-8"))


@cache
def _prelude() -> s.File:
    source = _prelude_text()
    sink = Sink(source)
    tree = parse(source, sink, Limits())
    sink.raise_if_failed()
    prelude: s.File = s.in_file(tree, PRELUDE)
    return prelude


def _param_value(name: str, value: ParamValue) -> s.Expr:
    """Return the expression that `--set NAME=VALUE` gives."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise UserError(f"param `{name}` can't be set to {value!r}", "give a number, or an expression as text")
    if not isinstance(value, str):
        return s.Number(value)
    source = Source(f"--set {name}", f"smash 1\nparam {name} = {value}\n")
    sink = Sink(source)
    tree = parse(source, sink, Limits())
    sink.raise_if_failed()
    if tree is None or len(tree.items) != 1 or not isinstance(tree.items[0], s.Param):
        raise UserError(f"param `{name}` can't be set to `{value}`", "give a number, or an expression as text")
    return tree.items[0].value
