"""Parsing that goes on after a syntax error.

Recovery is panic mode with snapshots: the parser's stack is kept at the start of each statement; after an error the
statement is dropped and parsing goes on at the next `;`, brace, or line that starts a statement. A brace that is never
closed, and one that closes too much, make everything after them read wrongly: they are reported alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from lark import Token

from smashdsl.lang.syntax import automaton
from smashdsl.lang.syntax.automaton import Stack, shifted
from smashdsl.lang.syntax.grammar import CLOSER, expected, fixed, keywords, span_of, spelling, starters
from smashdsl.lang.syntax.habits import explained
from smashdsl.lang.syntax.place import Place
from smashdsl.lang.syntax.repair import repaired
from smashdsl.lang.text.diagnostics import Diagnostic, Edit, Label, Sink, closest
from smashdsl.lang.text.source import Span

OUTER = frozenset({"INPUT", "OUTPUT", "STEM", "BODY", "HEAD", "BLOCK", "CELL", "TIED", "REQUIRE", "PARAM"})
OPERATORS = frozenset("+-*/")
INSIDE_SPACE = OUTER - {"CELL", "TIED", "PARAM"}
POOL = frozenset({"NAME", "BANKS"})  # what may stand where banks are taken from a pool, and nowhere else
FARTHEST = 1000  # words that are looked through for the end of a bracket


class _Snapshot(NamedTuple):
    stack: Stack
    open: tuple[int, ...]


class Recovery:
    """Reads tokens that are no spec one by one, and drops a statement for each error; no tree comes of it."""

    def __init__(self, sink: Sink, tokens: list[Token]) -> None:
        self.sink = sink
        self.tokens = tokens
        self.stack = automaton.start()
        self.open: tuple[int, ...] = ()  # places of brackets that are not closed yet
        self.depth = 0  # of braces
        self.lost = False  # whether no place to go on was found after an error
        # by depth of braces: the state at the start of the statement that is being read there
        self.snapshots: dict[int, _Snapshot] = {0: self._snapshot()}

    @cached_property
    def unclosed(self) -> Token | None:
        """The innermost bracket that nothing closes."""
        stack: list[Token] = []
        for token in self.tokens:
            if token.type in CLOSER:
                stack.append(token)
            elif token.type in CLOSER.values() and stack and CLOSER[stack[-1].type] == token.type:
                stack.pop()
        return stack[-1] if stack else None

    @cached_property
    def surplus(self) -> bool:
        """Whether more braces close than open."""
        return sum((token.type == "LBRACE") - (token.type == "RBRACE") for token in self.tokens) < 0

    def _snapshot(self) -> _Snapshot:
        return _Snapshot(self.stack, self.open)

    def run(self) -> None:
        """Report what is wrong with the tokens, and with their end."""
        if self.read():
            self._finish()

    def accepts(self) -> frozenset[str]:
        """Return the terminals that may follow what was read; in a wrong statement, those that may start one."""
        return automaton.accepts(self.snapshots[self.depth].stack if self.lost else self.stack)

    def read(self) -> bool:
        """Read the tokens, reporting what is wrong; return whether what may follow can still be read."""
        # a second mistake on a line mostly follows from the first
        lines = {self.sink.sources.of(found.span).position(found.span.start)[0] for found in self.sink.found}
        i = 0
        while i < len(self.tokens):
            token = self.tokens[i]
            if self._starts_line(i) and token.type in starters() and self._between_statements():
                self.snapshots[self.depth] = self._snapshot()
            after = shifted(self.stack, token.type)
            if after is not None:
                self.stack = after
                self._note(i)
                i += 1
                continue
            accepts = automaton.accepts(self.stack)
            if token.line not in lines:
                diagnostic, last = self._describe(Place(self.tokens, i, self.stack, self.open))
                self.sink.add(diagnostic)
                if last:
                    return False
            lines.add(token.line or 0)
            if token.type == "RBRACE" and "BAR" in accepts:
                self.stack = shifted(self.stack, "BAR") or self.stack
            else:
                i = self._resume(i)
        return True

    def _starts_line(self, i: int) -> bool:
        return i == 0 or self.tokens[i - 1].line != self.tokens[i].line

    def _between_statements(self) -> bool:
        return not self.open or self.tokens[self.open[-1]].type == "LBRACE"

    def _note(self, i: int) -> None:
        token = self.tokens[i]
        if token.type in CLOSER:
            self.open = (*self.open, i)
            self.depth += token.type == "LBRACE"
        elif token.type in CLOSER.values():
            self.depth -= self.tokens[self.open[-1]].type == "LBRACE"
            self.open = self.open[:-1]
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
        if token.type != "SEMICOLON" and shifted(snapshot.stack, token.type) is None:
            return False
        self.stack, self.open, self.depth, self.lost = snapshot.stack, snapshot.open, depth, False
        return True

    # -- messages -----------------------------------------------------------------------------

    def _describe(self, place: Place) -> tuple[Diagnostic, bool]:
        """Return what is wrong at a token, and whether what follows it would only read wrongly."""
        token, i = place.token(), place.i
        at, top = span_of(token), place.bracket if self.open else None
        if top is not None and top.type != "LBRACE" and self._is_left_open(top, i):
            return explained(place) or self._bracket(top, place), False
        if token.type in OUTER and top is not None and self._starts_line(i) and self.unclosed:
            label = Label(at, f"`{token}` can't stand inside it")
            message, fix = "`{` is never closed", (Edit(Span(at.start, at.start), "} "),)
            help = "add `}` before this"
            return Diagnostic("SD0004", message, span_of(top), others=(label,), help=help, fix=fix), True
        if top is None and token.type == "RBRACE":
            return Diagnostic("SD0003", "`}` closes nothing", at, help="drop it", fix=(Edit(at, ""),)), True
        if top is None and token.type in INSIDE_SPACE:
            return self._outside(place), True
        if self._starts_line(i) and self._between_statements() and self.surplus and token.type != "RBRACE":
            message = f"`{token}` can't stand here"
            return Diagnostic("SD0003", message, at, help="a `}` too many stands before it"), True
        return explained(place) or self._misplaced(place), False

    def _outside(self, place: Place) -> Diagnostic:
        token = place.token()
        message = f"`{token}` stands outside the space"
        if not place.i or not self.surplus:
            help = "put it into `space NAME { … }`"
            return Diagnostic("SD0003", message, span_of(token), help=help)
        if place.types(-2, "SPACE", "NAME"):
            at = span_of(place.token(-1))
            message, help = f"`{{` is missing after `{place.token(-1)}`", f"write `space {place.token(-1)} {{`"
            return Diagnostic("SD0003", message, at, help=help, fix=(Edit(Span(at.end, at.end), " {"),))
        before = Label(span_of(place.token(-1)), "this ends the space")
        fix = (Edit(before.span, ""),) if place.types(-1, "RBRACE") else ()
        help = "a `}` too many stands before it"
        return Diagnostic("SD0003", message, span_of(token), others=(before,), help=help, fix=fix)

    def _is_left_open(self, top: Token, i: int) -> bool:
        """Return whether a round or square bracket has no end before its statement has."""
        inner: list[Token] = []
        for token in self.tokens[i : i + FARTHEST]:
            if token.type in CLOSER:
                inner.append(token)
            elif token.type in CLOSER.values():
                if not inner:
                    return token.type != CLOSER[top.type]
                inner.pop()
            elif token.type == "SEMICOLON" and not inner:
                return True
        return True

    def _bracket(self, top: Token, place: Place) -> Diagnostic:
        close, token = CLOSER[top.type], place.token()
        if token.type in CLOSER.values() and token.type != "RBRACE":
            label = Label(span_of(top), "opened here")
            message, mend = f"`{top}` is closed by `{token}`", Edit(span_of(token), fixed()[close])
            help = f"close it with {spelling()[close]}"
            return Diagnostic("SD0004", message, span_of(token), others=(label,), help=help, fix=(mend,))
        end = span_of(place.token(-1)).end
        fix = (Edit(Span(end, end), fixed()[close]),) if place.starts_line() or token.type == "RBRACE" else ()
        return Diagnostic("SD0004", f"`{top}` is never closed", span_of(top), help=f"add {spelling()[close]}", fix=fix)

    def _misplaced(self, place: Place) -> Diagnostic:
        token, previous, accepts = place.token(), place.token(-1), place.accepts
        message, at = f"`{_shown(token)}` can't stand here", span_of(token)
        fix: tuple[Edit, ...] = ()
        if token.type == "NAME" and (near := closest(str(token), _words(accepts))) and "OF" not in accepts:
            return Diagnostic("SD0003", message, at, help=f"did you mean `{near}`?", fix=(Edit(at, near),))
        if token.type == "LBRACE" and previous.type == "NAME" and (near := closest(str(previous), keywords())):
            where, meant = span_of(previous), f"did you mean `{near}`?"
            return Diagnostic("SD0003", f"`{previous}` takes no body", where, help=meant, fix=(Edit(where, near),))
        help = expected(accepts)
        if token.type == "RBRACE" and "BAR" in accepts:
            message, help = "a join has at least two paths", "put `|` between them: `sum { identity | relu }`"
        elif accepts == POOL:
            message, help = f"`{token}` is no pool of banks", "a pool is `written`, `fresh`, `reachable` or `banks`"
        elif token.type in {"SEMICOLON", "RBRACE"} and previous.type in {"READ", "WRITE", "YIELD"}:
            message = f"`{previous}` does not say which banks"
            help = f"name them: `{previous} 0`, `{previous} [0, 1]`, `{previous} last`"
        elif token.type == "SEMICOLON" and "RBRACE" in accepts:
            help, fix = "drop it: `;` stands between layers only", (Edit(at, ""),)
        elif str(token) in OPERATORS and "COLON" in accepts:
            message, help = "a weight is a constant", "write a number, or the name of a `param`"
        elif (
            token.type == "RPAR" and "RPAR" not in accepts and not any(self.tokens[k].type == "LPAR" for k in self.open)
        ):
            message, help, fix = "`)` closes nothing", "drop it", (Edit(at, ""),)
        elif str(token) in keywords() and "NAME" in accepts and "LET" not in accepts:
            message, help = f"`{token}` is a reserved word and can't be a name", "choose another name"
        elif (found := repaired(place)) is not None:
            return found
        return Diagnostic("SD0003", message, at, help=help, fix=fix)

    def _finish(self) -> None:
        if self.sink.failed or not self.tokens or shifted(self.stack, "$END") is not None:
            return
        end = span_of(self.tokens[-1]).end
        if self.unclosed is not None:
            close = CLOSER[self.unclosed.type]
            fix = (Edit(Span(end, end), f"\n{fixed()[close]}"),)
            at, help = span_of(self.unclosed), f"add {spelling()[close]}"
            self.sink.add(Diagnostic("SD0004", f"`{self.unclosed}` is never closed", at, help=help, fix=fix))
        else:
            message = "the file ends in the middle of a statement"
            self.sink.error("SD0003", message, Span(end, end + 1), help=expected(automaton.accepts(self.stack)))


def _words(accepts: frozenset[str]) -> list[str]:
    return [word for word, terminal in keywords().items() if terminal in accepts]


def _shown(token: Token) -> str:
    return token if len(token) <= 40 else token[:37] + "..."
