"""Warnings that the text alone shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from smashdsl.lang.lint.edits import text_of, unwrapped, walk, without_statement
from smashdsl.lang.lint.needless import needless_arguments
from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.grammar import lex, span_of
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.text.source import Source, Span

IDEMPOTENT = frozenset({"relu"})  # applied twice they do what they do once
CLOSES = frozenset({"RBRACE", "BAR"})


def warnings(source: Source, tree: s.File) -> Iterator[Diagnostic]:
    """Yield what can be said of a text by its words, each with its fix where it has one."""
    nodes = list(walk(tree))
    # an index or a loop runs over a range, also over one of a single number
    indices = {node.values.span for node in nodes if isinstance(node, s.Loop)}
    indices |= {node.instances.span for node in nodes if isinstance(node, s.BlockDef) and node.instances is not None}
    fix: tuple[Edit, ...]
    for node in nodes:
        match node:
            case s.Seq():
                yield from _of_path(source, node)
            case s.OpDef() | s.CellDef():
                yield from _unused_formals(node)
            case s.Choose():
                yield from _of_choose(source, node)
            case s.SetOf():
                yield from _of_set(source, node)
            case s.Range() if node.low == node.high and node.span not in indices:
                fix = (Edit(node.span, text_of(source, node.low.span)),)
                yield Diagnostic("SD1005", "this range holds one number", node.span, help="write the number", fix=fix)
            case s.Repeat() if node.count == s.Number(1):
                fix = unwrapped(source, node.span.start, node.path.span) if node.path.statements else ()
                help = "write what it holds alone"
                yield Diagnostic("SD1006", "`repeat 1` repeats nothing", node.span, help=help, fix=fix)
    yield from needless_arguments(tree, nodes)
    yield from _semicolons(source)


def _of_path(source: Source, path: s.Seq) -> Iterator[Diagnostic]:
    before: s.Node | None = None
    others = any(not _is_identity(statement) and not isinstance(statement, s.Let) for statement in path.statements)
    kept = None if others else next((statement for statement in path.statements if _is_identity(statement)), None)
    yield from _of_lets(source, path)
    for statement in path.statements:
        if _is_identity(statement) and statement is not kept:
            fix = (without_statement(source, path, statement),)
            yield Diagnostic("SD1007", "`identity` changes nothing here", statement.span, help="drop it", fix=fix)
        elif isinstance(statement, s.Layer) and statement.name.id in IDEMPOTENT and statement == before:
            message = f"`{statement.name.id}` twice does what one does"
            yield Diagnostic("SD1008", message, statement.span, help="drop one")
        before = statement


def _is_identity(statement: s.Node) -> bool:
    return isinstance(statement, s.Layer) and statement.name.id == "identity"


def _of_lets(source: Source, path: s.Seq) -> Iterator[Diagnostic]:
    if not any(isinstance(statement, s.Let) for statement in path.statements):
        return
    used: set[str] = set()  # after the statement
    for statement in reversed(path.statements):
        if isinstance(statement, s.Let):
            yield from _of_let(source, path, statement, used)
        used |= {node.name.id for node in walk(statement) if isinstance(node, s.Layer)}


def _of_let(source: Source, path: s.Seq, let: s.Let, used: set[str]) -> Iterator[Diagnostic]:
    names = let.names
    for k, name in enumerate(names):
        if name.id in used:
            continue
        if not any(other.id in used for other in names):
            fix = without_statement(source, path, let)  # the same for each name, so it is made once
        elif k:
            fix = Edit(Span(names[k - 1].span.end, name.span.end), "")
        else:
            fix = Edit(Span(name.span.start, names[1].span.start), "")
        message = f"layer `{name.id}` of this `let` is never used"
        yield Diagnostic("SD1002", message, name.span, help="drop it", fix=(fix,))


def _unused_formals(node: s.OpDef | s.CellDef) -> Iterator[Diagnostic]:
    nodes = list(walk(node))
    declared = {id(formal.name) for formal in node.formals}
    named = {id(argument.name) for argument in nodes if isinstance(argument, s.Argument)}
    used = {name.id for name in nodes if isinstance(name, s.Name) and id(name) not in declared | named}
    for formal in node.formals:
        if formal.name.id not in used:
            message = f"`{node.name.id}` never uses its formal `{formal.name.id}`"
            yield Diagnostic("SD1003", message, formal.name.span)


def _of_choose(source: Source, node: s.Choose) -> Iterator[Diagnostic]:
    seen: set[s.Seq] = set()
    for alternative in node.alternatives:
        if alternative.path in seen:
            span = alternative.span if alternative.path.statements else node.span
            help = "give one alternative a larger weight"
            yield Diagnostic("SD1004", "an equal alternative stands before this one", span, help=help)
        seen.add(alternative.path)
    starts = [a.path.statements[0].span.start if a.path.statements else None for a in node.alternatives]
    cuts = _weight_cuts(source, [alternative.weight for alternative in node.alternatives], starts, before=True)
    yield from _equal_weights([a.weight for a in node.alternatives], node.span, "alternatives", cuts)


def _of_set(source: Source, node: s.SetOf) -> Iterator[Diagnostic]:
    if len(node.elements) == 1:
        fix = (Edit(node.span, text_of(source, node.elements[0].value.span)),)
        yield Diagnostic("SD1012", "this choice has one element", node.span, help="write the element", fix=fix)
        return
    weights = [element.weight for element in node.elements]
    cuts = _weight_cuts(source, weights, [element.value.span.end for element in node.elements], before=False)
    yield from _equal_weights(weights, node.span, "elements", cuts)


def _weight_cuts(
    source: Source, weights: Sequence[s.Expr | None], ends: Sequence[int | None], before: bool
) -> tuple[Edit, ...]:
    """Return the edits that drop weights with their `:`, up to what they weigh; none where that is not seen whole."""
    cuts = []
    for weight, end in zip(weights, ends, strict=True):
        if weight is None or end is None:
            return ()
        cut = Span(weight.span.start, end) if before else Span(end, weight.span.end)
        if "#" in text_of(source, cut):
            return ()
        cuts.append(Edit(cut, ""))
    return tuple(cuts)


def _equal_weights(
    weights: Sequence[s.Expr | None], span: Span, what: str, fix: tuple[Edit, ...]
) -> Iterator[Diagnostic]:
    first = weights[0]
    if len(weights) > 1 and isinstance(first, s.Number) and all(weight == first for weight in weights):
        message = f"all {what} have one weight, which they have without weights too"
        yield Diagnostic("SD1009", message, span, help="drop the weights", fix=fix)


def _semicolons(source: Source) -> Iterator[Diagnostic]:
    """Yield each `;` after which a line or a path ends."""
    for token, after in pairwise(lex(source.text)):
        if token.type != "SEMICOLON":
            continue
        ends_line = "\n" in source.text[token.end_pos : after.start_pos]
        if ends_line or after.type in CLOSES:
            fix = (Edit(span_of(token), ""),)
            where = "at the end of a path" if after.type in CLOSES else "at the end of a line"
            yield Diagnostic("SD1013", f"`;` {where} separates nothing", span_of(token), help="drop it", fix=fix)
