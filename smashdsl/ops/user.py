"""Layers that users add: one decorated function and its rules.

Rules of users see plain numbers, one architecture at a time; here they are applied to all architectures of a batch, and
what they return is held to what the rules of a layer must return. A layer that fails this is told as a `Fault` of the
package it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from inspect import Parameter, signature
from typing import Any, TypeVar

from smashdsl.ops.fault import Fault, on, place, told
from smashdsl.ops.op import Arg, Args, Flow, LayerOp, Lowering, ShapeError, Size, Weight, axes
from smashdsl.ops.rows import by_row, spread
from smashdsl.ops.table import LAYERS, USER_LAYERS

Function = TypeVar("Function", bound=Callable[..., Any])
NAME = re.compile(r"[a-z][a-z0-9_]*")
KINDS = ("size", "axes", "number", "flag", "word")
INITS = ("kaiming", "small", "ones", "zeros")
TAKEN = frozenset({"x", "flow", "weights"})  # what the rules and the graph call by these names
MOST_AXES = 5  # of a weight: out, in, and a kernel of three
# the layers that were made of functions: such a function may stand in a graph
FUNCTIONS: dict[Callable[..., Any], UserLayer] = {}


class UserLayer:
    """A layer that a user adds: what `layer` makes of a function.

    ``shape``, ``weights`` and ``macs`` take its rules as decorators; a layer without them keeps the shape, has no
    weights and counts no multiply-adds.
    """

    def __init__(self, name: str, function: Callable[..., Any], args: Sequence[Arg], version: str) -> None:
        self.name, self.function, self.args, self.version = name, function, tuple(args), version
        self.owner = f"module `{function.__module__}`"
        self.rules: dict[str, Callable[..., Any]] = {}
        self.tried: set[Any] = set()  # the shapes that the function was tried on
        self._hold_signature()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<layer `{self.name}` of {self.owner}>"

    def shape(self, rule: Function) -> Function:
        """Take ``rule(flow, **args)`` as what leaves the layer: a `Flow`."""
        return self._rule("shape", rule)

    def weights(self, rule: Function) -> Function:
        """Take ``rule(flow, **args)`` as the tensors of the layer: `Weight` by the name of a parameter."""
        return self._rule("weights", rule)

    def macs(self, rule: Function) -> Function:
        """Take ``rule(flow, out, **args)`` as the multiply-adds for one example: a whole number."""
        return self._rule("macs", rule)

    def _rule(self, name: str, rule: Function) -> Function:
        self.rules[name] = rule
        return rule

    @cached_property
    def op(self) -> LayerOp:
        """The layer as the compiler and the runtime see it."""
        takes_weight = "weight" in self.tensors
        doc = (self.function.__doc__ or "").strip().partition("\n")[0]
        return LayerOp(
            self.name,
            self._lower,
            (*self.args, Arg("weights", "weights", "own")) if takes_weight else self.args,
            self._shape,
            self._weights,
            self._macs,
            doc,
            mixes=True,
            version=self.version,
        )

    # -- what the package has to keep to ----------------------------------------------------------

    def fault(self, what: str, function: Callable[..., Any] | None = None, error: Exception | None = None) -> Fault:
        """Return the error that tells what is wrong with this layer, whose it is, and where to mend it."""
        message = f"layer `{self.name}` of {self.owner} is faulty: {what}"
        return Fault(message, f"mend it at {place(function or self.function, error)}")

    @cached_property
    def tensors(self) -> tuple[str, ...]:
        """The parameters of the function that are weights."""
        names = list(signature(self.function).parameters)[1:]
        return tuple(name for name in names if name not in {arg.name for arg in self.args})

    def _hold_signature(self) -> None:
        parameters = list(signature(self.function).parameters.values())
        if not NAME.fullmatch(self.name):
            raise self.fault("a layer is called by lower-case letters, digits and `_`")
        if any(p.kind in {Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL} for p in parameters) or not parameters:
            raise self.fault("its function takes what flows, then each weight and argument by its name")
        given = {p.name for p in parameters[1:]}
        for arg in self.args:
            if not isinstance(arg, Arg) or arg.kind not in KINDS or (arg.kind == "word") != bool(arg.words):
                raise self.fault(f"{arg!r} is no argument: the kinds are {', '.join(KINDS)}, and a word has its words")
            if not _is_default(arg):
                raise self.fault(f"the default of `{arg.name}`, {arg.default!r}, is not of kind `{arg.kind}`")
            if not NAME.fullmatch(arg.name) or arg.name in TAKEN or arg.name not in given:
                raise self.fault(f"its function takes no `{arg.name}`, or can't: {', '.join(sorted(TAKEN))} are taken")

    def _ask(self, name: str, args: Args, *flows: Flow) -> tuple[list[Any], list[int] | None]:
        """Return what a rule says for each distinct row, and which of these each row has."""
        rule = self.rules[name]
        inputs = tuple((flow.channels, flow.grid) for flow in flows)

        def plain(sizes: tuple[Any, ...], values: tuple[Any, ...]) -> Any:
            seen = [flow._replace(channels=c, grid=grid) for flow, (c, grid) in zip(flows, sizes, strict=True)]
            named = self._named(dict(zip((arg.name for arg in self.args), values, strict=True)), seen[0])
            try:
                return self._held(name, rule(*seen, **named), seen)
            except ShapeError as error:
                if isinstance(error, Fault):
                    raise
                raise ShapeError("SD0207", error.message, error.help) from error
            except Exception as error:
                shown = on(seen[0], named)
                raise self.fault(f"its {name} rule raises {told(error)} on {shown}", rule, error) from error

        return by_row(plain, (inputs, tuple(args[arg.name] for arg in self.args)))

    def _named(self, args: Args, flow: Flow) -> dict[str, Any]:
        """Return the arguments as functions of users take them: kinds of `axes` as one size per axis."""
        spread_out = {arg.name for arg in self.args if arg.kind == "axes"}
        return {k: axes(v, flow.grid, k) if k in spread_out else v for k, v in args.items()}

    def _held(self, name: str, value: Any, flows: list[Flow]) -> Any:
        """Return what a rule gave when it is what such a rule gives."""
        wrong = {"shape": _wrong_flow, "weights": self._wrong_weights, "macs": _wrong_number}[name](value)
        if wrong:
            raise self.fault(f"its {name} rule returns {wrong} for {flows[0]}", self.rules[name])
        return value

    def _wrong_weights(self, value: Any) -> str:
        if not isinstance(value, Mapping):
            return f"{value!r}, which is no dict of weights,"
        for name, weight in value.items():
            if name not in self.tensors:
                return f"a weight `{name}`, which its function does not take,"
            if not isinstance(weight, Weight) or weight.init not in INITS:
                return f"{weight!r}, which is no `Weight` started by one of {', '.join(INITS)},"
            if not _are_sizes(weight.shape) or not 1 <= len(weight.shape) <= MOST_AXES:
                return f"a weight `{name}` of shape {weight.shape!r}"
        missing = [name for name in self.tensors if name not in value and self._needs(name)]
        return f"no weight `{missing[0]}`, which its function takes," if missing else ""

    def _needs(self, name: str) -> bool:
        return signature(self.function).parameters[name].default is Parameter.empty

    # -- the layer, for many architectures at once --------------------------------------------------

    def _shape(self, flow: Flow, args: Args) -> Flow:
        if flow.raw:
            raise ShapeError("SD0207", f"`{self.name}` can't take {flow.kind}", "put `embedding(…)` before it")
        if "shape" not in self.rules:
            return flow
        found, index = self._ask("shape", args, flow)
        if len({out.kind for out in found}) > 1:
            raise self.fault("its shape rule makes flows of different kinds", self.rules["shape"])
        grid = zip(*(out.grid for out in found), strict=True)
        sizes = tuple(spread(list(axis), index) for axis in grid)
        first: Flow = found[0]
        return first._replace(channels=spread([out.channels for out in found], index), grid=sizes)

    def _weights(self, flow: Flow, args: Args) -> dict[str, Weight]:
        if "weights" not in self.rules:
            missing = [name for name in self.tensors if self._needs(name)]
            if missing:
                raise self.fault(f"its function takes `{missing[0]}`, which is no argument, and no rule gives weights")
            return {}
        found, index = self._ask("weights", args, flow)
        result = {}
        for name in dict.fromkeys(name for weights in found for name in weights):
            those = [weights[name] for weights in found if name in weights]
            rank = len(those[0].shape)
            if any(len(weight.shape) != rank for weight in those):
                raise self.fault(f"its weight `{name}` has different numbers of axes", self.rules["weights"])
            # where a row has no such weight, one of no numbers stands for it
            shapes = [tuple(w[name].shape) if name in w else (0,) * rank for w in found]
            sizes = tuple(spread(list(axis), index) for axis in zip(*shapes, strict=True))
            result[name] = Weight(sizes, those[0].init)
        return result

    def _macs(self, flow: Flow, out: Flow, args: Args) -> Size:
        return spread(*self._ask("macs", args, flow, out)) if "macs" in self.rules else 0

    def _lower(self, graph: Lowering, x: Any, args: Args, weights: Mapping[str, Any]) -> Any:
        from smashdsl.ops.trial import hold_function  # needs tensors

        flow: Flow = args["flow"]
        named = self._named({arg.name: args[arg.name] for arg in self.args}, flow)
        hold_function(self, flow, self._shape(flow, args), named, self._weights(flow, args))
        return graph.call(self.function, x, **weights, **named)


def _is_default(arg: Arg) -> bool:
    if arg.required:
        return True
    if arg.kind == "word":
        return arg.default in arg.words
    types: dict[str, tuple[type, ...]] = {"flag": (bool,), "number": (int, float)}
    return type(arg.default) in types.get(arg.kind, (int,)) or (arg.kind == "size" and arg.default == "channels")


def _are_sizes(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(type(size) is int and size >= 1 for size in value)


def _wrong_flow(value: Any) -> str:
    if not isinstance(value, Flow):
        return f"{value!r}, which is no `Flow`,"
    good = type(value.grid) is tuple and _are_sizes((value.channels, *value.grid))
    return "" if good else f"{value!r}, whose sizes are no whole numbers from 1,"


def _wrong_number(value: Any) -> str:
    return "" if type(value) is int and value >= 0 else f"{value!r}, which is no whole number from 0,"


def layer(name: str, *, args: Sequence[Arg] = (), version: str | int = 1) -> Callable[[Callable[..., Any]], UserLayer]:
    """Make a layer of the language out of a function: the decorator.

    The function takes what flows, a tensor (n, channels, *grid), then its weights and arguments by name, and returns a
    tensor (n, channels, *grid); it changes nothing in place and holds no state. ``version`` is part of the hash of
    every space that uses the layer: raise it whenever the layer comes to mean something else.

    Raises `Fault` for a name that means something else already, and for a function that does not fit.
    """

    def decorate(function: Callable[..., Any]) -> UserLayer:
        made = UserLayer(name, function, args, str(version))
        if name in LAYERS:
            raise made.fault(f"`{name}` is a layer of the language")
        known = USER_LAYERS.get(name)
        if known is not None and _origin(known.function) != _origin(function):
            raise made.fault(f"{known.owner} has a layer `{name}` already, at {place(known.function)}")
        USER_LAYERS[name] = made  # a module that is imported again gives the same layer anew
        FUNCTIONS[function] = made
        return made

    return decorate


def _origin(function: Callable[..., Any]) -> tuple[str, str]:
    return function.__module__, function.__qualname__


def expect(condition: bool, message: str, help: str | None = None) -> None:
    """Raise, in a rule, that the layer can't take what arrives, unless the condition holds.

    ``message`` is one lower-case phrase in the words of whoever writes a spec; ``help`` is the way out.
    """
    if not condition:
        raise ShapeError("SD0207", message, help)
