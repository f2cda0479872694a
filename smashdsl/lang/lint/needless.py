"""Arguments that say what holds without them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.typed.aliases import without
from smashdsl.ops import LAYERS, Arg

Default = int | float | str | bool | None


def needless_arguments(tree: s.File, nodes: Sequence[s.Node]) -> Iterator[Diagnostic]:
    """Yield a warning for each argument that is its default, written out; what only an import shows is not told."""
    formals = {node.name.id: node.formals for node in nodes if isinstance(node, s.OpDef | s.CellDef)}
    # a word of a layer that is also a name may mean something else
    names = {node.name.id for node in nodes if isinstance(node, s.Param | s.Formal | s.Loop)}
    names |= {node.index.id for node in nodes if isinstance(node, s.BlockDef) and node.index is not None}
    imports = any(isinstance(item, s.Import) for item in tree.items)
    lets = {name.id for node in nodes if isinstance(node, s.Let) for name in node.names}
    sources = {id(node.through) for node in nodes if isinstance(node, s.Read)}
    for node in nodes:
        if not isinstance(node, s.Layer) or node.name.id in lets or id(node) in sources:
            continue
        if node.name.id in formals:
            signature = [(f.name.id, _number(f.default)) for f in formals[node.name.id]]
        elif node.name.id in LAYERS:
            signature = [_known(arg, names, imports) for arg in LAYERS[node.name.id].args]
        else:
            continue
        yield from _of_use(node, signature)


def _of_use(node: s.Layer, signature: Sequence[tuple[str, Default]]) -> Iterator[Diagnostic]:
    defaults: Mapping[str, Default] = dict(signature)
    for i, argument in enumerate(node.args):
        positional = argument.name is None
        if positional and any(later.name is None for later in node.args[i + 1 :]):
            continue  # without it the next one would take its place
        name = argument.name.id if argument.name is not None else signature[i][0] if i < len(signature) else ""
        default, value = defaults.get(name), _literal(argument.value)
        if default is not None and type(value) is type(default) and value == default:
            message = f"`{name}` of `{node.name.id}` is this without being given"
            yield Diagnostic("SD1011", message, argument.span, help="drop it", fix=(Edit(without(node, i), ""),))


def _literal(node: s.Expr | None) -> Default:
    match node:
        case s.Number():
            return node.value
        case s.Name():
            return {"true": True, "false": False}.get(node.id, node.id)
    return None


def _number(node: s.Expr | None) -> Default:
    """Return the default of a formal if it is a number: a name in it has its meaning where the formal stands."""
    return node.value if isinstance(node, s.Number) else None


def _known(arg: Arg, names: set[str], imports: bool) -> tuple[str, Default]:
    """Return the name and the default of an argument, None where a word might be a name that is declared.

    `channels` written out is no warning either: it says to the reader that they stay.
    """
    word = isinstance(arg.default, str) and arg.kind == "word"
    unsaid = arg.default == "channels" or (word and (imports or arg.default in names))
    return arg.name, None if unsaid else arg.default
