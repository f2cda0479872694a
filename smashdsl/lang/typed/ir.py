"""The typed IR of a space: every name resolved, every constant folded, nothing about layout of the text.

Reading this file is reading the language. A value is an expression; a choice is a value; ops, cells and blocks hold
statements. `TypeAdapter(Space)` validates it from JSON (unknown fields are refused) and gives its JSON Schema. Equality
and hash ignore ``span``, the place in the source that messages point to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

from smashdsl.lang.text.source import NOWHERE, Span
from smashdsl.lang.typed.schema import Matching, Tagged

Identifier = Annotated[str, Matching(r"^[A-Za-z_][A-Za-z0-9_]*$")]


@dataclass(frozen=True, kw_only=True)
class Node:
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - read by pydantic as a plain attribute
    span: Span = field(default=NOWHERE, compare=False, repr=False)


NEXT_TOKEN = "next_token"  # the output that is one vector at each position

Operator: TypeAlias = Literal["+", "-", "*", "/"]
Function: TypeAlias = Literal["min", "max"]
Relation: TypeAlias = Literal["<=", ">=", "==", "<", ">"]
InputKind: TypeAlias = Literal["image", "signal", "volume", "vector", "tokens"]

# -- values -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number(Node):
    value: int | float
    kind: Literal["number"] = "number"


@dataclass(frozen=True)
class Dims(Node):
    values: tuple[int, ...]  # a size per axis: `3x3`
    kind: Literal["dims"] = "dims"


@dataclass(frozen=True)
class Word(Node):
    """One of the words an argument takes: `norm(layer)`, `weights = shared`; also `true` and `false`."""

    value: Identifier
    kind: Literal["word"] = "word"


@dataclass(frozen=True)
class Ref(Node):
    """A formal, an earlier argument, a loop or block index, a param that is a choice, or a context name."""

    name: Identifier
    kind: Literal["ref"] = "ref"


@dataclass(frozen=True)
class Binary(Node):
    op: Operator
    left: Expr
    right: Expr
    kind: Literal["binary"] = "binary"


@dataclass(frozen=True)
class Call(Node):
    function: Function
    args: tuple[Expr, ...]
    kind: Literal["call"] = "call"


@dataclass(frozen=True)
class Choice(Node):
    elements: tuple[Expr, ...]
    weights: tuple[float, ...] | None = None  # relative; uniform without them
    kind: Literal["choice"] = "choice"


@dataclass(frozen=True)
class Interval(Node):
    """One of the numbers from ``low`` to ``high`` in steps, both ends included."""

    low: Expr
    high: Expr
    step: Expr
    kind: Literal["interval"] = "interval"


@dataclass(frozen=True)
class PerAxis(Node):
    """A value per axis: `kernel = [3, {3, 5}]`."""

    items: tuple[Expr, ...]
    kind: Literal["per_axis"] = "per_axis"


@dataclass(frozen=True)
class Count(Node):
    """How many ops of a name the network holds; in `require` only."""

    op: Identifier
    kind: Literal["count"] = "count"


@dataclass(frozen=True)
class Fixed(Node):
    """Weights that are not learned, by the name of what they are; only as the value of `weights`."""

    name: Identifier
    kind: Literal["fixed"] = "fixed"


Expr: TypeAlias = Annotated[
    Number | Dims | Word | Ref | Binary | Call | Choice | Interval | PerAxis | Count | Fixed, Tagged("kind")
]

# -- statements -------------------------------------------------------------------------------

Join: TypeAlias = Literal["concat", "sum", "mean", "max", "product", "attention", "replace"]


@dataclass(frozen=True)
class Argument(Node):
    name: Identifier
    value: Expr


@dataclass(frozen=True)
class Layer(Node):
    """A layer of the op table, its arguments bound to the signature; defaults are left out."""

    op: Identifier
    args: tuple[Argument, ...] = ()
    kind: Literal["layer"] = "layer"


@dataclass(frozen=True)
class Use(Node):
    target: Identifier
    of: Literal["op", "cell", "let"]  # a `let` of the body that the use stands in
    args: tuple[Argument, ...] = ()
    kind: Literal["use"] = "use"


@dataclass(frozen=True)
class Let(Node):
    """Named layers: one set of decisions and of weights each, used wherever the name stands."""

    names: tuple[Identifier, ...]
    body: Statement
    kind: Literal["let"] = "let"


@dataclass(frozen=True)
class Combine(Node):
    """Parallel paths, joined."""

    join: Join
    paths: tuple[Path, ...]
    kind: Literal["combine"] = "combine"


@dataclass(frozen=True)
class Choose(Node):
    """Alternative paths, drawn by ``weights`` (relative), uniformly without them."""

    paths: tuple[Path, ...]
    weights: tuple[float, ...] | None = None
    kind: Literal["choose"] = "choose"


@dataclass(frozen=True)
class Maybe(Node):
    path: Path
    probability: float = 0.5  # of the path's being taken
    kind: Literal["maybe"] = "maybe"


@dataclass(frozen=True)
class Repeat(Node):
    count: Expr
    path: Path
    kind: Literal["repeat"] = "repeat"


Pool: TypeAlias = Literal["written", "banks", "fresh", "reachable"]


@dataclass(frozen=True)
class Selection(Node):
    """Which banks: listed ones, what the op before wrote, all of a pool, some, or a number of them."""

    mode: Literal["listed", "last", "all", "some", "sized"]
    pool: Pool = "written"
    size: Expr | None = None
    banks: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Read(Node):
    """Banks joined; with ``through``, each of them after a use of an op of its own."""

    banks: Selection
    join: Join = "concat"
    through: Use | None = None
    kind: Literal["read"] = "read"


@dataclass(frozen=True)
class Write(Node):
    banks: Selection
    join: Join = "sum"
    kind: Literal["write"] = "write"


Statement: TypeAlias = Annotated[Layer | Use | Let | Combine | Choose | Maybe | Repeat | Read | Write, Tagged("kind")]
Path: TypeAlias = tuple[Statement, ...]

# -- ops, cells, blocks, the space ------------------------------------------------------------


@dataclass(frozen=True)
class Formal(Node):
    name: Identifier
    default: Expr | None = None


@dataclass(frozen=True)
class Op(Node):
    name: Identifier
    formals: tuple[Formal, ...]
    body: Path


# what ops spend: banks read, banks' worth of channels written, learned scalars, multiply-adds
Measure: TypeAlias = Literal["reads", "units", "params", "flops"]


@dataclass(frozen=True)
class Ops(Node):
    """A number of uses of one op, one after another."""

    count: Expr
    use: Use
    kind: Literal["ops"] = "ops"


@dataclass(frozen=True)
class OpsWhile(Node):
    """Uses of one op, each added while what the cell or block has spent so far is below a bound."""

    measure: Measure
    comparison: Literal["<", "<="]
    bound: Expr
    use: Use
    kind: Literal["ops_while"] = "ops_while"


@dataclass(frozen=True)
class InlineOp(Node):
    body: Path
    kind: Literal["op"] = "op"


@dataclass(frozen=True)
class For(Node):
    """Members repeated for each value of loops that are known before anything is decided."""

    names: tuple[Identifier, ...]
    values: tuple[Expr, ...]
    members: tuple[Member, ...]
    kind: Literal["for"] = "for"


Member: TypeAlias = Annotated[Ops | OpsWhile | InlineOp | For, Tagged("kind")]


@dataclass(frozen=True)
class Cell(Node):
    """Banks and the ops that read and write them, used like a layer.

    The last ``inputs`` results of `body` enter it, each through ``entry``.
    """

    name: Identifier
    formals: tuple[Formal, ...]
    tied: bool
    params: tuple[Param, ...]
    bank_count: Expr
    bank_channels: Expr
    members: tuple[Member, ...]
    result: Selection | None
    inputs: int = 1
    entry: Path = ()


@dataclass(frozen=True)
class Block(Node):
    """A cell with a transition, applied in sequence; ``index`` takes each of ``instances`` in turn."""

    name: Identifier
    index: Identifier | None
    instances: tuple[int, ...]
    params: tuple[Param, ...]
    bank_count: Expr
    bank_channels: Expr
    members: tuple[Member, ...]
    result: Selection | None
    transition: Path


@dataclass(frozen=True)
class Param(Node):
    """A param that is decided: once for the network, or where its cell or block is entered."""

    name: Identifier
    value: Expr


@dataclass(frozen=True)
class Input(Node):
    """What comes in: ``(channels, *grid)``; of `tokens`, ``channels`` is the size of the vocabulary."""

    kind: InputKind
    channels: int
    grid: tuple[int, ...]


@dataclass(frozen=True)
class Output(Node):
    """What comes out: a vector of a size, or by the name `next_token` one at each position of the input."""

    name: Identifier
    size: int


@dataclass(frozen=True)
class Require(Node):
    """A constraint on a measure of the whole network, or on how often an op is used."""

    left: Expr
    comparison: Relation
    right: Expr


@dataclass(frozen=True)
class Foreign(Node):
    """A layer that no part of the language is, and what its author calls its present meaning."""

    name: Identifier
    version: str


@dataclass(frozen=True)
class Space(Node):
    name: Identifier
    input: Input
    output: Output
    params: tuple[Param, ...]
    ops: tuple[Op, ...]
    cells: tuple[Cell, ...]
    stem: Path
    blocks: tuple[Block, ...]
    body: Path
    head: Path
    requires: tuple[Require, ...]
    foreign: tuple[Foreign, ...] = ()
    version: Literal[1] = 1
