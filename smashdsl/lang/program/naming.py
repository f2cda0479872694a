"""Names of sites: siblings of one name get `[k]` in text order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from smashdsl.lang.typed import ir

KEYWORD = {ir.Choose: "choose", ir.Maybe: "maybe", ir.Repeat: "repeat", ir.Read: "read", ir.Write: "write"}


class Namer:
    """Gives the siblings of one scope their names: `conv`, or `conv[0]` and `conv[1]` when there are two."""

    def __init__(self, template: str, local: str, path: ir.Path) -> None:
        self.template, self.local = template, local
        self.total = Counter(_base_names(path))
        self.given: Counter[str] = Counter()

    def name(self, base: str) -> tuple[str, str]:
        """Return the template and the local path of the next sibling of a name."""
        index = self.given[base]
        self.given[base] += 1
        own = base if self.total[base] == 1 else f"{base}[{index}]"
        return below(self.template, own), below(self.local, own)


def below(prefix: str, name: str) -> str:
    """Return the path of a name under a prefix."""
    return f"{prefix}.{name}" if prefix else name


def base_name(statement: ir.Statement) -> str | None:
    """Return the name of a statement's site before siblings are told apart, None where it has none."""
    match statement:
        case ir.Layer():
            return statement.op
        case ir.Use():
            return None if statement.of == "let" else statement.target
    return KEYWORD.get(type(statement))


def _base_names(path: ir.Path) -> Iterator[str]:
    """Yield the names of a scope's sites; alternatives and parallel paths share the scope."""
    for statement in path:
        name = base_name(statement)
        if name is not None:
            yield name
        match statement:
            case ir.Combine() | ir.Choose():
                for inner in statement.paths:
                    yield from _base_names(inner)
            case ir.Maybe():
                yield from _base_names(statement.path)
