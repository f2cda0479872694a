"""All warnings of a text, in its order.

A text without a space is for other files to import: nothing is told of what they may use.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from smashdsl.lang.compile import STAND_IN, Compiled, compile_source
from smashdsl.lang.lint import edits, meaning, style
from smashdsl.lang.lint.allow import allowed
from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Diagnostic, Sink
from smashdsl.lang.text.folder import Reader
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source

SLOW = frozenset({"SD1016", "SD1017"})  # what is only told by counting the members again


def lint(source: Source, limits: Limits | None = None, reader: Reader | None = None) -> tuple[Diagnostic, ...]:
    """Return the warnings of a text in its order.

    ``reader`` reads the files that it imports. Raises `SmashError` for a text that is wrong.
    """
    limits = limits or Limits()
    tree = _tree(source, limits)
    if is_library(tree):
        compiled = compile_source(Source(source.name, source.text + STAND_IN), limits=limits, reader=reader)
    else:
        compiled = compile_source(source, limits=limits, reader=reader)
    return _of(source, tree, compiled, slow=True)


def warnings_of(compiled: Compiled) -> tuple[Diagnostic, ...]:
    """Return the warnings of a compiled text that cost little to find: all but those of counting."""
    return _of(compiled.source, _tree(compiled.source, compiled.limits), compiled, slow=False)


def is_library(tree: s.File) -> bool:
    """Return whether a file has no space, and so only what other files import."""
    return not any(isinstance(item, s.SpaceDef) for item in tree.items)


def _tree(source: Source, limits: Limits) -> s.File:
    sink = Sink(source)
    tree = parse(source, sink, limits)
    sink.raise_if_failed()
    assert tree is not None
    return tree


def _of(source: Source, tree: s.File, compiled: Compiled, slow: bool) -> tuple[Diagnostic, ...]:
    found = list(style.warnings(source, tree))
    if not is_library(tree):
        found += _of_compiler(source, tree, compiled)
        found += meaning.of_reach(compiled)
        found += meaning.of_counts(compiled)
        found += meaning.of_constraints(compiled) if slow else ()
    told = allowed(source, found, frozenset() if slow else SLOW)
    return tuple(sorted(told, key=lambda d: d.span.order))


def _of_compiler(source: Source, tree: s.File, compiled: Compiled) -> Iterator[Diagnostic]:
    """Yield the warnings of the compiler, of what nothing uses with the edit that drops it.

    A param that is decided stays: without it the space has fewer members.
    """
    decided = {param.name for param in compiled.space.params}
    kinds = s.Param | s.OpDef | s.CellDef
    declared = {node.name.span: node for node in edits.walk(tree) if isinstance(node, kinds)}
    for warning in compiled.warnings:
        node = declared.get(warning.span)
        if warning.span.file:
            continue
        if node is None:
            yield warning
        elif isinstance(node, s.Param) and node.name.id in decided:
            help = "drop it: it is decided all the same, so the space has fewer members then"
            yield replace(warning, help=help)
        else:
            yield replace(warning, help="drop it", fix=(edits.without_lines(source, node),))
