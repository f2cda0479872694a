"""The syntax tree: what the text says, before any name means anything.

Nodes compare equal by content; ``span`` never takes part. The grammar is `grammar/smash.lark`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from smashdsl.lang.text.source import NOWHERE, Span

Operator: TypeAlias = Literal["+", "-", "*", "/"]
Relation: TypeAlias = Literal["<=", ">=", "==", "<", ">"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    span: Span = field(default=NOWHERE, compare=False, repr=False)


def moved(node: Any, span: Span) -> Any:
    """Return a tree whose every node stands at ``span``: for text that is no part of the source."""
    return _respanned(node, lambda _: span)


def in_file(node: Any, file: int) -> Any:
    """Return a tree whose every node stands at the same place in the text of another number."""
    return _respanned(node, lambda span: span._replace(file=file))


def _respanned(node: Any, change: Callable[[Span], Span]) -> Any:
    if isinstance(node, tuple):
        return tuple(_respanned(item, change) for item in node)
    if not isinstance(node, Node):
        return node
    parts = {f.name: _respanned(getattr(node, f.name), change) for f in fields(node) if f.name != "span"}
    return type(node)(**parts, span=change(node.span))


# -- expressions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number(Node):
    value: int | float


@dataclass(frozen=True, slots=True)
class Dims(Node):
    """A size per axis: `3x3`."""

    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Name(Node):
    id: str


@dataclass(frozen=True, slots=True)
class String(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Binary(Node):
    op: Operator
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Call(Node):
    function: Name
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Range(Node):
    """Every number from ``low`` to ``high``, both ends included."""

    low: Expr
    high: Expr
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Element(Node):
    value: Expr
    weight: Expr | None


@dataclass(frozen=True, slots=True)
class SetOf(Node):
    """A choice: `{a, b}` or `{a: 0.3, b: 0.7}`."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    left: Expr
    op: Relation
    right: Expr


Expr: TypeAlias = Number | Dims | Name | String | Binary | Call | Range | SetOf | ListOf

# -- statements of a body ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Argument(Node):
    name: Name | None
    value: Expr


@dataclass(frozen=True, slots=True)
class Layer(Node):
    """A use of a layer, an op, a `let` or a cell."""

    name: Name
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Seq(Node):
    statements: tuple[Statement, ...]
    semicolons: tuple[bool, ...] = field(default=(), compare=False)  # whether `;` follows statement i


@dataclass(frozen=True, slots=True)
class Combine(Node):
    join: Name
    paths: tuple[Seq, ...]


@dataclass(frozen=True, slots=True)
class Alternative(Node):
    weight: Number | Name | None
    path: Seq


@dataclass(frozen=True, slots=True)
class Choose(Node):
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Maybe(Node):
    weight: Number | Name | None
    path: Seq


@dataclass(frozen=True, slots=True)
class Repeat(Node):
    count: Expr
    path: Seq


@dataclass(frozen=True, slots=True)
class Let(Node):
    names: tuple[Name, ...]
    body: Layer | Combine


@dataclass(frozen=True, slots=True)
class Selection(Node):
    kind: Literal["some", "all", "last", "sized"]
    size: Expr | None
    pool: Name | None


@dataclass(frozen=True, slots=True)
class Read(Node):
    selection: Selection
    through: Layer | None
    join: Name | None


@dataclass(frozen=True, slots=True)
class Write(Node):
    selection: Selection
    join: Name | None


Statement: TypeAlias = Layer | Combine | Choose | Maybe | Repeat | Let | Read | Write

# -- members of blocks, cells, spaces and files -----------------------------------------------


@dataclass(frozen=True, slots=True)
class Param(Node):
    name: Name
    value: Expr


@dataclass(frozen=True, slots=True)
class Formal(Node):
    name: Name
    default: Expr | None


@dataclass(frozen=True, slots=True)
class OpDef(Node):
    name: Name
    formals: tuple[Formal, ...]
    body: Seq


@dataclass(frozen=True, slots=True)
class Banks(Node):
    count: Expr
    channels: Expr


@dataclass(frozen=True, slots=True)
class Ops(Node):
    count: Expr
    use: Layer


@dataclass(frozen=True, slots=True)
class OpsWhile(Node):
    """Uses of an op while a comparison of what is spent with a bound holds."""

    condition: Comparison
    use: Layer


@dataclass(frozen=True, slots=True)
class InlineOp(Node):
    body: Seq


@dataclass(frozen=True, slots=True)
class Loop(Node):
    name: Name
    values: Expr


@dataclass(frozen=True, slots=True)
class For(Node):
    loops: tuple[Loop, ...]
    members: tuple[CellMember, ...]


@dataclass(frozen=True, slots=True)
class Inputs(Node):
    count: Expr


@dataclass(frozen=True, slots=True)
class Entry(Node):
    body: Seq


@dataclass(frozen=True, slots=True)
class Transition(Node):
    body: Seq


@dataclass(frozen=True, slots=True)
class Yield(Node):
    selection: Selection


CellMember: TypeAlias = Param | Banks | Ops | OpsWhile | InlineOp | For | Inputs | Entry | Transition | Yield


@dataclass(frozen=True, slots=True)
class CellDef(Node):
    name: Name
    tied: bool
    formals: tuple[Formal, ...]
    members: tuple[CellMember, ...]


@dataclass(frozen=True, slots=True)
class BlockDef(Node):
    name: Name
    index: Name | None
    instances: Expr | None
    members: tuple[CellMember, ...]


@dataclass(frozen=True, slots=True)
class Input(Node):
    kind: Name
    shape: ListOf
    vocabulary: Expr | None


@dataclass(frozen=True, slots=True)
class Output(Node):
    kind: Name
    size: Expr


@dataclass(frozen=True, slots=True)
class Joint(Node):
    """`stem`, `body` or `head`."""

    kind: Literal["stem", "body", "head"]
    body: Seq


@dataclass(frozen=True, slots=True)
class Require(Node):
    condition: Comparison


@dataclass(frozen=True, slots=True)
class SpaceDef(Node):
    name: Name
    members: tuple[SpaceMember, ...]


SpaceMember: TypeAlias = Param | OpDef | CellDef | BlockDef | Input | Output | Joint | Require


@dataclass(frozen=True, slots=True)
class Import(Node):
    path: String


@dataclass(frozen=True, slots=True)
class File(Node):
    version: int
    items: tuple[Import | Param | OpDef | CellDef | SpaceDef, ...]
