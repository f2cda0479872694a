"""What an op sees of its surroundings: what the outcome of one may be remembered under.

A name that only says how many banks the op's first read takes is seen through those numbers alone: with 40 left to
spend or 20, `read 1..min(written, left) of written` is the same read where 12 banks are written.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from smashdsl.lang.check.decide import Context
from smashdsl.lang.check.pools import values
from smashdsl.lang.program import templates as p
from smashdsl.lang.program.dependencies import Dependencies
from smashdsl.lang.typed import ir, terms
from smashdsl.ops import ShapeError

ALWAYS = ("bank", "banks", "entry", "last")


class _Names(NamedTuple):
    """The names an op depends on; those it depends on beside the number of banks of a read; and that number."""

    whole: tuple[str, ...]
    beside: tuple[str, ...]
    sizes: ir.Choice | ir.Interval | None


class Seen:
    """Keys for what is remembered of ops."""

    def __init__(self, free: Dependencies) -> None:
        self.free = free
        self.names: dict[int, _Names] = {}
        self.keys: dict[Hashable, Hashable] = {}

    def by(self, use: p.Scope, context: Context) -> Hashable:
        """Return what an op sees: equal for surroundings in which its outcome is the same."""
        names = self.names.get(id(use))
        if names is None:
            names = self.names[id(use)] = self._names(use)
        whole = context.only(names.whole)
        if names.sizes is None:
            return whole
        key = (id(use), whole)
        if key not in self.keys:
            try:
                self.keys[key] = (context.only(names.beside), tuple(values(names.sizes, context.env, {})))
            except ShapeError:
                self.keys[key] = whole  # the read tells what is wrong, which may depend on any of the names
        return self.keys[key]

    def _names(self, use: p.Scope) -> _Names:
        whole = self.free.of_all((use,), *ALWAYS)
        read = use.body[0] if use.body else None
        if not isinstance(read, p.Read) or read.through is not None or read.banks.banks:
            return _Names(whole, whole, None)
        size = read.banks.size
        own = {formal.name for formal in use.formals} | {"channels"}
        if not isinstance(size, ir.Choice | ir.Interval) or own.intersection(terms.names(size)):
            return _Names(whole, whole, None)
        formals = {name for formal in use.formals for name in terms.names(formal.value)}
        return _Names(whole, self.free.of_all(use.body[1:], *ALWAYS, *formals), size)
