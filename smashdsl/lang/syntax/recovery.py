"""Parsing that goes on after a syntax error.

Recovery is panic mode with snapshots: the parser's state is kept at the start of each statement; after an error the
statement is dropped and parsing goes on at the next `;`, brace, or line that starts a statement. A brace that is never
closed, and one that closes too much, make everything after them read wrongly: they are reported alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lark import Token
from lark.exceptions import UnexpectedToken

from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.grammar import CLOSER, expected, keywords, lark, span_of, spelling, starters
from smashdsl.lang.text.diagnostics import Diagnostic, Label, Sink, did_you_mean
from smashdsl.lang.text.source import Span

OUTER = frozenset({"INPUT", "OUTPUT", "STEM", "BODY", "HEAD", "BLOCK", "CELL", "TIED", "REQUIRE", "PARAM"})
OPERATORS = frozenset("+-*/")
INSIDE_SPACE = OUTER - {"CELL", "TIED", "PARAM"}


class _Snapshot(NamedTuple):
    parser: Any
    open: tuple[Token, ...]


class Recovery:
    """Feeds tokens to Lark one by one, and drops a statement for each error."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.parser: Any = lark().parse_interactive("")
        self.open: list[Token] = []  # brackets that are not closed yet
        self.tokens: list[Token] = []
        self.lost = False  # whether no place to go on was found after an error
        # by depth of braces: the state at the start of the statement that is being read there
        self.snapshots: dict[int, _Snapshot] = {0: self._snapshot()}

    @property
    def depth(self) -> int:
        return sum(token.type == "LBRACE" for token in self.open)

    def _copy(self) -> Any:
        return self.parser.copy(deepcopy_values=False)

    def _snapshot(self) -> _Snapshot:
        return _Snapshot(self._copy(), tuple(self.open))

    def run(self, tokens: list[Token]) -> s.File | None:
        """Return the tree of some tokens, or None after reporting what is wrong with them."""
        return self._finish() if self.read(tokens) else None

    def accepts(self) -> set[str]:
        """Return the terminals that may follow what was read; in a wrong statement, those that may start one."""
        parser = self.snapshots[self.depth].parser if self.lost else self.parser
        return set(parser.accepts())

    def read(self, tokens: list[Token]) -> bool:
        """Feed tokens, reporting what is wrong; return whether what may follow can still be read."""
        self.tokens = tokens
        i = 0
        line: int | None = None
        while i < len(tokens):
            token = tokens[i]
            if self._starts_line(i) and token.type in starters() and self._between_statements():
                self.snapshots[self.depth] = self._snapshot()
            before = self._copy()
            try:
                self.parser.feed_token(token)
            except UnexpectedToken:
                accepts = before.accepts()
                diagnostic, last = self._describe(accepts, i)
                # a second mistake on a line mostly follows from the first
                if token.line != line:
                    self.sink.add(diagnostic)
                line = token.line
                if last:
                    return False
                if token.type == "RBRACE" and "BAR" in accepts:
                    self.parser = before
                    self.parser.feed_token(Token.new_borrow_pos("BAR", "|", token))
                else:
                    i = self._resume(i)
                continue
            self._note(token)
            i += 1
        return True

    def _starts_line(self, i: int) -> bool:
        return i == 0 or self.tokens[i - 1].line != self.tokens[i].line

    def _between_statements(self) -> bool:
        return not self.open or self.open[-1].type == "LBRACE"

    def _note(self, token: Token) -> None:
        if token.type in CLOSER:
            self.open.append(token)
        elif token.type in CLOSER.values():
            self.open.pop()
        if token.type in {"LBRACE", "RBRACE", "SEMICOLON"}:
            self.snapshots[self.depth] = self._snapshot()

    def _resume(self, i: int) -> int:
        """Restore the state before the broken statement and return where to go on."""
        self.lost = True
        here = depth = self.depth
        first = i
        while i < len(self.tokens):
            token = self.tokens[i]
            starts = i > first and self._starts_line(i) and token.type in starters()
            if token.type == "RBRACE" and depth > here:
                depth -= 1
            elif token.type == "LBRACE":
                depth += 1
            elif depth == here and (token.type in {"SEMICOLON", "RBRACE"} or starts) and self._restore(token, here):
                return i + 1 if token.type == "SEMICOLON" else i
            i += 1
        return i

    def _restore(self, token: Token, depth: int) -> bool:
        snapshot = self.snapshots[depth]
        if token.type != "SEMICOLON":
            try:
                snapshot.parser.copy(deepcopy_values=False).feed_token(token)
            except UnexpectedToken:
                return False
        self.parser = snapshot.parser.copy(deepcopy_values=False)
        self.open = list(snapshot.open)
        self.lost = False
        return True

    # -- messages -----------------------------------------------------------------------------

    def _describe(self, accepts: set[str], i: int) -> tuple[Diagnostic, bool]:
        """Return what is wrong at a token, and whether what follows it would only read wrongly."""
        token = self.tokens[i]
        at, top = span_of(token), self.open[-1] if self.open else None
        if top is not None and top.type != "LBRACE" and self._is_left_open(top, i):
            return self._bracket(top, token), False
        if token.type in OUTER and top is not None and self._starts_line(i) and _unclosed(self.tokens):
            label = Label(at, f"`{token}` can't stand inside it")
            message = "`{` is never closed"
            return Diagnostic("SD0004", message, span_of(top), others=(label,), help="add `}` before this"), True
        if top is None and token.type == "RBRACE":
            return Diagnostic("SD0003", "`}` closes nothing", at, help="drop it"), True
        if top is None and token.type in INSIDE_SPACE:
            before = Label(span_of(self.tokens[i - 1]), "this ends the space") if i else None
            help = "a `}` too many stands before it" if before else None
            message = f"`{token}` stands outside the space"
            return Diagnostic("SD0003", message, at, others=(before,) if before else (), help=help), True
        if self._starts_line(i) and self._between_statements() and _surplus(self.tokens) and token.type != "RBRACE":
            message = f"`{token}` can't stand here"
            return Diagnostic("SD0003", message, at, help="a `}` too many stands before it"), True
        return self._misplaced(token, self.tokens[i - 1] if i else None, accepts), False

    def _is_left_open(self, top: Token, i: int) -> bool:
        """Return whether a round or square bracket has no end before its statement has."""
        inner: list[Token] = []
        for token in self.tokens[i:]:
            if token.type in CLOSER:
                inner.append(token)
            elif token.type in CLOSER.values():
                if not inner:
                    return token.type != CLOSER[top.type]
                inner.pop()
            elif token.type == "SEMICOLON" and not inner:
                return True
        return True

    def _bracket(self, top: Token, token: Token) -> Diagnostic:
        close = spelling()[CLOSER[top.type]]
        if token.type in CLOSER.values() and token.type != "RBRACE":
            label = Label(span_of(top), "opened here")
            message = f"`{top}` is closed by `{token}`"
            return Diagnostic("SD0004", message, span_of(token), others=(label,), help=f"close it with {close}")
        return Diagnostic("SD0004", f"`{top}` is never closed", span_of(top), help=f"add {close}")

    def _misplaced(self, token: Token, previous: Token | None, accepts: set[str]) -> Diagnostic:
        message, at = f"`{_shown(token)}` can't stand here", span_of(token)
        help = expected(accepts)
        if token.type == "NAME":
            words = [word for word, terminal in keywords().items() if terminal in accepts]
            help = did_you_mean(str(token), words) or help
        elif token.type == "LBRACE" and previous is not None and previous.type == "NAME":
            suggestion = did_you_mean(str(previous), keywords())
            if suggestion:
                return Diagnostic("SD0003", f"`{previous}` takes no body", span_of(previous), help=suggestion)
        elif token.type == "RBRACE" and "BAR" in accepts:
            message, help = "a join has at least two paths", "put `|` between them: `sum { identity | relu }`"
        elif token.type == "SEMICOLON" and "RBRACE" in accepts:
            help = "drop it: `;` stands between layers only"
        elif str(token) in OPERATORS and "COLON" in accepts:
            message, help = "a weight is a constant", "write a number, or the name of a `param`"
        elif token.type == "RPAR" and "RPAR" not in accepts and not any(t.type == "LPAR" for t in self.open):
            message, help = "`)` closes nothing", "drop it"
        elif str(token) in keywords() and "NAME" in accepts and "LET" not in accepts:
            message, help = f"`{token}` is a reserved word and can't be a name", "choose another name"
        return Diagnostic("SD0003", message, at, help=help)

    def _finish(self) -> s.File | None:
        unclosed = _unclosed(self.tokens)
        end = self.tokens[-1] if self.tokens else None
        before = self._copy()
        try:
            tree: s.File = self.parser.feed_eof(end)
        except UnexpectedToken:
            if self.sink.failed or end is None:
                return None
            if unclosed is not None:
                close = spelling()[CLOSER[unclosed.type]]
                self.sink.error("SD0004", f"`{unclosed}` is never closed", span_of(unclosed), help=f"add {close}")
            else:
                at = Span(span_of(end).end, span_of(end).end + 1)
                message = "the file ends in the middle of a statement"
                self.sink.error("SD0003", message, at, help=expected(before.accepts()))
            return None
        return tree


def _shown(token: Token) -> str:
    return token if len(token) <= 40 else token[:37] + "..."


def _surplus(tokens: list[Token]) -> bool:
    return sum((token.type == "LBRACE") - (token.type == "RBRACE") for token in tokens) < 0


def _unclosed(tokens: list[Token]) -> Token | None:
    stack: list[Token] = []
    for token in tokens:
        if token.type in CLOSER:
            stack.append(token)
        elif token.type in CLOSER.values() and stack and CLOSER[stack[-1].type] == token.type:
            stack.pop()
    return stack[-1] if stack else None
