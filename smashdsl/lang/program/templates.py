"""A space laid out as templates: ops inlined where they are used, loops unrolled, every decision with its path.

Still nothing is decided. A *template path* names a place in the text (`mix.w0.conv.kernel`); a *site path* names one
instance of it in the network (`stage[2].op[3].w0.conv.kernel`) and is a scope's prefix followed by the local path.
Templates compare by identity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import ir
from smashdsl.ops import Flow, LayerOp
from smashdsl.ops.op import Size, product

Weights: TypeAlias = Literal["generated", "shared", "own", "fixed"]
DecisionKind = Literal["value", "choose", "maybe", "subset"]


@dataclass(frozen=True, eq=False, slots=True)
class Decision:
    """One thing a search varies: `template` names its text, `local` its place in the scope that decides it."""

    template: str
    local: str
    kind: DecisionKind
    domain: ir.Choice | ir.Interval | ir.Choose | ir.Maybe | ir.Selection
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Argument:
    """A value to be computed; `decisions` are made first, in order."""

    name: str
    kind: str
    value: ir.Expr
    decisions: tuple[Decision, ...]
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Layer:
    template: str
    local: str
    op: LayerOp
    args: tuple[Argument, ...]
    weights: Weights
    span: Span
    fixed: str = ""  # what a fixed weight is


@dataclass(frozen=True, eq=False, slots=True)
class Scope:
    """A use of an op, or a stem, body, transition or head: formals, then a body."""

    template: str
    local: str
    formals: tuple[Argument, ...]
    body: Seq
    span: Span
    op: str = ""  # the op's name, for `count(NAME)`


@dataclass(frozen=True, eq=False, slots=True)
class Let:
    """Layers that are decided once and whose weights are one set, however often they are used."""

    name: str
    body: Scope


@dataclass(frozen=True, eq=False, slots=True)
class LetUse:
    let: Let
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Combine:
    join: ir.Join
    paths: tuple[Seq, ...]
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Choose:
    decision: Decision
    paths: tuple[Seq, ...]  # of `maybe`: not taken, taken
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Repeat:
    """A path repeated; each iteration is a scope of its own, `local[i]`."""

    template: str
    local: str
    count: Argument
    body: Seq
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Read:
    """A read of banks; each goes through a use of an op of its own, `local[bank]`, where there is one."""

    template: str
    local: str
    banks: ir.Selection
    decision: Decision | None
    through: Scope | None
    join: ir.Join
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Write:
    banks: ir.Selection
    decision: Decision | None
    join: ir.Join
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Ops:
    """Uses of one op, one after another; without a count exactly one.

    With ``spent`` the count is a bound, and ops are added while what is spent compares with it so.
    """

    count: Argument | None
    use: Scope
    span: Span
    spent: Spent | None = None


class Spent(NamedTuple):
    """What a cell or block has spent so far, and how that compares with a bound for one more op to be added."""

    measure: ir.Measure
    comparison: Literal["<", "<="]

    def allows(self, spent: Any, bound: Any) -> Any:
        """Return whether one more op may be added."""
        return spent < bound if self.comparison == "<" else spent <= bound


def measured(cell: Cell) -> tuple[ir.Measure, ...]:
    """Return what the ops of a cell count, each once."""
    return tuple(dict.fromkeys(member.spent.measure for member in cell.members if member.spent is not None))


@dataclass(frozen=True, eq=False, slots=True)
class Cell:
    """Banks and the ops on them; `entry` is followed once for each of the results that enter."""

    template: str
    params: tuple[Argument, ...]
    bank: Argument
    banks: Argument
    members: tuple[Ops, ...]
    result: ir.Selection | None
    inputs: int
    entry: Scope | None
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class CellUse:
    local: str
    cell: Cell
    formals: tuple[Argument, ...]
    tied: bool
    span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """A cell and the transition that follows it, for each of ``instances``."""

    name: str
    index: str | None
    instances: tuple[int, ...]
    cell: Cell
    transition: Scope
    span: Span

    def path(self, position: int) -> str:
        """Return the site path of an instance: `stage[1]`, or `stage` without an index."""
        return f"{self.name}[{self.instances[position]}]" if self.index or len(self.instances) > 1 else self.name


Node: TypeAlias = Layer | Scope | LetUse | CellUse | Combine | Choose | Repeat | Read | Write
Seq: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    space: ir.Space
    params: tuple[Argument, ...]
    stem: Scope
    blocks: tuple[Block, ...]
    body: Scope | None
    head: Scope


def learned(layer: Layer, flow: Flow, args: Mapping[str, Any]) -> Size:
    """Return how many scalars of a layer are learned: a fixed weight is none of them."""
    weights = layer.op.weights(flow, args).items()
    fixed = layer.weights == "fixed"
    return sum(product(weight.shape) for name, weight in weights if not (fixed and name == "weight"))


def wanted(program: Program) -> Flow:
    """Return what must leave the head."""
    space = program.space
    if space.output.name == ir.NEXT_TOKEN:
        return Flow(space.output.size, space.input.grid, tokens=True)
    return Flow(space.output.size, ())


def source(program: Program) -> Flow:
    """Return what the input of the network is."""
    given = program.space.input
    return Flow(given.channels, given.grid, tokens=given.kind == "tokens", raw=given.kind == "tokens")


def home(let: Let) -> str:
    """Return the template of the scope that declares a `let`."""
    return let.body.template.removesuffix(f".{let.name}")


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below a node."""
    match node:
        case Scope() | Repeat():
            yield from node.body
        case LetUse():
            yield node.let.body
        case CellUse():
            if node.cell.entry is not None:
                yield node.cell.entry
            yield from (member.use for member in node.cell.members)
        case Read() if node.through is not None:
            yield node.through
        case Combine() | Choose():
            for path in node.paths:
                yield from path


def nodes(node: Node) -> Iterator[Node]:
    """Yield a node and all that stand below it, once for each place they are used."""
    stack = [node]
    while stack:
        stack.extend(children(top := stack.pop()))
        yield top


def roots(program: Program) -> Iterator[Node]:
    """Yield the scopes that no other node contains."""
    yield program.stem
    for block in program.blocks:
        yield from (member.use for member in block.cell.members)
        yield block.transition
    if program.body is not None:
        yield program.body
    yield program.head


def arguments(node: Node) -> Iterator[Argument]:
    """Yield the arguments of a node itself."""
    match node:
        case Layer():
            yield from node.args
        case Scope():
            yield from node.formals
        case Repeat():
            yield node.count
        case CellUse():
            yield from node.formals
            yield from node.cell.params
            yield node.cell.bank
            yield node.cell.banks
            yield from (member.count for member in node.cell.members if member.count is not None)
