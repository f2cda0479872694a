"""The layers that a file may use: the language's, and those of packages that its layers name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.typed import ir
from smashdsl.ops import LAYERS, LayerOp, ShapeError, find

FLAGS = ("true", "false")


class LayerTable:
    """Layers by name, for one file.

    A package is only imported when the file uses, as a layer, a name that neither the language nor the file declares;
    what is wrong with the package is told where it does.
    """

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.known: dict[str, LayerOp] = dict(LAYERS)
        self.faulty: set[str] = set()

    def load(self, tree: s.File, declared: set[str]) -> None:
        """Ask for all layers of a file beforehand, for their arguments and words are names of the language too."""
        nodes = list(_nodes(tree))
        lets = {name.id for node in nodes if isinstance(node, s.Let) for name in node.names}
        for node in nodes:
            if isinstance(node, s.Layer) and node.name.id not in declared | lets:
                self.find(node.name)

    def find(self, name: s.Name) -> LayerOp | None:
        """Return the layer of a name, or None; what is wrong with its package is told once."""
        if name.id not in self.known and name.id not in self.faulty:
            try:
                op = find(name.id)
            except ShapeError as error:
                self.faulty.add(name.id)
                self.sink.error(error.code, error.message, name.span, help=error.help)
                return None
            if op is not None:
                self.known[name.id] = op
        return self.known.get(name.id)

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that an argument of some layer takes."""
        return (*dict.fromkeys(word for op in self.known.values() for arg in op.args for word in arg.words), *FLAGS)

    @property
    def argument_names(self) -> frozenset[str]:
        return frozenset(arg.name for op in self.known.values() for arg in op.args)

    def candidates(self) -> set[str]:
        """Return the names that may have been meant."""
        from smashdsl.ops.plugins import names

        return {*self.known, *names()}

    def foreign(self, used: set[str]) -> tuple[ir.Foreign, ...]:
        """Return the layers of packages among those used."""
        return tuple(ir.Foreign(name, op.version) for name in sorted(used) if (op := self.known[name]).version)


def _nodes(node: Any) -> Iterator[s.Node]:
    """Yield all nodes of a tree in the order of the text."""
    stack = [node]
    while stack:
        item = stack.pop()
        if isinstance(item, tuple):
            stack.extend(reversed(item))
        elif isinstance(item, s.Node):
            yield item
            stack.extend(getattr(item, name) for name in reversed(item.__slots__))
