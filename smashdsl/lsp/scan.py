"""Words to outline: what is declared and used, read off brackets and the words around a name.

The parser gives no tree for a text with an error, and a text that is being written nearly always has one. So this looks
at words only, never fails, and on texts that parse it agrees with `resolve` about every name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from lark import Token

from smashdsl.lang.syntax.grammar import CLOSER
from smashdsl.lang.text.source import Span
from smashdsl.lsp.symbols import Call, Kind, Outline, Role, Symbol, Use

Place = Literal["file", "space", "members", "body", "value", "args", "formals", "index"]
VALUES = frozenset({"value", "args", "formals", "index"})  # places between round and square brackets, and of choices
OPERANDS = frozenset(
    {"NAME", "NUMBER", "DIMS", "STRING", "RPAR", "RBRACE", "RSQB", "LAST", "ALL", "BANKS", "SUM", "MEAN", "MAX"}
)
DEFINERS: dict[str, Kind] = {"OP": "op", "CELL": "cell", "BLOCK": "block", "SPACE": "space", "PARAM": "param"}
COMBINERS = frozenset({"SUM", "PRODUCT", "CONCAT", "MEAN", "MAX"})
# Where a statement may stand: a bracket that is still open further inside was forgotten.
HOMES: dict[str, tuple[Place, ...]] = {
    **dict.fromkeys(("IMPORT", "SPACE"), ("file",)),
    **dict.fromkeys(("INPUT", "OUTPUT", "STEM", "HEAD", "REQUIRE", "BLOCK", "BODY"), ("space",)),
    **dict.fromkeys(("CELL", "TIED"), ("space", "file")),
    "PARAM": ("members", "space", "file"),
    **dict.fromkeys(("OPS", "FOR", "INPUTS", "ENTRY", "TRANSITION", "YIELD"), ("members",)),
    **dict.fromkeys(("LET", "READ", "WRITE", "CHOOSE", "MAYBE", "REPEAT"), ("body",)),
}


@dataclass
class Frame:
    """A bracket that is open. ``ends`` are declarations whose scope ends with it, ``lets`` those that a `|` ends."""

    place: Place
    opener: str = ""
    owner: Symbol | None = None
    defines: Symbol | None = None
    statement: str = ""
    call: Call | None = None
    argument: str | int | None = None
    function: str = ""
    ends: list[Symbol] = field(default_factory=list)
    lets: list[Symbol] = field(default_factory=list)


@dataclass
class Head:
    """What was read of a statement whose body has not opened yet."""

    place: Place = "body"
    defines: Symbol | None = None
    ends: list[Symbol] = field(default_factory=list)


def scan(tokens: Sequence[Token], file: str = "") -> Outline:
    """Return the outline of some words."""
    return _Scanner(tokens, file).run()


class _Scanner:
    def __init__(self, tokens: Sequence[Token], file: str) -> None:
        self.tokens, self.file = tokens, file
        self.out = Outline()
        self.stack = [Frame("file")]
        self.head = Head()
        self.param: Symbol | None = None  # whose value is being read
        self.end = _span(tokens[-1]).end if tokens else 0

    def run(self) -> Outline:
        for i, token in enumerate(self.tokens):
            if token.type in CLOSER:
                self.open(i)
            elif token.type in CLOSER.values():
                self.close(token)
            elif token.type == "NAME":
                self.name(i)
            elif token.type in {"SEMICOLON", "BAR"}:
                self.separate(token)
            elif token.type == "COMMA" and self.top.place == "args":
                self.next_argument()
            elif token.type == "STRING" and self.type_at(i - 1) == "IMPORT":
                self.out.imports.append((str(token)[1:-1], _span(token)))
            elif self.starts_statement(i):
                self.begin(i)
            if self.param is not None:
                self.param.whole = Span(self.param.whole.start, _span(token).end)
        while len(self.stack) > 1:
            self.pop(self.end + 1)
        return self.out

    @property
    def top(self) -> Frame:
        return self.stack[-1]

    def type_at(self, i: int) -> str:
        return self.tokens[i].type if 0 <= i < len(self.tokens) else ""

    def starts_line(self, i: int) -> bool:
        return i == 0 or self.tokens[i - 1].line != self.tokens[i].line

    # -- brackets -----------------------------------------------------------------------------

    def open(self, i: int) -> None:
        token, before = self.tokens[i], self.type_at(i - 1)
        if token.type == "LBRACE" and self.opens_body(before):
            self.unwind()
            head, self.head = self.head, Head()
            self.param = None
            owner = head.defines if head.defines is not None and head.defines.kind != "space" else self.top.owner
            self.stack.append(Frame(head.place, "LBRACE", owner, head.defines, ends=head.ends))
            return
        outer = self.top
        frame = Frame("value", token.type, outer.owner, statement=outer.statement)
        frame.call, frame.argument = outer.call, outer.argument
        used = self.out.uses[-1] if self.out.uses and before == "NAME" else None
        if token.type == "LPAR" and used is not None:
            if used.role == "declared" and self.head.defines is not None and self.head.defines.span == used.span:
                frame.place, frame.owner = "formals", self.head.defines
            elif used.role in {"layer", "op"}:
                frame.place, frame.call = "args", Call(used.name, used.span.start, _span(token).end, self.end + 1)
                frame.call.through = self.type_at(i - 2) == "THROUGH"
                frame.argument = 0
                self.out.calls.append(frame.call)
            elif used.role == "function":
                frame.function = used.name
        elif token.type == "LSQB" and self.top.statement == "BLOCK" and self.head.defines is not None:
            frame.place, frame.owner = "index", self.head.defines
        self.stack.append(frame)

    def opens_body(self, before: str) -> bool:
        keywords = {"STEM", "BODY", "HEAD", "OP", "ENTRY", "TRANSITION", "CHOOSE", "MAYBE", *COMBINERS}
        if before == "OF" or self.top.place in VALUES:
            return False
        return before in keywords or (before in OPERANDS and before != "ALL")

    def close(self, token: Token) -> None:
        opener = next(name for name, closer in CLOSER.items() if closer == token.type)
        depth = len(self.stack) - 1
        while self.stack[depth].place in VALUES and self.stack[depth].opener != opener:
            depth -= 1
        if self.stack[depth].place in VALUES:
            while len(self.stack) > depth:
                self.pop(_span(token).start)
        elif opener == "LBRACE":
            self.unwind()
            if len(self.stack) > 1:
                self.pop(_span(token).end)
                self.top.statement, self.head, self.param = "", Head(), None

    def unwind(self) -> None:
        """Drop brackets of values that were never closed."""
        while self.top.place in VALUES:
            self.pop(self.end + 1)

    def pop(self, end: int) -> None:
        frame = self.stack.pop()
        if frame.call is not None and frame.place == "args":
            frame.call.end = end
        for symbol in (*frame.ends, *frame.lets):
            symbol.scope = Span(symbol.scope.start, end)
        if frame.defines is not None:
            frame.defines.whole = Span(frame.defines.whole.start, min(end, self.end))

    def separate(self, token: Token) -> None:
        self.unwind()
        self.top.statement, self.head = "", Head()
        if token.type == "BAR":
            for symbol in self.top.lets:
                symbol.scope = Span(symbol.scope.start, _span(token).start)
            self.top.lets = []

    def next_argument(self) -> None:
        frame = self.top
        assert frame.call is not None
        frame.call.position += 1
        frame.argument = frame.call.position

    # -- statements ---------------------------------------------------------------------------

    def starts_statement(self, i: int) -> bool:
        kind, before = self.tokens[i].type, self.type_at(i - 1)
        if kind in COMBINERS:
            return self.type_at(i + 1) == "LBRACE" and before != "BY"
        if kind == "BANKS":
            fresh = self.starts_line(i) or before in {"LBRACE", "RBRACE", "SEMICOLON"}
            return self.top.place == "members" and fresh and before not in {"OF", "IN"}
        return kind in HOMES or kind == "OP"

    def begin(self, i: int) -> None:
        token = self.tokens[i]
        homes = HOMES.get(token.type, ())
        if token.type == "OP":
            homes = ("space", "file") if self.type_at(i + 1) == "NAME" else ("members",)
        self.unwind()
        while homes and self.top.place not in homes and any(frame.place in homes for frame in self.stack):
            self.pop(_span(token).start)
        self.top.statement = token.type
        self.param = None
        if token.type == "CELL" and self.type_at(i - 1) == "TIED":
            return
        self.head = Head("members" if token.type in {"CELL", "TIED", "BLOCK", "FOR"} else "body")
        if token.type == "SPACE":
            self.head.place = "space"

    # -- names --------------------------------------------------------------------------------

    def name(self, i: int) -> None:
        token, before = self.tokens[i], self.type_at(i - 1)
        at, frame = _span(token), self.top
        definer = DEFINERS.get(before)
        if definer is not None:
            self.define(token, definer, self.tokens[i - 2] if self.type_at(i - 2) == "TIED" else self.tokens[i - 1])
            return
        local = self.declares(i)
        if local is not None:
            self.declare_local(token, local)
            return
        role = self.role(i)
        if role == "layer":
            self.unwind()
            frame = self.top
            frame.statement = "" if frame.statement != "LET" else "LET"
        use = Use(str(token), at, role, frame.call, frame.argument, frame.statement, frame.owner)
        use.first = frame.place == "args" and before in {"LPAR", "COMMA"}
        if role == "argument":
            assert frame.call is not None
            frame.argument = use.argument = str(token)
            frame.call.given.append(str(token))
        self.out.uses.append(use)

    def declares(self, i: int) -> Kind | None:
        """Return what kind of local declaration a name is, or None."""
        place, statement = self.top.place, self.top.statement
        before, after = self.type_at(i - 1), self.type_at(i + 1)
        if place == "formals" and before in {"LPAR", "COMMA"}:
            return "formal"
        if place == "index" and after == "IN":
            return "index"
        if place == "members" and statement == "FOR" and after == "IN":
            return "loop"
        if place == "space" and before == "OUTPUT":
            return "output"
        if statement == "LET" and place == "body" and before in {"LET", "COMMA"}:
            return "let"
        return None

    def role(self, i: int) -> Role:
        frame, before, after = self.top, self.type_at(i - 1), self.type_at(i + 1)
        if before == "BY":
            return "join"
        if before == "THROUGH":
            return "op"
        if frame.place == "args" and after == "EQUAL":
            return "argument"
        if frame.place == "value" and frame.function == "count" and frame.statement == "REQUIRE":
            return "op"
        if frame.place in VALUES:
            return "function" if after == "LPAR" else "value"
        if before == "INPUT":
            return "input"
        if before == "OF" and frame.statement in {"READ", "WRITE", "YIELD"}:
            return "pool"
        if before == "OF" and frame.statement == "OPS":
            return "op"
        if frame.place == "body" and self.is_layer(before, after):
            return "layer"
        if (
            frame.place != "body"
            and (self.starts_line(i) or before in {"LBRACE", "RBRACE"})
            and before in (OPERANDS | {"LBRACE", "VERSION", ""})
        ):
            return "declared"  # a member begins with a reserved word: this is none yet
        return "function" if after == "LPAR" else "value"

    def is_layer(self, before: str, after: str) -> bool:
        statement = self.top.statement
        if after == "COLON":
            return False
        if statement in {"READ", "WRITE"}:
            return before in OPERANDS
        return statement not in {"MAYBE", "REPEAT"} and not (statement == "LET" and before in {"LET", "COMMA"})

    def define(self, token: Token, kind: Kind, keyword: Token) -> None:
        whole = Span(_span(keyword).start, _span(token).end)
        symbol = Symbol(str(token), kind, _span(token), whole, Span(0, self.end + 1), file=self.file)
        self.declared(symbol)
        if kind == "param":
            self.param = symbol
        else:
            self.head.defines = symbol

    def declare_local(self, token: Token, kind: Kind) -> None:
        at = _span(token)
        owner = self.head.defines if kind in {"formal", "index"} else self.top.owner
        scope = Span(0 if kind == "output" else at.start, self.end + 1)
        symbol = Symbol(str(token), kind, at, at, scope, owner, file=self.file)
        self.declared(symbol)
        if kind == "let":
            self.top.lets.append(symbol)
        elif kind != "output":
            self.head.ends.append(symbol)
        if kind == "formal" and owner is not None:
            owner.formals.append(symbol)

    def declared(self, symbol: Symbol) -> None:
        self.out.symbols.append(symbol)
        self.out.uses.append(Use(symbol.name, symbol.span, "declared", owner=symbol.owner))


def at_cursor(text: str, tokens: Sequence[Token], offset: int) -> Use:
    """Return what a name that stood at the cursor would be, from the words before it alone."""
    before = [token for token in tokens if _span(token).end <= offset]
    line = text.count("\n", 0, offset) + 1
    marker = Token("NAME", "", start_pos=offset, line=line, end_line=line, end_pos=offset)
    uses = _Scanner([*before, marker], "").run().uses
    return next(use for use in reversed(uses) if use.span == Span(offset, offset))


def _span(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)
