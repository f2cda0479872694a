"""Text to syntax tree, with every syntax error of the text in one run.

Recovery is panic mode with snapshots: the parser's state is kept at the start of each statement; after an error the
statement is dropped and parsing goes on at the next `;`, brace, or line that starts a statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from smashdsl.lang import syntax as s
from smashdsl.lang.diagnostics import Diagnostic, Edit, Label, Sink, did_you_mean
from smashdsl.lang.limits import Limits
from smashdsl.lang.source import Source, Span
from smashdsl.lang.tree import TreeBuilder

VERSION = 1
CLOSER = {"LBRACE": "RBRACE", "LPAR": "RPAR", "LSQB": "RSQB"}
NAMED = {
    "NAME": "a name",
    "NUMBER": "a number",
    "DIMS": "a size like `3x3`",
    "STRING": "a string",
    "CMP": "a comparison",
    "$END": "the end of the file",
    "VERSION": "`smash 1`",
}
MOST_BAD_CHARACTERS = 20


@cache
def grammar() -> str:
    """Return the text of the language's Lark grammar."""
    return files("smashdsl.grammar").joinpath("smash.lark").read_text(encoding="utf-8")


@cache
def _lark() -> Lark:
    return Lark(grammar(), parser="lalr", lexer="basic", transformer=TreeBuilder(), maybe_placeholders=True)


@cache
def _spelling() -> dict[str, str]:
    return {t.name: NAMED.get(t.name) or f"`{t.pattern.value}`" for t in _lark().terminals} | NAMED


@cache
def keywords() -> dict[str, str]:
    """Return the reserved words, from word to terminal."""
    return {t.pattern.value: t.name for t in _lark().terminals if t.pattern.value.isalpha()}


@cache
def _starters() -> frozenset[str]:
    """Terminals that may start a statement or a member when they start a line."""
    inner = {"IN", "OF", "WHILE", "THROUGH", "BY", "SOME", "ALL", "LAST", "STEP"}
    return frozenset({"NAME"} | set(keywords().values())) - inner


def parse(source: Source, sink: Sink, limits: Limits) -> s.File | None:
    """Parse a source; on errors report them to ``sink`` and return None."""
    if not _version_is_known(source, sink):
        return None
    tokens = _lex(source, sink)
    if len(tokens) > limits.tokens:
        last = _span(tokens[limits.tokens])
        sink.error("SD0404", f"this spec has more than {limits.tokens:,} words", last)
        return None
    if not _brackets_are_shallow(tokens, sink, limits):
        return None
    tree = _Recovery(source, sink).run(tokens)
    if tree is None or sink.failed:
        return None
    _check_tree(source, tree, sink, limits)
    return None if sink.failed else tree


def _version_is_known(source: Source, sink: Sink) -> bool:
    first = next((t for t in _lark().lex(_prefix(source.text))), None)
    if first is None or first.type != "VERSION":
        start = len(source.text) - len(source.text.lstrip())
        help = f"start the file with `smash {VERSION}`"
        sink.error("SD0001", f"the file does not start with `smash {VERSION}`", Span(start, start + 1), help=help)
        return False
    number = int(first.split()[1])
    if number != VERSION:
        help = f"this release reads `smash {VERSION}`; a newer release of smashdsl may read version {number}"
        sink.error("SD0001", f"language version {number} is not known", _span(first), help=help)
        return False
    return True


def _prefix(text: str) -> str:
    """Return the leading comments and the first line of substance."""
    kept = []
    for line in text.splitlines(keepends=True):
        bare = line.split("#")[0]
        if bare.strip():
            words = bare.split()
            known = words[0] == "smash" and len(words) > 1 and words[1].isdigit()
            kept.append(" ".join(words[:2]) if known else "")
            # keep offsets: the version word stands where it stood in the text
            lead = len(bare) - len(bare.lstrip())
            kept[-1] = " " * lead + kept[-1]
            break
        kept.append(" " * (len(line) - 1) + "\n")
    return "".join(kept)


def _lex(source: Source, sink: Sink) -> list[Token]:
    """Return the tokens; characters that belong to no word are reported and blanked."""
    text = source.text
    for _ in range(MOST_BAD_CHARACTERS):
        try:
            return list(_lark().lex(text))
        except UnexpectedCharacters as error:
            start = error.pos_in_stream or 0
            end = start + 1
            while end < len(text) and not text[end].isascii():
                end += 1
            if text[start] == '"':
                end = text.find("\n", start) if "\n" in text[start:] else len(text)
                sink.error("SD0002", "this string is never closed", Span(start, end), help='close it with `"`')
            else:
                shown = text[start:end] if text[start:end].isprintable() else ascii(text[start:end])[1:-1]
                sink.error("SD0002", f"`{shown[:20]}` is not a word of the language", Span(start, end))
            text = text[:start] + " " * (end - start) + text[end:]
    return []


def _brackets_are_shallow(tokens: list[Token], sink: Sink, limits: Limits) -> bool:
    depth = 0
    for token in tokens:
        if token.type in CLOSER:
            depth += 1
            if depth > limits.depth:
                sink.error("SD0401", f"brackets are nested deeper than {limits.depth}", _span(token))
                return False
        elif token.type in CLOSER.values():
            depth -= 1
    return True


def _span(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)


class _Recovery:
    """Feeds tokens to Lark one by one, and drops a statement for each error."""

    def __init__(self, source: Source, sink: Sink) -> None:
        self.source = source
        self.sink = sink
        self.parser: Any = _lark().parse_interactive("")
        self.depth = 0
        # by depth of braces: the state at the start of the statement that is being read there
        self.snapshots: dict[int, Any] = {0: self._copy()}

    def _copy(self) -> Any:
        return self.parser.copy(deepcopy_values=False)

    def run(self, tokens: list[Token]) -> s.File | None:
        i, brackets = 0, 0
        while i < len(tokens):
            token = tokens[i]
            starts_line = i == 0 or tokens[i - 1].line != token.line
            if starts_line and brackets == 0 and token.type in _starters():
                self.snapshots[self.depth] = self._copy()
            before = self._copy()
            try:
                self.parser.feed_token(token)
            except UnexpectedToken:
                self._report(before, tokens, i)
                i, brackets = self._resume(tokens, i), 0
                continue
            brackets += {"LPAR": 1, "LSQB": 1, "RPAR": -1, "RSQB": -1}.get(token.type, 0)
            self._note(token)
            i += 1
        return self._finish(tokens)

    def _note(self, token: Token) -> None:
        if token.type == "LBRACE":
            self.depth += 1
        elif token.type == "RBRACE":
            self.depth -= 1
        if token.type in {"LBRACE", "RBRACE", "SEMICOLON"}:
            self.snapshots[self.depth] = self._copy()

    def _resume(self, tokens: list[Token], i: int) -> int:
        """Restore the state before the broken statement and return where to go on."""
        depth = self.depth
        first = i
        while i < len(tokens):
            token = tokens[i]
            starts_line = i > first and tokens[i - 1].line != token.line
            if token.type == "RBRACE" and depth > self.depth:
                depth -= 1
            elif token.type == "LBRACE":
                depth += 1
            elif depth == self.depth:
                if token.type == "SEMICOLON":
                    self.parser = self.snapshots[self.depth].copy(deepcopy_values=False)
                    return i + 1
                if (token.type == "RBRACE" or (starts_line and token.type in _starters())) and self._restore(token):
                    return i
            i += 1
        return i

    def _restore(self, token: Token) -> bool:
        trial = self.snapshots[self.depth].copy(deepcopy_values=False)
        try:
            trial.copy(deepcopy_values=False).feed_token(token)
        except UnexpectedToken:
            return False
        self.parser = trial
        return True

    def _report(self, before: Any, tokens: list[Token], i: int) -> None:
        token, accepts = tokens[i], before.accepts()
        previous = tokens[i - 1] if i else None
        message, help = f"`{_shown(token)}` can't stand here", _expected(accepts)
        labels: tuple[Label, ...] = ()
        at = _span(token)
        if token.type == "NAME":
            words = [word for word, terminal in keywords().items() if terminal in accepts]
            help = did_you_mean(str(token), words) or help
        elif token.type == "LBRACE" and previous is not None and previous.type == "NAME":
            suggestion = did_you_mean(str(previous), keywords())
            if suggestion:
                message, help, at = f"`{previous}` takes no body", suggestion, _span(previous)
        elif str(token) in keywords() and "NAME" in accepts:
            message, help = f"`{token}` is a reserved word and can't be a name", "choose another name"
        self.sink.add(Diagnostic("SD0003", message, at, others=labels, help=help))

    def _finish(self, tokens: list[Token]) -> s.File | None:
        unclosed = _unclosed(tokens)
        end = tokens[-1] if tokens else None
        before = self._copy()
        try:
            tree: s.File = self.parser.feed_eof(end)
        except UnexpectedToken:
            if unclosed is not None:
                close = _spelling()[CLOSER[unclosed.type]]
                self.sink.error("SD0004", f"`{unclosed}` is never closed", _span(unclosed), help=f"add {close}")
            elif not self.sink.failed and end is not None:
                message = "the file ends in the middle of a statement"
                self.sink.error("SD0003", message, _span(end), help=_expected(before.accepts()))
            return None
        return tree


def _shown(token: Token) -> str:
    return token if len(token) <= 40 else token[:37] + "..."


def _expected(accepts: set[str]) -> str | None:
    words = sorted(_spelling()[name] for name in accepts if name != "SEMICOLON")
    return f"expected {' or '.join(words)}" if 0 < len(words) <= 8 else None


def _unclosed(tokens: list[Token]) -> Token | None:
    stack: list[Token] = []
    for token in tokens:
        if token.type in CLOSER:
            stack.append(token)
        elif token.type in CLOSER.values() and stack and CLOSER[stack[-1].type] == token.type:
            stack.pop()
    return stack[-1] if stack else None


def _check_tree(source: Source, tree: s.File, sink: Sink, limits: Limits) -> None:
    """Report statements that share a line without `;`, and expressions nested beyond the limit."""
    stack: list[tuple[s.Node, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > 4 * limits.depth:
            sink.error("SD0401", f"this is nested deeper than {4 * limits.depth}", node.span)
            return
        if isinstance(node, s.Seq):
            for left, right, separated in zip(node.statements, node.statements[1:], node.semicolons, strict=False):
                gap = Span(_end(left), right.span.start)
                if not separated and "\n" not in source.text[gap.start : gap.end]:
                    sink.add(
                        Diagnostic(
                            "SD0005",
                            "two statements on one line need `;` between them",
                            right.span,
                            help="put `;` before it",
                            fix=(Edit(Span(right.span.start, right.span.start), "; "),),
                        )
                    )
        stack.extend((child, depth + 1) for child in _children(node))


def _children(node: s.Node) -> Iterator[s.Node]:
    for field in fields(node):
        value = getattr(node, field.name)
        items = value if isinstance(value, tuple) and not isinstance(value, Span) else (value,)
        yield from (item for item in items if isinstance(item, s.Node) and is_dataclass(item))


def _end(node: s.Node) -> int:
    """Return where a node's text ends; compound statements keep the span of their head only."""
    ends = [node.span.end]
    stack = [node]
    while stack:
        for child in _children(stack.pop()):
            ends.append(child.span.end)
            stack.append(child)
    return max(ends)
