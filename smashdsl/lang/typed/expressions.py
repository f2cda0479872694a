"""Expressions of the syntax tree as typed values."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.text.diagnostics import Edit, Sink, did_you_mean
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Span
from smashdsl.lang.typed import fold, ir
from smashdsl.lang.typed.kinds import is_kind
from smashdsl.lang.typed.layers import FLAGS, LayerTable
from smashdsl.lang.typed.scope import CONTEXT, MEASURES, RESERVED, Scope
from smashdsl.lang.typed.terms import is_choice
from smashdsl.ops import LAYERS, Arg
from smashdsl.ops.fixed import FIXED

FUNCTIONS: dict[str, ir.Function] = {"min": "min", "max": "max"}
WEIGHT_WORDS = ("generated", "shared", "own")
KNOWN_FIXED = " or ".join(f'`fixed("{name}")`' for name in FIXED)
MOST_ELEMENTS = 4096
MOST_WORDS = 5  # words of an argument that a message lists

VALUE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+(x[0-9]+)*")


class Expressions:
    """Resolves expressions; a wrong one is reported once and becomes None."""

    def __init__(self, sink: Sink, limits: Limits, layers: LayerTable) -> None:
        self.sink = sink
        self.limits = limits
        self.layers = layers
        self.params: dict[str, ir.Expr | None] = {}
        self.declared: Container[str] = ()  # the names of all params, known before their values
        self.used: set[str] = set()
        self.uses: dict[str, set[str]] = {}  # by the op, cell or param that is being resolved, "" for the space
        self.owner = ""
        self.counted: dict[str, Span] = {}

    def define(self, name: str, value: ir.Expr | None) -> bool:
        """Bind a param; return whether it is a choice and so a decision of the whole network."""
        choice = value is not None and is_choice(value)
        self.params[name] = ir.Ref(name) if choice else value
        return choice

    def use(self, name: str) -> None:
        """Note that what is being resolved uses a name."""
        self.used.add(name)
        self.uses.setdefault(self.owner, set()).add(name)

    @contextmanager
    def owned(self, name: str) -> Iterator[None]:
        """Let what is resolved inside belong to an op, cell or param."""
        self.owner = name
        yield
        self.owner = ""

    def bind(self, name: s.Name, scope: Scope) -> None:
        """Report a formal, an index or a loop whose name means something already where it stands."""
        taken = name.id in scope.names or name.id in scope.values or name.id in self.params
        if name.id in RESERVED or taken:
            message = f"`{name.id}` is declared already and can't be declared again here"
            self.sink.error("SD0102", message, name.span, help="choose another name")

    # -- the expression itself ----------------------------------------------------------------

    def expr(self, node: s.Expr, scope: Scope, words: tuple[str, ...] = ()) -> ir.Expr | None:
        """Resolve an expression where any of ``words`` may stand for itself."""
        try:
            return self._expr(node, scope, words)
        except fold.FoldError as error:
            self.sink.error(error.code, error.message, node.span, help=error.help)
            return None

    def _expr(self, node: s.Expr, scope: Scope, words: tuple[str, ...]) -> ir.Expr | None:
        match node:
            case s.Number():
                return fold.number(node.value, node.span, self.limits)
            case s.Dims():
                for value in node.values:
                    fold.number(value, node.span, self.limits)
                return ir.Dims(node.values, span=node.span)
            case s.Name():
                return self._name(node, scope, words)
            case s.Binary():
                left, right = self.expr(node.left, scope), self.expr(node.right, scope)
                if left is None or right is None:
                    return None
                if scope.in_require and node.op == "/" and not (_is_number(left) and _is_number(right)):
                    message = "`/` in a constraint takes constants: a measure may leave a remainder"
                    help = "multiply the other side instead: `params <= 5 * 1000`"
                    self.sink.error("SD0202", message, node.span, help=help)
                    return None
                return fold.binary(node.op, left, right, node.span, self.limits)
            case s.Call():
                return self._call(node, scope)
            case s.SetOf():
                return self._choice(node, scope, words)
            case s.Range():
                low, high = self.expr(node.low, scope), self.expr(node.high, scope)
                step = ir.Number(1) if node.step is None else self.expr(node.step, scope)
                if low is None or high is None or step is None:
                    return None
                return ir.Interval(low, high, step, span=node.span)
            case s.ListOf():
                items = self._every(node.items, scope)
                return None if items is None else ir.PerAxis(items, span=node.span)
            case s.String():
                help = f"values stand without quotes: `{node.value}`" if node.value else "write a value"
                fix = (Edit(node.span, node.value),) if VALUE.fullmatch(node.value) else ()
                self.sink.error("SD0201", "a string can't stand here", node.span, help=help, fix=fix)
        return None

    def _name(self, node: s.Name, scope: Scope, words: tuple[str, ...]) -> ir.Expr | None:
        name = node.id
        scope.used.add(name)
        if name in scope.names:
            return ir.Ref(name, span=node.span)
        if name in scope.values:
            value = scope.values[name]
            return None if value is None else replace(value, span=node.span)
        if name in scope.hidden:
            message = f"`{name}` is decided in the block, and a transition stands behind it"
            help = "let the param decide nothing, or make it a param of the space"
            self.sink.error("SD0101", message, node.span, help=help)
            return None
        if name in words or (not words and name in FLAGS):
            return ir.Word(name, span=node.span)
        if name in self.params:
            self.use(name)
            value = self.params[name]
            if isinstance(value, ir.Ref) and scope.in_require:
                message = f"a constraint decides nothing: `{name}` is a choice"
                self.sink.error("SD0201", message, node.span)
                return None
            return None if value is None else replace(value, span=node.span)
        if name in CONTEXT and not scope.in_require:
            return ir.Ref(name, span=node.span)
        if name in MEASURES:
            message = f"`{name}` can only stand in `require`"
            self.sink.error("SD0101", message, node.span)
            return None
        known = {*scope.names, *scope.values, *words, *self.params, *(() if scope.in_require else CONTEXT)}
        if scope.in_require and did_you_mean(name, known) is None:
            help = "a constraint speaks of `params`, `flops`, `reads` and `count(OP)`"
            self.sink.error("SD0101", f"`{name}` is not declared", node.span, help=help)
        else:
            self.unknown(node, known, words if len(words) < MOST_WORDS else ())
        return None

    def unknown(self, node: s.Name, candidates: Iterable[str], otherwise: Iterable[str] = ()) -> None:
        """Report a name that means nothing; ``otherwise`` are the words that may stand in its place."""
        if node.id in LAYERS:
            message = f"`{node.id}` is a layer, and a value stands here"
            help = f"choose between layers in a body: `choose {{ {node.id} | identity }}`"
            self.sink.error("SD0101", message, node.span, help=help)
            return
        named = sorted(otherwise)
        help = f"one of {', '.join(f'`{name}`' for name in named)}" if named else f"declare it: `param {node.id} = …`"
        self.sink.unknown("SD0101", f"`{node.id}` is not declared", node.span, node.id, candidates, help)

    def _call(self, node: s.Call, scope: Scope) -> ir.Expr | None:
        function = node.function.id
        if function == "count" and scope.in_require and len(node.args) == 1 and isinstance(node.args[0], s.Name):
            self.counted.setdefault(node.args[0].id, node.args[0].span)
            return ir.Count(node.args[0].id, span=node.span)
        if function not in FUNCTIONS:
            self._no_function(node)
            return None
        args = self._every(node.args, scope)
        return None if args is None else fold.call(FUNCTIONS[function], args, node.span)

    def _every(self, nodes: tuple[s.Expr, ...], scope: Scope) -> tuple[ir.Expr, ...] | None:
        """Resolve expressions, all of them, and return None where one is wrong."""
        found = [self.expr(node, scope) for node in nodes]
        right = tuple(value for value in found if value is not None)
        return right if len(right) == len(found) else None

    def _no_function(self, node: s.Call) -> None:
        name = node.function.id
        message, at = f"`{name}` is no function", node.function.span
        numbers = [arg.value for arg in node.args if isinstance(arg, s.Number)]
        if name == "range" and len(numbers) == len(node.args) <= 2 and all(float(n).is_integer() for n in numbers):
            # the end of Python's range is left out
            right = f"{int(numbers[-2]) if len(numbers) > 1 else 0}..{int(numbers[-1]) - 1}"
            fix = (Edit(node.span, right),)
            self.sink.error("SD0101", message, at, help=f"a range has both its ends: `{right}`", fix=fix)
        elif name in ("choice", "choose", "randint", "uniform", "oneof", "one_of"):
            self.sink.error("SD0101", message, at, help="a choice among values is written `{8, 16}` or `1..4`")
        else:
            help = "the functions are `min` and `max`, and in a constraint `count`"
            self.sink.unknown("SD0101", message, at, name, ("min", "max", "count"), help)

    def _choice(self, node: s.SetOf, scope: Scope, words: tuple[str, ...]) -> ir.Expr | None:
        elements = [self.expr(element.value, scope, words) for element in node.elements]
        laws = [None if e.weight is None else self.weight(e.weight, e.span) for e in node.elements]
        weighted = [e.weight is not None for e in node.elements]
        if any(weighted) and not all(weighted):
            bare = next(element for element in node.elements if element.weight is None)
            help = "weights are relative: `{8: 3, 16: 1}`"
            self.sink.error("SD0205", "give every element a weight, or none", bare.span, help=help)
            return None
        if any(e is None for e in elements) or (all(weighted) and any(law is None for law in laws)):
            return None
        seen: set[ir.Expr] = set()
        for element, given in zip(elements, node.elements, strict=True):
            assert element is not None
            if is_choice(element):
                inner = given.value
                fix: tuple[Edit, ...] = ()
                if isinstance(inner, s.SetOf) and not any(element.weight for element in (*inner.elements, given)):
                    start, end = inner.span.start, inner.span.end
                    opens, shuts = inner.span._replace(end=start + 1), inner.span._replace(start=end - 1)
                    fix = (Edit(opens, ""), Edit(shuts, ""))
                help = "write it as one choice: `{8, 16, 32}`"
                self.sink.error("SD0204", "a choice stands inside a choice", given.span, help=help, fix=fix)
                return None
            if element in seen:
                message = "this choice has the same element twice"
                self.sink.error("SD0204", message, given.span, help="drop one, or weight it: `{a: 2, b: 1}`")
                return None
            seen.add(element)
        weights = tuple(float(law) for law in laws if law is not None) if all(weighted) else None
        return ir.Choice(tuple(e for e in elements if e is not None), weights, span=node.span)

    # -- expressions of a known kind ------------------------------------------------------------

    def weight(self, node: s.Expr | s.Number | s.Name, span: Span) -> float | None:
        """Resolve the weight of an element or alternative: a positive constant."""
        value = self.expr(node, Scope())
        if value is None:
            return None
        if not isinstance(value, ir.Number) or value.value <= 0:
            help = "drop what has no weight, or write a positive number or the name of a `param`"
            self.sink.error("SD0205", "a weight must be a positive constant", node.span or span, help=help)
            return None
        return float(value.value)

    def value(self, node: s.Expr, scope: Scope) -> ir.Expr | None:
        """Resolve the value of a param or a formal, which may be of any kind: its uses check that."""
        return self.expr(node, scope, tuple(word for word in self.layers.words if word not in self.declared))

    def number(self, node: s.Expr, scope: Scope, what: str) -> ir.Expr | None:
        """Resolve a value that must be a number."""
        value = self.expr(node, scope)
        return value if value is None or is_kind(value, "number", what, node.span, self.sink) else None

    def argument(self, node: s.Expr, arg: Arg, scope: Scope) -> ir.Expr | None:
        """Resolve a value for an argument of a layer, and check that it is of the argument's kind."""
        if arg.kind == "any":
            return self.value(node, scope)
        words = arg.words if arg.kind == "word" else FLAGS if arg.kind == "flag" else ()
        if arg.kind == "weights":
            return self._weights(node)
        if self._is_slip(node, arg):
            return None
        value = self.expr(node, scope, words)
        return value if value is None or is_kind(value, arg.kind, f"`{arg.name}`", node.span, self.sink) else None

    def _is_slip(self, node: s.Expr, arg: Arg) -> bool:
        """Report a number that is written as if it were something else: `3*3` for a size, `1` for a flag."""
        if arg.kind == "flag" and isinstance(node, s.Number):
            word = "true" if node.value else "false"
            message = f"`{arg.name}` is `true` or `false`"
            self.sink.error("SD0201", message, node.span, help=f"write `{word}`", fix=(Edit(node.span, word),))
            return True
        plain = isinstance(node, s.Binary) and isinstance(node.left, s.Number) and isinstance(node.right, s.Number)
        if not plain or not isinstance(node, s.Binary):
            return False
        left, right = getattr(node.left, "value", 0), getattr(node.right, "value", 0)
        if arg.kind == "axes" and node.op == "*":
            message = f"`{left}*{right}` is the number {left * right}, not a size"
            help = f"write the size `{left}x{right}`, or the number `{left * right}`"
            self.sink.error("SD0201", message, node.span, help=help, fix=(Edit(node.span, f"{left}x{right}"),))
            return True
        if arg.kind == "size" and node.op == "-" and left < right:
            message = f"`{left}-{right}` is the number {left - right}"
            help, fix = f"a range is written `{left}..{right}`", (Edit(node.span, f"{left}..{right}"),)
            self.sink.error("SD0208", message, node.span, help=help, fix=fix)
            return True
        return False

    def size(self, node: s.Expr, scope: Scope, what: str) -> ir.Expr | None:
        """Resolve a value that must be a whole number."""
        value = self.expr(node, scope)
        return value if value is None or is_kind(value, "size", what, node.span, self.sink) else None

    def constant(self, node: s.Expr, what: str, low: int) -> int | None:
        """Resolve a whole number that is known before anything is decided."""
        value = self.expr(node, Scope())
        if value is None:
            return None
        if not isinstance(value, ir.Number) or not isinstance(value.value, int):
            self.sink.error("SD0201", f"{what} must be a whole number, not a choice", node.span)
            return None
        if not low <= value.value <= self.limits.magnitude:
            self.sink.error("SD0208", f"{what} must be at least {low}; it is {value.value}", node.span)
            return None
        return value.value

    def constants(self, node: s.Expr) -> tuple[int, ...] | None:
        """Resolve the values an index takes: a constant range or list."""
        if isinstance(node, s.Range):
            ends = [
                self.constant(end, "an end of this range", low=-self.limits.magnitude) for end in (node.low, node.high)
            ]
            step = 1 if node.step is None else self.constant(node.step, "the step of this range", low=1)
            if None in ends or step is None:
                return None
            low, high = int(ends[0] or 0), int(ends[1] or 0)
            if high < low or (high - low) // step >= MOST_ELEMENTS:
                self.sink.error("SD0208", f"{low}..{high} holds no value or more than {MOST_ELEMENTS}", node.span)
                return None
            return tuple(range(low, high + 1, step))
        if isinstance(node, s.Call):
            self._no_function(node)
            return None
        message, help = "an index runs over a range such as `0..2`", "write a range: `0..2`"
        fix: tuple[Edit, ...] = ()
        if isinstance(node, s.Number) and isinstance(node.value, int) and 0 < node.value <= MOST_ELEMENTS:
            help, fix = (
                f"for {node.value} of them write `0..{node.value - 1}`",
                (Edit(node.span, f"0..{node.value - 1}"),),
            )
        self.sink.error("SD0201", message, node.span, help=help, fix=fix)
        return None

    def _weights(self, node: s.Expr) -> ir.Expr | None:
        if isinstance(node, s.Call) and node.function.id == "fixed":
            return self._fixed(node)
        if isinstance(node, s.Name) and node.id in WEIGHT_WORDS:
            return ir.Word(node.id, span=node.span)
        if isinstance(node, s.SetOf | s.Range):
            way_out = "let `choose` take between two layers, each with weights of its own kind"
            self.sink.error("SD0201", "`weights` takes no choice", node.span, help=way_out)
            return None
        message = '`weights` is one of `generated`, `shared`, `own` and `fixed("…")`'
        self.sink.unknown("SD0201", message, node.span, getattr(node, "id", ""), WEIGHT_WORDS)
        return None

    def _fixed(self, node: s.Call) -> ir.Expr | None:
        name = node.args[0] if len(node.args) == 1 else None
        if not isinstance(name, s.String):
            self.sink.error("SD0201", "`fixed` takes the name of what is not learned", node.span, help=KNOWN_FIXED)
            return None
        if name.value not in FIXED:
            message = f'there are no fixed weights "{name.value}"'
            inner = Span(name.span.start + 1, name.span.end - 1)  # without the quotes
            self.sink.unknown("SD0101", message, inner, name.value, FIXED, KNOWN_FIXED)
            return None
        return ir.Fixed(name.value, span=node.span)


def _is_number(value: ir.Expr) -> bool:
    return isinstance(value, ir.Number)
