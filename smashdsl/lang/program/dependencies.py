"""Which names of its surroundings a template depends on: what a result may be remembered under."""

from __future__ import annotations

from smashdsl.lang.program import templates as p
from smashdsl.lang.typed import terms


class Dependencies:
    """Computes, once for each node, the names it depends on and whether it touches banks."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[tuple[str, ...], bool]] = {}
        self._all: dict[tuple[tuple[int, ...], tuple[str, ...]], tuple[str, ...]] = {}

    def of(self, node: p.Node) -> tuple[tuple[str, ...], bool]:
        """Return the names a node's value may depend on, in order, and whether it touches banks."""
        found = self._found.get(id(node))
        if found is None:
            names, banks = self._own(node)
            for child in p.children(node):
                inner, touches = self.of(child)
                names.update(inner)
                banks |= touches and not isinstance(node, p.CellUse)
            if banks:
                names.update(("bank", "entry", "last"))
            found = self._found[id(node)] = (tuple(sorted(names)), banks)
        return found

    def of_all(self, nodes: p.Seq, *more: str) -> tuple[str, ...]:
        """Return the names that any of some nodes depends on, and further ones."""
        key = (tuple(map(id, nodes)), more)
        found = self._all.get(key)
        if found is None:
            names = {*more, *(name for node in nodes for name in self.of(node)[0])}
            found = self._all[key] = tuple(sorted(names))
        return found

    def _own(self, node: p.Node) -> tuple[set[str], bool]:
        names = {name for argument in p.arguments(node) for name in terms.names(argument.value)}
        if isinstance(node, p.CellUse):
            selections = [node.cell.result] if node.cell.result is not None else []
        elif isinstance(node, p.Read | p.Write):
            selections = [node.banks]
            # a read by attention weighs every bank of the cell, written or not
            weighs = isinstance(node, p.Read) and node.join == "attention"
            if weighs or isinstance(node, p.Write) or node.banks.mode == "listed" or node.banks.pool != "written":
                names.add("banks")
            elif node.join == "attention":
                names.add("banks")  # a learned number for each of them
        else:
            return names, False
        for selection in selections:
            for expr in (*selection.banks, *(() if selection.size is None else (selection.size,))):
                names.update(terms.names(expr))
        return names, not isinstance(node, p.CellUse)
