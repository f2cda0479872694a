"""Syntax tree to typed IR: names bound, arguments matched to signatures, constants folded.

Non-goals: shapes and anything that depends on a decision; `check` does that on the IR. An expression that is wrong
becomes None, and whatever holds a None stays silent, so that one mistake is told once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, Label, Sink, did_you_mean
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import aliases, ir
from smashdsl.lang.typed.cells import Cells
from smashdsl.lang.typed.expressions import Expressions
from smashdsl.lang.typed.layers import LayerTable
from smashdsl.lang.typed.scope import RESERVED, Scope
from smashdsl.lang.typed.statements import Statements
from smashdsl.lang.typed.terms import is_choice
from smashdsl.ops import LAYERS

# the axes of each kind of input, beside its channels; of tokens the length
INPUTS = {"image": 2, "signal": 1, "volume": 3, "vector": 0, "tokens": 1}
KINDS: dict[str, ir.InputKind] = {kind: kind for kind in get_args(ir.InputKind)}
EXAMPLES = {1: "[8]", 2: "[1, 128]", 3: "[3, 32, 32]", 4: "[1, 16, 16, 16]"}  # by the number of sizes
OWN = 0  # the number of the user's own text
Parts = dict[type, list[Any]]


@dataclass
class Definitions:
    """The names that a file declares, by kind."""

    params: dict[str, s.Param] = field(default_factory=dict)
    ops: dict[str, s.OpDef] = field(default_factory=dict)
    cells: dict[str, s.CellDef] = field(default_factory=dict)
    blocks: dict[str, s.BlockDef] = field(default_factory=dict)


def resolve(
    tree: s.File,
    imported: Sequence[s.File],
    prelude: s.File,
    sink: Sink,
    limits: Limits,
    overrides: Mapping[str, s.Expr],
) -> ir.Space | None:
    """Return the IR of a file's space, or None after reporting why there is none.

    All files share one set of names. Of the imported ones the space holds what it uses.
    """
    spaces = [item for item in tree.items if isinstance(item, s.SpaceDef)]
    if len(spaces) != 1:
        where = spaces[1].span if spaces else Span(tree.span.start, tree.span.start + 1)
        many = "more than one space stands in this file" if spaces else "there is no `space` in this file"
        sink.error("SD0107", many, where, help="a file holds one `space NAME { … }`")
        return None
    resolver = _Resolver(sink, limits, overrides)
    resolver.declare_prelude(prelude.items)
    for file in imported:
        resolver.declare(file.items)
    resolver.declare([item for item in tree.items if item is not spaces[0]])
    resolver.declare(spaces[0].members)
    for file in (*imported, tree):
        resolver.layers.load(file, {*resolver.names.ops, *resolver.names.cells})
    space = resolver.space(spaces[0])
    return None if sink.failed else space


class _Resolver:
    def __init__(self, sink: Sink, limits: Limits, overrides: Mapping[str, s.Expr]) -> None:
        self.sink = sink
        self.names = Definitions()
        self.overrides = overrides
        self.prelude: set[str] = set()
        self.layers = LayerTable(sink)
        self.expressions = Expressions(sink, limits, self.layers)
        self.statements = Statements(sink, self.expressions, self.names.ops, self.names.cells)
        self.cells = Cells(sink, self.expressions, self.statements)

    # -- declarations ---------------------------------------------------------------------

    def declare_prelude(self, items: Sequence[s.Node]) -> None:
        for item in items:
            if isinstance(item, s.OpDef):
                self.prelude.add(item.name.id)
                self.names.ops[item.name.id] = item

    def declare(self, items: Sequence[s.Node]) -> None:
        for item in items:
            if isinstance(item, s.Param):
                self._declare(item, item.name, self.names.params)
            elif isinstance(item, s.OpDef):
                self._declare(item, item.name, self.names.ops)
            elif isinstance(item, s.CellDef):
                self._declare(item, item.name, self.names.cells)
            elif isinstance(item, s.BlockDef):
                self._declare(item, item.name, self.names.blocks)

    def _declare(self, item: Any, name: s.Name, table: dict[str, Any]) -> None:
        names = self.names
        tables: tuple[dict[str, Any], ...] = (names.params, names.ops, names.cells, names.blocks)
        earlier = next((declared[name.id] for declared in tables if name.id in declared), None)
        if name.id in RESERVED:
            self.sink.error(
                "SD0102",
                f"`{name.id}` is a name of the language and can't be declared",
                name.span,
                help="choose another name",
            )
        elif name.id in LAYERS:
            help = f"choose another name, such as `my_{name.id}`"
            self.sink.error(
                "SD0102", f"`{name.id}` is a layer of the language and can't be declared", name.span, help=help
            )
        elif earlier is not None and name.id not in self.prelude:
            label = Label(earlier.span, "first declared here")
            message = f"`{name.id}` is declared twice"
            self.sink.add(Diagnostic("SD0102", message, name.span, others=(label,), help="rename or drop one of them"))
        else:
            self.prelude.discard(name.id)
            self.names.ops.pop(name.id, None)
            table[name.id] = item

    # -- the space ------------------------------------------------------------------------

    def space(self, node: s.SpaceDef) -> ir.Space | None:
        parts: Parts = {}
        for member in node.members:
            parts.setdefault(type(member), []).append(member)
        params = self._params()
        input, output = self._input(node, parts), self._output(node, parts)
        if input is not None and output is not None and output.name == ir.NEXT_TOKEN:
            self._next_token(input, output)
        joints = self._joints(parts.get(s.Joint, []))
        if "head" not in joints:
            help = f"add `head {{ global_avg_pool; linear({output.name if output else 'classes'}) }}`"
            self.sink.error("SD0107", f"space `{node.name.id}` has no `head`", node.span, help=help)
        if "body" in joints and s.BlockDef in parts:
            self.sink.error("SD0107", "a space has blocks or a `body`, not both", parts[s.BlockDef][0].span)
        ops = tuple(self._op(op) for op in self.names.ops.values())
        cells = tuple(self.cells.cell(cell) for cell in self.names.cells.values())
        blocks = tuple(self.cells.block(block) for block in parts.get(s.BlockDef, []))
        scope = Scope()
        bodies = {kind: self._joint(kind, joint.body, scope) for kind, joint in joints.items()}
        requires = tuple(self._require(require) for require in parts.get(s.Require, []))
        self._warn_unused(self.expressions.used)
        self._no_recursion(ops, cells)
        if self.sink.failed or input is None or output is None:
            return None
        kept = self._kept()
        return ir.Space(
            node.name.id,
            input,
            output,
            tuple(p for p in params if p is not None and p.name in kept),
            tuple(op for op in ops if op.name in kept),
            tuple(cell for cell in cells if cell is not None and cell.name in kept),
            bodies.get("stem", ()),
            tuple(block for block in blocks if block is not None),
            bodies.get("body", ()),
            bodies.get("head", ()),
            tuple(r for r in requires if r is not None),
            self.layers.foreign(self.statements.used_layers & kept),
            span=node.span,
        )

    def _joint(self, kind: str, body: s.Seq, scope: Scope) -> ir.Path:
        self.statements.in_sequence = kind == "body"
        path = self.statements.path(body, scope, "joint")
        self.statements.in_sequence = False
        return path

    def _params(self) -> list[ir.Param | None]:
        for name in self.overrides:
            if name not in self.names.params:
                help = did_you_mean(name, self.names.params) or "a `param` of the file can be set"
                self.sink.error("SD0101", f"there is no param `{name}` to set", Span(0, 1), help=help)
        choices: list[ir.Param | None] = []
        self.expressions.declared = self.names.params
        for name, param in self.names.params.items():
            # a value from outside has no place in the source: what is wrong with it is told at its param
            given = s.moved(self.overrides[name], param.span) if name in self.overrides else param.value
            told = len(self.sink.found)
            with self.expressions.owned(name):
                value = self.expressions.value(given, Scope())
            if name in self.overrides:
                self.sink.annotate(told, f"`{name}` is set from outside to this, which does not stand here")
            if self.expressions.define(name, value) and value is not None:
                choices.append(ir.Param(name, value, span=param.span))
        return choices

    def _input(self, space: s.SpaceDef, parts: Parts) -> ir.Input | None:
        node = self._single(space, parts, s.Input, "input image[3, 32, 32]")
        if not isinstance(node, s.Input):
            return None
        if node.kind.id not in INPUTS:
            known = "`image`, `signal`, `volume`, `vector` and `tokens`"
            message = f"`{node.kind.id}` is no kind of input"
            meant = aliases.INPUTS.get(node.kind.id.lower())
            meant = meant if meant in INPUTS else None
            self.sink.unknown(
                "SD0101", message, node.kind.span, node.kind.id, INPUTS, f"an input is one of {known}", meant
            )
            return None
        if node.kind.id == "tokens":
            return self._tokens(node)
        if node.vocabulary is not None:
            self.sink.error("SD0201", f"`{node.kind.id}` has no vocabulary: drop `of …`", node.vocabulary.span)
        items = node.shape.items
        if len(items) == 1 and isinstance(items[0], s.Dims):
            right = f"[{', '.join(map(str, items[0].values))}]"
            fix = (Edit(node.shape.span, right),)
            message = "the sizes of an input stand in a list"
            self.sink.error("SD0201", message, node.shape.span, help=f"write `{right}`", fix=fix)
            return None
        sizes = [self.expressions.constant(item, "a size of the input", low=1) for item in items]
        axes = INPUTS[node.kind.id] + 1
        if len(sizes) != axes:
            shape = "[channels" + ", size" * (axes - 1) + "]"
            message = f"`{node.kind.id}` takes {axes} sizes, {shape}; {len(sizes)} stand here"
            self.sink.error("SD0201", message, node.shape.span, help=f"write `input {node.kind.id}{EXAMPLES[axes]}`")
            return None
        if any(size is None for size in sizes):
            return None
        channels, *grid = (int(size) for size in sizes if size is not None)
        return ir.Input(KINDS[node.kind.id], channels, tuple(grid), span=node.span)

    def _tokens(self, node: s.Input) -> ir.Input | None:
        if node.vocabulary is None or len(node.shape.items) != 1:
            message = "`tokens` takes a length and how many tokens there are to tell apart"
            self.sink.error("SD0201", message, node.shape.span, help="write `tokens[LENGTH] of VOCABULARY`")
            return None
        length = self.expressions.constant(node.shape.items[0], "the length of the input", low=1)
        vocabulary = self.expressions.constant(node.vocabulary, "the size of the vocabulary", low=1)
        if length is None or vocabulary is None:
            return None
        return ir.Input("tokens", vocabulary, (length,), span=node.span)

    def _next_token(self, input: ir.Input, output: ir.Output) -> None:
        """Hold an output that foretells the input to what comes in."""
        if input.kind != "tokens":
            message = f"`{ir.NEXT_TOKEN}` foretells tokens, but the input is `{input.kind}`"
            help = "declare `input tokens[LENGTH] of VOCABULARY`, or another output such as `classes(10)`"
            self.sink.error("SD0209", message, output.span, help=help)
        elif output.size != input.channels:
            message = f"`{ir.NEXT_TOKEN}` tells {output.size} tokens apart, but the input has {input.channels}"
            self.sink.error("SD0209", message, output.span, help=f"write `output {ir.NEXT_TOKEN}({input.channels})`")

    def _output(self, space: s.SpaceDef, parts: Parts) -> ir.Output | None:
        node = self._single(space, parts, s.Output, "output classes(10)")
        if not isinstance(node, s.Output):
            return None
        size = self.expressions.constant(node.size, "the size of the output", low=1)
        self.expressions.bind(node.kind, Scope())
        if size is None:
            return None
        self.expressions.define(node.kind.id, ir.Number(int(size), span=node.span))
        self.expressions.used.add(node.kind.id)
        return ir.Output(node.kind.id, int(size), span=node.span)

    def _single(self, space: s.SpaceDef, parts: Parts, kind: type, example: str) -> s.Node | None:
        found = parts.get(kind, [])
        word = kind.__name__.lower()
        if not found:
            self.sink.error("SD0107", f"space `{space.name.id}` has no `{word}`", space.span, help=f"add `{example}`")
            return None
        for extra in found[1:]:
            self.sink.error("SD0107", f"a second `{word}` stands in the space", extra.span)
        first: s.Node = found[0]
        return first

    def _joints(self, nodes: Sequence[s.Node]) -> dict[str, s.Joint]:
        joints: dict[str, s.Joint] = {}
        for node in nodes:
            assert isinstance(node, s.Joint)
            if node.kind in joints:
                first = Label(joints[node.kind].span, "the first")
                message, help = f"a second `{node.kind}` stands in the space", "put all its layers into one"
                self.sink.add(Diagnostic("SD0107", message, node.span, others=(first,), help=help))
            else:
                joints[node.kind] = node
        return joints

    # -- ops, cells, blocks -----------------------------------------------------------------

    def _op(self, node: s.OpDef) -> ir.Op:
        scope = Scope()
        with self.expressions.owned(node.name.id):
            formals = self.cells.formals(node.formals, scope)
            return ir.Op(node.name.id, formals, self.statements.path(node.body, scope, "op"), span=node.span)

    def _require(self, node: s.Require) -> ir.Require | None:
        scope = Scope({"params", "flops", "reads"}, in_require=True)
        self.expressions.counted.clear()
        left = self.expressions.number(node.condition.left, scope, "a constraint's side")
        right = self.expressions.number(node.condition.right, scope, "a constraint's side")
        if left is None or right is None:
            return None
        if is_choice(left) or is_choice(right):
            self.sink.error("SD0201", "a constraint decides nothing: no choice can stand in it", node.span)
        for op, span in self.expressions.counted.items():
            if op in self.names.ops:
                self.expressions.use(op)
            else:
                otherwise = "an op that the file declares can be counted"
                self.sink.unknown("SD0101", f"there is no op `{op}` to count", span, op, self.names.ops, otherwise)
        return ir.Require(left, node.condition.op, right, span=node.span)

    # -- what no single definition shows -----------------------------------------------------

    def _kept(self) -> set[str]:
        """Return the names that the space holds: what it uses, and the params of its own file, which may be decided."""
        own = (name for name, node in self.names.params.items() if node.span.file == OWN)
        waiting = ["", *own]
        kept = set(waiting)
        while waiting:
            fresh = self.expressions.uses.get(waiting.pop(), set()) - kept
            kept |= fresh
            waiting.extend(fresh)
        return kept

    def _warn_unused(self, used: set[str]) -> None:
        tables: dict[str, dict[str, Any]]
        tables = {"param": self.names.params, "op": self.names.ops, "cell": self.names.cells}
        for kind, table in tables.items():
            for name, node in table.items():
                if name not in used and node.span.file == OWN:
                    self.sink.error("SD1001", f"{kind} `{name}` is never used", node.name.span)

    def _no_recursion(self, ops: Sequence[ir.Op | None], cells: Sequence[ir.Cell | None]) -> None:
        """Report each cycle of ops and cells that use each other, once."""
        uses = self.expressions.uses
        told: set[str] = set()
        for definition in (*ops, *cells):
            if definition is None or definition.name in told:
                continue
            came_from: dict[str, str] = {}
            stack = [definition.name]
            while stack and definition.name not in came_from:
                user = stack.pop()
                fresh = [name for name in sorted(uses.get(user, ())) if name not in came_from]
                came_from.update(dict.fromkeys(fresh, user))
                stack.extend(fresh)
            if definition.name in came_from:
                cycle = [definition.name]
                while len(cycle) == 1 or cycle[-1] != definition.name:
                    cycle.append(came_from[cycle[-1]])
                told.update(cycle)
                shown = " uses ".join(f"`{name}`" for name in reversed(cycle))
                help = "drop one of these uses, or repeat by `repeat 3 { … }`"
                self.sink.error("SD0106", f"{shown}, without end", definition.span, help=help)
