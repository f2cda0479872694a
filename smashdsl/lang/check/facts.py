"""What the analysis of a whole space finds out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from smashdsl.ops import Flow

Value = Any  # an int, float, bool, word, or a tuple of sizes per axis


@dataclass
class Extent:
    """The largest input and weight shapes of one layer in one region over all members."""

    channels: int
    grid: tuple[int, ...]
    weights: dict[str, tuple[int, ...]]
    inits: dict[str, str]
    units_in: int  # greatest common divisors over members, of the generated weight's first two axes
    units_out: int


@dataclass
class Facts:
    """Whole-space facts that later stages rely on.

    ``alphabets``: by template path, every value a decision takes in some member, in order; a set of banks has None.
    ``extents``: by region and template path, the largest sizes of a layer. ``banks``: by template, the most banks.
    ``kinds``: by place where paths meet, what first left it; all that leaves it is of that kind. ``most``: by identity
    of a repeat, of ops or of a read through an op, the most of them. ``sources``: by identity of such a read, the banks
    that may go through its op, as a bit set. ``reshaped``: identities of the writes that leave a bank with another grid
    than at entry. ``count``: the number of architectures, constraints not considered.
    """

    alphabets: dict[str, tuple[Value, ...] | None] = field(default_factory=dict)
    banks: dict[str, int] = field(default_factory=dict)
    most: dict[int, int] = field(default_factory=dict)
    sources: dict[int, int] = field(default_factory=dict)
    reshaped: set[int] = field(default_factory=set)
    extents: dict[tuple[str, str], Extent] = field(default_factory=dict)
    kinds: dict[Any, Flow] = field(default_factory=dict)
    output: Flow | None = None
    count: int = 0
    sites: int = 0
