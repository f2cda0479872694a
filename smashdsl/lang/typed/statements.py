"""Statements of bodies and members of cells, resolved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, Label, Sink
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import aliases, ir
from smashdsl.lang.typed.expressions import Expressions
from smashdsl.lang.typed.layers import LayerTable
from smashdsl.lang.typed.scope import Scope
from smashdsl.lang.typed.selections import READ_JOINS, WRITE_JOINS, Selections, listing
from smashdsl.ops import LAYERS, Arg

COMBINERS: dict[str, ir.Join] = {"sum": "sum", "product": "product", "concat": "concat", "mean": "mean", "max": "max"}
SOURCE = "src"  # the formal of an op that a read goes through: the index of the bank
Place = Literal["op", "path", "joint"]


class Statements:
    """Resolves bodies; collects which ops and cells are used, and by which."""

    def __init__(
        self, sink: Sink, expressions: Expressions, ops: Mapping[str, s.OpDef], cells: Mapping[str, s.CellDef]
    ) -> None:
        self.sink = sink
        self.expressions = expressions
        self.selections = Selections(sink, expressions)
        self.layers: LayerTable = expressions.layers
        self.used_layers: set[str] = set()
        self.used_lets: set[tuple[Span, str]] = set()  # by the place of the `let`
        self.ops = ops
        self.cells = cells
        self.in_sequence = False  # whether what is resolved stands in `body`, one thing after another

    @property
    def argument_names(self) -> frozenset[str]:
        """Every name that an argument may be bound to; a loop's values are put in before arguments are bound."""
        formals = (f.name.id for table in (self.ops, self.cells) for node in table.values() for f in node.formals)
        return frozenset({*self.layers.argument_names, *formals})

    # -- bodies ----------------------------------------------------------------------------

    def path(self, seq: s.Seq, scope: Scope, place: Place) -> ir.Path:
        """Resolve a sequence; `read` may start an op or a path of one, `write` may end an op."""
        inner = replace(scope, lets=dict(scope.lets))
        out: list[ir.Statement] = []
        for i, node in enumerate(seq.statements):
            if isinstance(node, s.Read) and (place == "joint" or i > 0):
                self._misplaced_read(node, place)
            elif isinstance(node, s.Write) and (place != "op" or i < len(seq.statements) - 1):
                help = (
                    "put what follows before it, or into another op" if place == "op" else "put it at the end of the op"
                )
                self.sink.error(
                    "SD0306", "`write` ends an op: nothing stands after it or around it", node.span, help=help
                )
            elif (statement := self._statement(node, inner, place)) is not None:
                out.append(statement)
        return self._needed(out)

    def _needed(self, path: Sequence[ir.Statement]) -> ir.Path:
        """Drop what changes no member: unused layers of a `let`, and `identity` beside other statements."""
        kept: list[ir.Statement] = []
        for statement in path:
            if isinstance(statement, ir.Let):
                names = tuple(name for name in statement.names if (statement.span, name) in self.used_lets)
                kept += [replace(statement, names=names)] if names else []
            else:
                kept.append(statement)
        others = tuple(s for s in kept if not (isinstance(s, ir.Layer) and s.op == "identity"))
        if path and not kept:
            return (ir.Layer("identity", span=path[0].span),)
        return others or tuple(kept[:1])

    def _misplaced_read(self, node: s.Read, place: Place) -> None:
        if place == "joint":
            help = "read and write in an op of a block or cell: `op { read …; …; write … }`"
            self.sink.error("SD0306", "outside an op there are no banks to read", node.span, help=help)
        else:
            help = "put it first, or start another op with it"
            self.sink.error("SD0306", "`read` starts an op or a path", node.span, help=help)

    def _inner(self, place: Place) -> Place:
        return "joint" if place == "joint" else "path"

    def _statement(self, node: s.Statement, scope: Scope, place: Place) -> ir.Statement | None:
        inner = self._inner(place)
        match node:
            case s.Layer():
                return self._layer(node, scope)
            case s.Combine():
                outer, self.in_sequence = self.in_sequence, False
                paths = tuple(self.path(path, scope, inner) for path in node.paths)
                self.in_sequence = outer
                return ir.Combine(COMBINERS[node.join.id], paths, span=node.span)
            case s.Choose():
                return self._choose(node, scope, inner)
            case s.Maybe():
                probability = 0.5 if node.weight is None else self.expressions.weight(node.weight, node.span)
                if probability is not None and probability >= 1:
                    help = "write a fraction: `maybe 0.5 { … }`"
                    self.sink.error("SD0205", "the probability of `maybe` lies between 0 and 1", node.span, help=help)
                    return None
                path = self.path(node.path, scope, inner)
                return None if probability is None else ir.Maybe(path, probability, span=node.span)
            case s.Repeat():
                count = self.expressions.size(node.count, scope, "the count of `repeat`")
                path = self.path(node.path, scope, inner)
                return None if count is None else ir.Repeat(count, path, span=node.span)
            case s.Let():
                return self._let(node, scope, inner)
            case s.Read():
                return self._read(node, scope)
            case s.Write():
                return self._write(node, scope)
        return None

    def _choose(self, node: s.Choose, scope: Scope, inner: Place) -> ir.Statement | None:
        given = [a.weight for a in node.alternatives]
        laws = [None if w is None else self.expressions.weight(w, node.span) for w in given]
        paths = tuple(self.path(alternative.path, scope, inner) for alternative in node.alternatives)
        if len(paths) == 1:
            help = "put `|` between alternatives: `choose { identity | relu }`"
            self.sink.error("SD0204", "this `choose` has one alternative, so nothing is chosen", node.span, help=help)
            return None
        if len({w is None for w in given}) > 1:
            help = "weights are relative: `choose { 3: … | 1: … }`"
            self.sink.error("SD0205", "give every alternative a weight, or none", node.span, help=help)
            return None
        if given[0] is not None and None in laws:
            return None
        weights = None if given[0] is None else tuple(float(law) for law in laws if law is not None)
        return ir.Choose(paths, weights, span=node.span)

    def _let(self, node: s.Let, scope: Scope, inner: Place) -> ir.Statement | None:
        outer, self.in_sequence = self.in_sequence, False
        body = self._statement(node.body, scope, inner)
        self.in_sequence = outer
        for name in node.names:
            if name.id in LAYERS or name.id in self.ops or name.id in self.cells or name.id in scope.lets:
                self.sink.error("SD0102", f"`{name.id}` is declared already", name.span, help="choose another name")
            scope.lets[name.id] = node
        return None if body is None else ir.Let(tuple(name.id for name in node.names), body, span=node.span)

    # -- layers and uses ---------------------------------------------------------------------

    def _layer(self, node: s.Layer, scope: Scope) -> ir.Statement | None:
        name = node.name.id
        if name in scope.lets:
            self.used_lets.add((scope.lets[name].span, name))
            if node.args:
                help = f"give them where `let {name} = …` stands"
                self.sink.error("SD0105", f"`{name}` is a `let` and takes no arguments", node.span, help=help)
            return ir.Use(name, "let", span=node.span)
        if name in self.ops or name in self.cells:
            return self.use(node, scope)
        op = self.layers.find(node.name)
        if op is not None:
            self.used_layers.add(name)
            self.expressions.use(name)
            args = self._bind(node, op.args, scope)
            return None if args is None else ir.Layer(name, args, span=node.span)
        if name in self.layers.faulty:
            return None
        candidates = {*self.layers.candidates(), *self.ops, *self.cells, *scope.lets}
        message = f"there is no layer, op or cell `{name}`"
        meant = aliases.layer(node, candidates)
        if meant is not None:
            self.sink.error("SD0101", message, node.name.span, help=meant[0], fix=meant[1])
        else:
            self.sink.unknown("SD0101", message, node.name.span, name, candidates)
        return None

    def use(self, node: s.Layer, scope: Scope) -> ir.Use | None:
        """Resolve a use of an op or a cell."""
        name = node.name.id
        self.expressions.use(name)
        definition = self.ops.get(name) or self.cells[name]
        args = self._bind(node, _signature(definition.formals), scope)
        if name in self.cells and not self.in_sequence and _takes_results(self.cells[name]):
            message = f"`{name}` has `inputs`: it takes results of `body`, and can be used only there"
            help = "use it in `body`, in sequence, and not among parallel paths"
            self.sink.error("SD0306", message, node.span, help=help)
        of: Literal["op", "cell"] = "op" if name in self.ops else "cell"
        return None if args is None else ir.Use(name, of, args, span=node.span)

    def _bind(self, node: s.Layer, signature: Sequence[Arg], scope: Scope) -> tuple[ir.Argument, ...] | None:
        """Match arguments to a signature; each may use the earlier ones by name."""
        name, given = node.name.id, dict[str, s.Argument]()
        names = [arg.name for arg in signature]
        good, named = True, False
        for i, argument in enumerate(node.args):
            named |= argument.name is not None
            if argument.name is None and i < len(names) and not named:
                given[names[i]] = argument
            elif argument.name is not None and argument.name.id in names and argument.name.id not in given:
                given[argument.name.id] = argument
            else:
                self._unbound(node, i, names, given)
                good = False
                if argument.name is None and i >= len(names):
                    break  # the rest is too many as well
        inner, bound = scope, []
        for arg in signature:
            if arg.name in given:
                value = self.expressions.argument(given[arg.name].value, arg, inner)
                good &= value is not None
                if value is not None and not _is_default(value, arg):
                    bound.append(ir.Argument(arg.name, value, span=given[arg.name].span))
            elif arg.required and good:
                example = {"axes": f"{name}(3)", "size": f"{name}(channels)"}.get(arg.kind, f"{name}({arg.name} = …)")
                help = f"write `{example}`; `{name}` takes {listing(names)}"
                self.sink.error("SD0104", f"`{name}` needs `{arg.name}`", node.span, help=help)
                good = False
            inner = inner.extended(arg.name)
        return tuple(bound) if good else None

    def _unbound(self, node: s.Layer, i: int, names: list[str], given: Mapping[str, s.Argument]) -> None:
        """Report an argument that a signature has no place for."""
        name, argument = node.name.id, node.args[i]
        takes = f"`{name}` takes {listing(names)}"
        if argument.name is None and i < len(names):
            free = names[i] not in given
            fix = (Edit(argument.span._replace(end=argument.span.start), f"{names[i]} = "),) if free else ()
            help = f"name it: `{names[i]} = …`" if free else takes
            message = f"`{name}` takes arguments without a name before those with one"
            self.sink.error("SD0105", message, argument.span, help=help, fix=fix)
        elif argument.name is None:
            alone = all(argument.name is None for argument in node.args[i:])
            fix = (Edit(aliases.without(node, i, len(node.args) - 1), ""),) if alone else ()
            help = takes if names else f"write `{name}`"
            self.sink.error("SD0105", f"`{name}` {_takes(names)}", argument.span, help=help, fix=fix)
        elif argument.name.id in names:
            first = Label(given[argument.name.id].span, "first given here")
            message, fix = f"`{argument.name.id}` is given twice", (Edit(aliases.without(node, i), ""),)
            diagnostic = Diagnostic(
                "SD0105", message, argument.span, others=(first,), help="drop one of the two", fix=fix
            )
            self.sink.add(diagnostic)
        else:
            message = f"`{name}` takes no argument `{argument.name.id}`"
            meant = aliases.argument(node, i, names)
            if meant is not None:
                self.sink.error("SD0103", message, argument.name.span, help=meant[0], fix=meant[1])
            else:
                self.sink.unknown("SD0103", message, argument.name.span, argument.name.id, names, takes)

    # -- banks -------------------------------------------------------------------------------

    def _read(self, node: s.Read, scope: Scope) -> ir.Statement | None:
        banks = self.selections.selection(node.selection, scope)
        join = self.selections.join(node.join, READ_JOINS, "concat")
        through = None
        if node.through is not None and (through := self._through(node.through, scope)) is None:
            return None
        if banks is not None and banks.pool in {"fresh", "reachable"}:
            message = f"`{banks.pool}` banks hold nothing yet and can't be read"
            self.sink.error("SD0301", message, node.span, help="read of `written`")
            return None
        return None if banks is None or join is None else ir.Read(banks, join, through, span=node.span)

    def _through(self, node: s.Layer, scope: Scope) -> ir.Use | None:
        """Resolve the op that a read goes through; its formal `src`, if it has one, is the bank's index."""
        name = node.name.id
        if name not in self.ops:
            what = "is a layer: put it in an `op`" if name in LAYERS else "is no op"
            wrapped = f"write `op edge {{ {name} }}`, and `through edge`"
            otherwise = wrapped if name in LAYERS else f"declare it: `op {name} {{ … }}`"
            message = f"a read goes through an op, and `{name}` {what}"
            candidates = () if name in LAYERS else self.ops
            self.sink.unknown("SD0101", message, node.name.span, name, candidates, otherwise)
            return None
        self.expressions.use(name)
        formals = self.ops[name].formals
        args = self._bind(node, _signature(f for f in formals if f.name.id != SOURCE), scope)
        if args is None:
            return None
        if any(f.name.id == SOURCE for f in formals):
            args = (ir.Argument(SOURCE, ir.Ref(SOURCE, span=node.span), span=node.span), *args)
        return ir.Use(name, "op", args, span=node.span)

    def _write(self, node: s.Write, scope: Scope) -> ir.Statement | None:
        banks = self.selections.selection(node.selection, scope)
        join = self.selections.join(node.join, WRITE_JOINS, "sum")
        return None if banks is None or join is None else ir.Write(banks, join, span=node.span)


def _is_default(value: ir.Expr, arg: Arg) -> bool:
    """Return whether an argument's value is the one that it has without being given."""
    match value:
        case ir.Number():
            return type(value.value) is type(arg.default) and value.value == arg.default
        case ir.Word():
            return value.value == (str(arg.default).lower() if isinstance(arg.default, bool) else arg.default)
        case ir.Ref():
            return value.name == arg.default == "channels"
    return False


def _signature(formals: Iterable[s.Formal]) -> tuple[Arg, ...]:
    """Return the formals as arguments; of a default that is no number only the presence is told."""
    return tuple(Arg(f.name.id, "any", _default(f.default)) for f in formals)


def _default(node: s.Expr | None) -> int | float | str | None:
    if isinstance(node, s.Number):
        return node.value
    return None if node is None else "(default)"


def _takes_results(cell: s.CellDef) -> bool:
    """Return whether a cell takes more than what arrives at it."""
    return any(isinstance(member, s.Inputs) for member in cell.members)


def _takes(names: Sequence[str]) -> str:
    number = len(names)
    return "takes no arguments" if not number else f"takes {number} argument{'s' if number > 1 else ''} at most"
