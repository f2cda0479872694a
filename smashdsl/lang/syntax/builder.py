"""Lark's reductions as syntax tree nodes: one method per grammar rule.

The nodes are made while Lark parses, so a long expression never recurses here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from lark import Token, Transformer

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.source import NOWHERE, Span

Children = list[Any]
OPERATORS: dict[str, s.Operator] = {sign: sign for sign in get_args(s.Operator)}
RELATIONS: dict[str, s.Relation] = {sign: sign for sign in get_args(s.Relation)}


def _span(children: Children) -> Span:
    spans = [_span_of(child) for child in children if child is not None]
    spans = [span for span in spans if span is not NOWHERE]
    return Span(spans[0].start, spans[-1].end) if spans else NOWHERE


def _span_of(child: Any) -> Span:
    if isinstance(child, Token):
        return Span(child.start_pos or 0, child.end_pos or 0)
    if isinstance(child, list):
        return _span(child)
    span: Span = child.span
    return span


def _nodes(children: Children) -> Children:
    return [child for child in children if isinstance(child, s.Node)]


def _name(token: Token) -> s.Name:
    return s.Name(str(token), span=_span_of(token))


def _names(children: Children) -> list[s.Name]:
    return [_name(child) for child in children if isinstance(child, Token) and child.type == "NAME"]


def _rule(make: Callable[[Children, Span], Any]) -> Callable[[Any, Children], Any]:
    return lambda _self, children: make(children, _span(children))


def _whole(text: str) -> int | float:
    number = float(text)
    if not abs(number) < 2**63:
        return number  # larger than any number may be, and perhaps longer than Python reads
    return int(text) if text.isdigit() else int(number) if number.is_integer() else number


def _block(c: Children, at: Span) -> s.BlockDef:
    index = next((child for child in c if isinstance(child, s.Loop)), None)
    name, values = (None, None) if index is None else (index.name, index.values)
    members = tuple(child for child in _nodes(c) if child is not index)
    return s.BlockDef(_name(c[1]), name, values, members, span=_span(c[:2]))


def _through(name: Token | None, args: Children) -> s.Layer | None:
    return None if name is None else s.Layer(_name(name), _tuple(args), span=_span([name, *args]))


class TreeBuilder(Transformer[Token, s.File]):
    """Builds a `syntax.File` out of the grammar's rules."""

    start = _rule(lambda c, at: s.File(int(c[0].split()[1]), tuple(_nodes(c)), span=at))
    import_ = _rule(lambda c, at: s.Import(s.String(str(c[1])[1:-1], span=_span(c[1:])), span=at))
    param = _rule(lambda c, at: s.Param(_name(c[1]), c[3], span=at))
    op_def = _rule(lambda c, at: s.OpDef(_name(c[1]), _tuple(c[2:-1]), c[-1], span=_span(c[:2])))
    formals = _rule(lambda c, at: Group(_nodes(c), at))
    formal = _rule(lambda c, at: s.Formal(_name(c[0]), c[2], span=at))
    space = _rule(lambda c, at: s.SpaceDef(_name(c[1]), tuple(_nodes(c)), span=_span(c[:2])))
    input = _rule(lambda c, at: s.Input(_name(c[1]), c[2], c[4], span=at))
    output = _rule(lambda c, at: s.Output(_name(c[1]), c[3], span=at))
    stem = _rule(lambda c, at: s.Joint("stem", c[1], span=_span(c[:1])))
    body_member = _rule(lambda c, at: s.Joint("body", c[1], span=_span(c[:1])))
    head = _rule(lambda c, at: s.Joint("head", c[1], span=_span(c[:1])))
    require = _rule(lambda c, at: s.Require(c[1], span=at))
    comparison = _rule(lambda c, at: s.Comparison(c[0], RELATIONS[c[1]], c[2], span=at))

    cell = _rule(
        lambda c, at: s.CellDef(
            _name(c[2]),
            c[0] is not None,
            _tuple([child for child in c if isinstance(child, Group)]),
            tuple(_nodes(c)),
            span=_span(c[:3]),
        )
    )
    block = _rule(_block)
    banks = _rule(lambda c, at: s.Banks(c[1], c[3], span=at))
    ops = _rule(lambda c, at: s.Ops(c[1], s.Layer(_name(c[3]), _tuple(c[4:]), span=_span(c[3:])), span=at))
    ops_while = _rule(lambda c, at: s.OpsWhile(c[2], s.Layer(_name(c[4]), _tuple(c[5:]), span=_span(c[4:])), span=at))
    op_inline = _rule(lambda c, at: s.InlineOp(c[1], span=_span(c[:1])))
    for_ = _rule(
        lambda c, at: s.For(
            tuple(child for child in c if isinstance(child, s.Loop)),
            tuple(child for child in _nodes(c) if not isinstance(child, s.Loop)),
            span=_span(c[:1]),
        )
    )
    loop = _rule(lambda c, at: s.Loop(_name(c[0]), c[2], span=at))
    inputs = _rule(lambda c, at: s.Inputs(c[1], span=at))
    entry = _rule(lambda c, at: s.Entry(c[1], span=_span(c[:1])))
    transition = _rule(lambda c, at: s.Transition(c[1], span=_span(c[:1])))
    yield_ = _rule(lambda c, at: s.Yield(c[1], span=at))

    def index(self, children: Children) -> s.Loop:
        name = s.Name("_") if children[1] is None else _name(children[1])
        return s.Loop(name, children[3], span=_span(children))

    def body(self, children: Children) -> s.Seq:
        seq: s.Seq = children[1]
        return s.Seq(seq.statements, seq.semicolons, span=_span(children))

    def seq(self, children: Children) -> s.Seq:
        statements: list[Any] = []
        semicolons: list[bool] = []
        for child in children:
            if isinstance(child, Token):
                semicolons[-1] = True
            else:
                statements.append(child)
                semicolons.append(False)
        return s.Seq(tuple(statements), tuple(semicolons), span=_span(children))

    let = _rule(lambda c, at: s.Let(tuple(_names(c)), c[-1], span=at))
    read = _rule(lambda c, at: s.Read(c[1], _through(c[3], c[4:-2]), c[-1], span=at))
    write = _rule(lambda c, at: s.Write(c[1], c[-1], span=at))
    layer = _rule(lambda c, at: s.Layer(_name(c[0]), _tuple(c[1:]), span=at))
    args = _rule(lambda c, at: Group(_nodes(c), at))
    named = _rule(lambda c, at: s.Argument(_name(c[0]), c[2], span=at))
    positional = _rule(lambda c, at: s.Argument(None, c[0], span=at))
    combine = _rule(lambda c, at: s.Combine(c[0], tuple(_nodes(c[1:])), span=_span(c[:1])))
    choose = _rule(lambda c, at: s.Choose(tuple(_nodes(c)), span=_span(c[:1])))
    alt = _rule(lambda c, at: s.Alternative(c[0], c[2], span=at))
    maybe = _rule(lambda c, at: s.Maybe(c[1], c[2], span=_span(c[:2])))
    repeat = _rule(lambda c, at: s.Repeat(c[1], c[2], span=_span(c[:2])))

    def join(self, children: Children) -> s.Name:
        return _name(children[0])

    def combiner(self, children: Children) -> s.Name:
        return _name(children[0])

    def pool(self, children: Children) -> s.Name:
        return _name(children[0])

    def weight(self, children: Children) -> s.Number | s.Name:
        token: Token = children[0]
        if token.type == "NAME":
            return _name(token)
        return s.Number(_whole(str(token)), span=_span_of(token))

    some_of = _rule(lambda c, at: s.Selection("some", None, c[2], span=at))
    all_of = _rule(lambda c, at: s.Selection("all", None, c[2], span=at))
    last = _rule(lambda c, at: s.Selection("last", None, None, span=at))
    sized = _rule(lambda c, at: s.Selection("sized", c[0], c[2], span=at))

    range = _rule(lambda c, at: s.Range(c[0], c[2], c[4], span=at))
    binary = _rule(lambda c, at: s.Binary(OPERATORS[c[1]], c[0], c[2], span=at))
    number = _rule(lambda c, at: s.Number(_whole(str(c[0])), span=at))
    dims = _rule(lambda c, at: s.Dims(tuple(int(min(_whole(part), 2**62)) for part in c[0].split("x")), span=at))
    name = _rule(lambda c, at: _name(c[0]))
    string = _rule(lambda c, at: s.String(str(c[0])[1:-1], span=at))
    call = _rule(lambda c, at: s.Call(_name(c[0]), tuple(_nodes(c)), span=at))
    negate = _rule(lambda c, at: s.Binary("-", s.Number(0, span=_span(c[:1])), c[1], span=at))
    set_ = _rule(lambda c, at: s.SetOf(tuple(_nodes(c)), span=at))
    element = _rule(lambda c, at: s.Element(c[0], c[2], span=at))
    list_ = _rule(lambda c, at: s.ListOf(tuple(_nodes(c)), span=at))

    def group(self, children: Children) -> s.Expr:
        inner: s.Expr = children[1]
        return inner


class Group(tuple[Any, ...]):
    """The nodes of a bracketed list, with where the brackets stand."""

    span: Span

    def __new__(cls, nodes: Children, span: Span) -> Group:
        group = super().__new__(cls, nodes)
        group.span = span
        return group


def _tuple(children: Children) -> tuple[Any, ...]:
    return next((tuple(child) for child in children if isinstance(child, Group)), ())
