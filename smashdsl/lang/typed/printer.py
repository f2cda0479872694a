"""IR to text that compiles to the same IR: constants folded, ops of the prelude spelled out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from smashdsl.lang.typed import ir
from smashdsl.ops import LAYERS, find

WIDTH = 100
POSITIONAL = 2  # how many leading arguments go without their names
LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2}
READ_JOINS = {"sum": "add", "mean": "mean", "max": "max", "product": "mul", "attention": "attention"}
WRITE_JOINS = {"replace": "replace", "max": "max", "product": "mul", "mean": "mean"}


def to_text(space: ir.Space) -> str:
    """Return a space as `.smash` text: ``compile_source(to_text(space)).space == space``."""
    lines = [f"smash {space.version}", "", f"space {space.name} {{", *_indented(_Printer(space).members()), "}"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def parts(space: ir.Space) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a space consists of: what each part is called, and its text as lines."""
    printer = _Printer(space)
    yield "the name of the space", (space.name,)
    yield "input", (input_text(space.input),)
    yield "output", (f"{space.output.name}({space.output.size})",)
    yield from ((f"param `{param.name}`", (expression(param.value),)) for param in space.params)
    for op in space.ops:
        yield f"op `{op.name}`", tuple(printer.body(f"op {op.name}{printer.formals(op.formals)}", op.body))
    for cell in space.cells:
        tied = "tied " if cell.tied else ""
        yield f"cell `{cell.name}`", tuple(printer.cell(f"{tied}cell {cell.name}{printer.formals(cell.formals)}", cell))
    for block in space.blocks:
        yield f"block `{block.name}`", tuple(printer.cell(f"block {block.name}{printer.index(block)}", block))
    for name, path in (("stem", space.stem), ("body", space.body), ("head", space.head)):
        if path:
            yield name, tuple(printer.body(name, path))
    if space.requires:
        yield "require", tuple(map(requirement, space.requires))
    yield from ((f"layer `{layer.name}`", (f"version {layer.version}",)) for layer in space.foreign)


def requirement(require: ir.Require) -> str:
    """Return a constraint as text, after the word `require`."""
    return f"{expression(require.left)} {require.comparison} {expression(require.right)}"


def expression(expr: ir.Expr, level: int = 0) -> str:
    """Return an expression as text; ``level`` is how tightly what surrounds it binds."""
    match expr:
        case ir.Number():
            return repr(expr.value)
        case ir.Dims():
            return "x".join(map(str, expr.values))
        case ir.Word():
            return expr.value
        case ir.Ref():
            return expr.name
        case ir.Fixed():
            return f'fixed("{expr.name}")'
        case ir.Count():
            return f"count({expr.op})"
        case ir.Call():
            return f"{expr.function}({_listing(expr.args)})"
        case ir.PerAxis():
            return f"[{_listing(expr.items)}]"
        case ir.Choice():
            return f"{{{', '.join(_weighted(expr.elements, expr.weights))}}}"
        case ir.Interval():
            step = "" if expr.step == ir.Number(1) else f" step {expression(expr.step, 1)}"
            return _grouped(f"{expression(expr.low, 1)}..{expression(expr.high, 1)}{step}", level > 0)
        case ir.Binary():
            own = LEVEL[expr.op]
            left, right = expression(expr.left, own), expression(expr.right, own + 1)
            return _grouped(f"{left} {expr.op} {right}", level > own)


def _grouped(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def _listing(items: Iterable[ir.Expr]) -> str:
    return ", ".join(expression(item) for item in items)


def _weighted(elements: Sequence[ir.Expr], weights: tuple[float, ...] | None) -> list[str]:
    shown = [expression(element) for element in elements]
    return shown if weights is None else [f"{e}: {_weight(w)}" for e, w in zip(shown, weights, strict=True)]


def _weight(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def selection(banks: ir.Selection) -> str:
    """Return which banks as text."""
    match banks.mode:
        case "listed":
            only = banks.banks[0] if len(banks.banks) == 1 else None
            plain = only is not None and not isinstance(only, ir.Interval)
            return expression(banks.banks[0]) if plain else f"[{_listing(banks.banks)}]"
        case "last":
            return "last"
        case "sized":
            assert banks.size is not None
            return f"{expression(banks.size)} of {banks.pool}"
        case "all" if banks.pool == "written":
            return "all"
    return f"{banks.mode} of {banks.pool}"


def input_text(given: ir.Input) -> str:
    """Return what comes in as text, after the word `input`."""
    if given.kind == "tokens":
        return f"tokens[{given.grid[0]}] of {given.channels}"
    return f"{given.kind}[{', '.join(map(str, (given.channels, *given.grid)))}]"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" if line else line for line in lines)


class _Printer:
    def __init__(self, space: ir.Space) -> None:
        self.space = space
        layers = [*LAYERS.values(), *filter(None, (find(layer.name) for layer in space.foreign))]
        self.signatures = {op.name: [arg.name for arg in op.args] for op in layers}
        self.signatures |= {op.name: [formal.name for formal in op.formals] for op in space.ops}
        self.signatures |= {cell.name: [formal.name for formal in cell.formals] for cell in space.cells}

    # -- members of the space -------------------------------------------------------------

    def members(self) -> Iterator[str]:
        space = self.space
        yield f"input {input_text(space.input)}"
        yield f"output {space.output.name}({space.output.size})"
        yield from (f"param {param.name} = {expression(param.value)}" for param in space.params)
        for op in space.ops:
            yield from ("", *self.body(f"op {op.name}{self.formals(op.formals)}", op.body))
        for cell in space.cells:
            tied = "tied " if cell.tied else ""
            yield from ("", *self.cell(f"{tied}cell {cell.name}{self.formals(cell.formals)}", cell))
        yield ""
        if space.stem:
            yield from self.body("stem", space.stem)
        for block in space.blocks:
            yield from ("", *self.cell(f"block {block.name}{self.index(block)}", block), "")
        if space.body:
            yield from self.body("body", space.body)
        for require in space.requires:
            yield f"require {requirement(require)}"
        yield from self.body("head", space.head)

    def formals(self, formals: tuple[ir.Formal, ...]) -> str:
        shown = [f.name if f.default is None else f"{f.name} = {expression(f.default)}" for f in formals]
        return f"({', '.join(shown)})" if shown else ""

    def index(self, block: ir.Block) -> str:
        if block.index is None:
            return ""
        first, last = block.instances[0], block.instances[-1]
        step = block.instances[1] - first if len(block.instances) > 1 else 1
        values = f"{first}..{last}" + (f" step {step}" if step > 1 else "")
        return f"[{values}]" if block.index == "_" else f"[{block.index} in {values}]"

    def cell(self, head: str, cell: ir.Cell | ir.Block) -> Iterator[str]:
        yield f"{head} {{"
        yield from (f"  param {param.name} = {expression(param.value)}" for param in cell.params)
        yield f"  banks {expression(cell.bank_count)} of {expression(cell.bank_channels)}"
        if isinstance(cell, ir.Cell) and cell.inputs > 1:
            yield f"  inputs {cell.inputs}"
        if isinstance(cell, ir.Cell) and cell.entry:
            yield from _indented(self.body("entry", cell.entry))
        for member in cell.members:
            yield from _indented(self.member(member))
        if cell.result is not None:
            yield f"  yield {selection(cell.result)}"
        if isinstance(cell, ir.Block) and cell.transition:
            yield from _indented(self.body("transition", cell.transition))
        yield "}"

    def member(self, member: ir.Member) -> Iterator[str]:
        match member:
            case ir.Ops():
                yield f"ops {expression(member.count)} of {self.use(member.use.target, member.use.args)}"
            case ir.OpsWhile():
                condition = f"{member.measure} {member.comparison} {expression(member.bound, 1)}"
                yield f"ops while {condition} of {self.use(member.use.target, member.use.args)}"
            case ir.InlineOp():
                yield from self.body("op", member.body)
            case ir.For():
                loops = zip(member.names, member.values, strict=True)
                yield f"for {', '.join(f'{name} in {expression(value)}' for name, value in loops)} {{"
                for inner in member.members:
                    yield from _indented(self.member(inner))
                yield "}"

    # -- statements -----------------------------------------------------------------------

    def body(self, head: str, path: ir.Path) -> Iterator[str]:
        """Yield a body after its head, on one line where that is short."""
        short = self.on_one_line(path)
        if short is not None and len(head) + len(short) < WIDTH:
            yield f"{head} {{ {short} }}" if short else f"{head} {{ }}"
            return
        yield f"{head} {{"
        for statement in path:
            yield from _indented(self.statement(statement))
        yield "}"

    def on_one_line(self, path: ir.Path) -> str | None:
        """Return a path of plain statements as one line, None when another kind is among them."""
        plain = all(isinstance(s, ir.Layer | ir.Use | ir.Read | ir.Write) for s in path)
        return "; ".join(next(self.statement(s)) for s in path) if plain else None

    def statement(self, statement: ir.Statement) -> Iterator[str]:
        match statement:
            case ir.Layer():
                yield self.use(statement.op, statement.args)
            case ir.Use():
                yield self.use(statement.target, statement.args)
            case ir.Read():
                use = statement.through
                through = f" through {self.use(use.target, _without_source(use.args))}" if use else ""
                yield f"read {selection(statement.banks)}{through}{_by(READ_JOINS, statement.join)}"
            case ir.Write():
                yield f"write {selection(statement.banks)}{_by(WRITE_JOINS, statement.join)}"
            case ir.Let():
                first, *more = self.statement(statement.body)
                yield from (f"let {', '.join(statement.names)} = {first}", *more)
            case ir.Combine():
                yield from self.paths(statement.join, statement.paths, [""] * len(statement.paths))
            case ir.Choose():
                given = statement.weights
                laws = [""] * len(statement.paths) if given is None else [f"{_weight(law)}: " for law in given]
                yield from self.paths("choose", statement.paths, laws)
            case ir.Maybe():
                chance = "" if statement.probability == 0.5 else f" {statement.probability!r}"
                yield from self.body(f"maybe{chance}", statement.path)
            case ir.Repeat():
                yield from self.body(f"repeat {expression(statement.count)}", statement.path)

    def paths(self, head: str, paths: tuple[ir.Path, ...], leads: Sequence[str]) -> Iterator[str]:
        yield f"{head} {{"
        for i, (path, lead) in enumerate(zip(paths, leads, strict=True)):
            sign = "|" if i else " "
            lines = [line for statement in path for line in self.statement(statement)]
            short = self.on_one_line(path)
            first, *more = [short] if short is not None and len(short) < WIDTH else lines
            yield f"{sign} {lead}{first}"
            yield from _indented(more)
        yield "}"

    def use(self, name: str, args: tuple[ir.Argument, ...]) -> str:
        signature = self.signatures.get(name, [])
        shown = []
        for i, arg in enumerate(args):
            positional = i < POSITIONAL and [a.name for a in args[: i + 1]] == signature[: i + 1]
            shown.append(expression(arg.value) if positional else f"{arg.name} = {expression(arg.value)}")
        return f"{name}({', '.join(shown)})" if shown else name


def _without_source(args: tuple[ir.Argument, ...]) -> tuple[ir.Argument, ...]:
    return tuple(arg for arg in args if arg.name != "src")


def _by(words: dict[str, str], join: str) -> str:
    return f" by {words[join]}" if join in words else ""
