"""Names bound to what they mean, by the rules of `resolve`, on an outline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from smashdsl.lang.typed.expressions import WEIGHT_WORDS
from smashdsl.lang.typed.scope import RESERVED
from smashdsl.lang.typed.statements import SOURCE
from smashdsl.lsp.symbols import Call, Outline, Symbol, Use
from smashdsl.ops import LAYERS, Arg, LayerOp, ShapeError
from smashdsl.ops.table import USER_LAYERS

FLAGS = ("true", "false")


class LayerArgument(NamedTuple):
    """An argument of a layer of the language."""

    layer: LayerOp
    arg: Arg


class Word(NamedTuple):
    """A word that stands for itself: of an argument, a context name, a pool, a join, a kind of input."""

    text: str


Meaning: TypeAlias = Symbol | LayerOp | LayerArgument | Word


def layer_named(name: str) -> LayerOp | None:
    """Return the layer of a name, or None.

    One of a package is known once a compilation has imported the package, which may take seconds.
    """
    if name in LAYERS or name not in USER_LAYERS:
        return LAYERS.get(name)
    try:
        return USER_LAYERS[name].op
    except ShapeError:  # the package is at fault, which the compilation tells
        return None


@dataclass
class Names:
    """The names of one text, with what it imports and what every text has."""

    outline: Outline
    imported: Mapping[str, Symbol] = field(default_factory=dict)

    def meaning(self, use: Use) -> Meaning | None:
        """Return what a name means, or None when it is not declared."""
        match use.role:
            case "declared":
                return next((s for s in self.outline.by_name.get(use.name, ()) if s.span == use.span), None)
            case "layer" | "op":
                return self.callee(use.name, use.span.start)
            case "argument":
                return self._argument(use.call, use.name)
            case "value":
                return self._value(use)
        return Word(use.name)

    def callee(self, name: str, offset: int) -> Symbol | LayerOp | None:
        """Return the layer, op, cell or `let` that a name calls."""
        found = self._visible(name, offset, lambda s: s.kind in {"let", "op", "cell"})
        return found or layer_named(name)

    def signature(self, call: Call) -> list[tuple[str, Meaning]]:
        """Return the arguments that a call may give, in order."""
        callee = self.callee(call.callee, call.at)
        if isinstance(callee, LayerOp):
            return [(arg.name, LayerArgument(callee, arg)) for arg in callee.args]
        formals: list[tuple[str, Meaning]]
        formals = [] if callee is None else [(formal.name, formal) for formal in callee.formals]
        # a read gives this one itself: the index of the bank
        return [entry for entry in formals if not (call.through and entry[0] == SOURCE)]

    def current(self, use: Use) -> tuple[str, Meaning] | None:
        """Return the argument that a name stands in the value of."""
        if use.call is None or use.argument is None:
            return None
        signature = self.signature(use.call)
        if isinstance(use.argument, int):
            return signature[use.argument] if use.argument < len(signature) else None
        return next((entry for entry in signature if entry[0] == use.argument), None)

    def earlier(self, use: Use) -> list[tuple[str, Meaning]]:
        """Return the arguments of the call that a value may speak of by name."""
        current = self.current(use)
        if use.call is None or current is None:
            return []
        signature = self.signature(use.call)
        return signature[: [name for name, _ in signature].index(current[0])]

    def words(self, use: Use) -> tuple[str, ...]:
        """Return the words that may stand for themselves where a value is used."""
        current = self.current(use)
        if current is None or not isinstance(current[1], LayerArgument):
            return FLAGS
        arg = current[1].arg
        return {"word": arg.words, "flag": FLAGS, "weights": WEIGHT_WORDS}.get(arg.kind, ())

    def _argument(self, call: Call | None, name: str) -> Meaning | None:
        signature = [] if call is None else self.signature(call)
        return next((meaning for given, meaning in signature if given == name), None)

    def _value(self, use: Use) -> Meaning | None:
        earlier = [meaning for name, meaning in self.earlier(use) if name == use.name]
        if earlier:
            return earlier[0]
        inner = self._visible(use.name, use.span.start, lambda s: s.kind in {"formal", "index", "loop"})
        if inner is not None:
            return inner
        if use.name in self.words(use):
            return Word(use.name)
        found = self._visible(use.name, use.span.start, lambda s: s.kind in {"param", "output"})
        if found is not None:
            return found
        return Word(use.name) if use.name in RESERVED else self._word_of_any(use)

    def _word_of_any(self, use: Use) -> Word | None:
        # the value of a param or a formal may be a word that some layer takes
        known = {word for layer in LAYERS.values() for arg in layer.args for word in arg.words}
        return Word(use.name) if use.name in known | set(FLAGS) else None

    def _visible(self, name: str, offset: int, wanted: Callable[[Symbol], bool]) -> Symbol | None:
        for symbol in self.outline.visible(offset, name):
            if wanted(symbol):
                return symbol
        imported = self.imported.get(name)
        return imported if imported is not None and wanted(imported) else None
