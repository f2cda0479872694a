"""What an entry of the op table says, and the arithmetic its rules are written in.

Rules work on plain integers (checking, one architecture) and, unchanged, on numpy arrays of one integer per
architecture (sampling and costs in batches). So they never branch on a size: they use `expect`, `least` and `quotient`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

# An integer, or an array of one integer per architecture.
Size = Any
Args = Mapping[str, Any]
Kind = Literal["size", "axes", "number", "flag", "word", "weights", "any"]


About = Literal["channels", "grid", ""]


class ShapeError(Exception):
    """A layer can't take what arrives, with the diagnostic code, and the way out.

    ``about`` says that the `channels` or the `grid` which arrive are what does not fit: whoever made them is told too.
    """

    about: About = ""

    def __init__(self, code: str, message: str, help: str | None = None, about: About = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.about = about


class Flow(NamedTuple):
    """What flows between two layers: ``(channels, *grid)`` for each example of a batch.

    ``tokens``: the grid's one axis is the positions of a sequence. ``raw``: they are whole numbers that no `embedding`
    has taken yet, (length,) for each example, and ``channels`` is how many there are to tell apart.
    """

    channels: Size
    grid: tuple[Size, ...]
    tokens: bool = False
    raw: bool = False

    @property
    def kind(self) -> str:
        """What it is, whatever its sizes, as a phrase; flows of different kinds never meet."""
        if self.tokens:
            return "tokens without an embedding" if self.raw else "tokens"
        return f"a grid of {len(self.grid)} {'axis' if len(self.grid) == 1 else 'axes'}" if self.grid else "a vector"

    def __str__(self) -> str:
        if self.raw:
            return f"tokens[{self.grid[0]}] of {self.channels}"
        return f"{'tokens ' if self.tokens else ''}[{', '.join(str(n) for n in (self.channels, *self.grid))}]"


class Weight(NamedTuple):
    """A tensor that a layer uses: its shape and how training from scratch starts it."""

    shape: tuple[Size, ...]
    init: Literal["kaiming", "small", "ones", "zeros"]


@dataclass(frozen=True)
class Arg:
    """An argument in a layer's signature; without a default it must be given.

    The default ``"channels"`` is what arrives at the layer.
    """

    name: str
    kind: Kind
    default: int | float | str | bool | None = None
    words: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        return self.default is None


class Lowering(Protocol):
    """The part of the graph builder that an entry's lowering sees."""

    mode: str

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Add a call of a module-level function and return its node."""

    def statistics(self) -> tuple[Any, Any]:
        """Return the nodes of the running mean and variance of this layer."""


def _keep(flow: Flow, args: Args) -> Flow:
    return flow


def _no_weights(flow: Flow, args: Args) -> dict[str, Weight]:
    return {}


def _no_macs(flow: Flow, out: Flow, args: Args) -> Size:
    return 0


def _no_statistics(flow: Flow, args: Args) -> bool:
    return False


@dataclass(frozen=True)
class LayerOp:
    """One layer of the language.

    ``shape`` maps what arrives to what leaves and raises `ShapeError`; ``weights`` names the tensors the layer uses;
    ``macs`` counts multiply-adds for one example; ``lower`` adds the layer to a graph. `weights = …` in a spec speaks
    of the tensor named ``weight``. ``mixes``: whether a channel that leaves may come from several that arrive, or from
    one of another number. ``version``: of a layer that a package adds, what its author calls its present meaning.
    """

    name: str
    lower: Callable[[Lowering, Any, Args, Mapping[str, Any]], Any]
    args: tuple[Arg, ...] = ()
    shape: Callable[[Flow, Args], Flow] = _keep
    weights: Callable[[Flow, Args], dict[str, Weight]] = _no_weights
    macs: Callable[[Flow, Flow, Args], Size] = _no_macs
    doc: str = ""
    statistics: Callable[[Flow, Args], bool] = _no_statistics  # whether it normalises with statistics of the batch
    raw: bool = False  # whether it takes tokens as they come in; nothing else does
    mixes: bool = False
    version: str = ""

    @property
    def weighted(self) -> bool:
        return any(arg.kind == "weights" for arg in self.args)


def holds(condition: Any) -> bool:
    """Return whether a condition on integers or on arrays holds everywhere."""
    return condition if isinstance(condition, bool) else bool(condition.all())


def expect(
    condition: Any,
    code: str,
    message: str,
    *values: Any,
    help: str | None = None,
    about: About = "",
) -> None:
    """Raise `ShapeError` unless the condition holds everywhere; the message is only formatted then."""
    if not holds(condition):
        raise ShapeError(code, message.format(*values), help, about)


def least(a: Size, b: Size) -> Size:
    """Return the smaller of two sizes."""
    if isinstance(a, int | float) and isinstance(b, int | float):
        return min(a, b)
    return a * (a < b) + b * (a >= b)


def greatest(a: Size, b: Size) -> Size:
    """Return the larger of two sizes."""
    return -least(-a, -b)


def quotient(a: Size, b: Size) -> Size:
    """Return ``a / b``; of whole numbers it must leave no remainder."""
    expect(b != 0, "SD0202", "{} / {} divides by zero", a, b)
    if _is_fraction(a) or _is_fraction(b):
        return a / b
    expect(a % b == 0, "SD0202", "{} / {} leaves a remainder", a, b, help="`/` must divide exactly")
    return a // b


def _is_fraction(value: Any) -> bool:
    return isinstance(value, float) or getattr(getattr(value, "dtype", None), "kind", "i") == "f"


def axes(value: Any, grid: tuple[Size, ...], what: str) -> tuple[Size, ...]:
    """Return one size per axis of the grid; a single size stands for all axes."""
    if isinstance(value, tuple):
        if len(value) != len(grid):
            message = f"{what} {'x'.join(map(str, value))} has {len(value)} axes, but the grid has {len(grid)}"
            help = "write one number for all axes, or a choice among sizes: `{3, 5}`"
            raise ShapeError("SD0207", message, help, about="grid")
        return value
    return (value,) * len(grid)


def product(sizes: tuple[Size, ...]) -> Size:
    """Return the product of sizes, 1 for none."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result
