"""Text to the same text in the one layout of the language.

Where lines end is the writer's choice between statements and after `{`, and the formatter's everywhere else. A body
stays on one line if it stands on one and fits; a body that holds a line end is written out: `{` ends its line, `}`
stands alone, every `|` starts a line. Indents are two spaces a body, four more where a statement goes on. Nothing but
white space changes, so the words of a text, comments among them, are the same before and after.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from smashdsl.lang.syntax.words import ARITHMETIC, BODIES, Bracket, Word, before, holder, words_of

WIDTH = 120
INDENT = 2
GOES_ON = 4  # further indent of a line that goes on with a statement


def format_text(text: str) -> str:
    """Return a text in the language's layout; formatting it again changes nothing.

    Works on any text whose characters belong to words, right or wrong; raises Lark's `UnexpectedCharacters` for others.
    """
    words = words_of(text.replace("\r\n", "\n").replace("\r", "\n"))
    layout = _Layout(words)
    layout.keep_lines()
    layout.spread()
    lines = layout.fitting()
    _align_names(lines)
    _align_comments(lines)
    return "".join(("\n" if line.blank else "") + line.text() + "\n" for line in lines)


@dataclass
class _Line:
    words: list[Word]
    indent: int
    blank: bool  # whether an empty line stands before it
    code: str
    comment: str

    def text(self) -> str:
        if not self.code:
            return " " * self.indent + self.comment
        return " " * self.indent + self.code + (f"  {self.comment}" if self.comment else "")


class _Layout:
    """Where lines end: ``ends[i]`` is the number of line ends before word i, at most two."""

    def __init__(self, words: list[Word]) -> None:
        self.words = words
        self.ends = [0] * len(words)
        # each word as it stands behind the one before on one line
        self.shown = [f" {word.text}" if i and spaced(words, i) else word.text for i, word in enumerate(words)]
        self.token_before = list(accumulate(range(len(words)), self._later_token, initial=-1))
        self.token_after = [-1] * len(words)
        for i in range(len(words) - 1, -1, -1):
            comment = words[i].type == "COMMENT"
            self.token_after[i] = i if not comment else self.token_after[i + 1] if i + 1 < len(words) else -1

    def _later_token(self, last: int, i: int) -> int:
        return last if self.words[i].type == "COMMENT" else i

    def keep_lines(self) -> None:
        """End lines where the text does and a line may end, around comments, and before each member."""
        several = _several_members(self.words)
        for i, word in enumerate(self.words):
            last = self.words[i - 1] if i else None
            if last is None:
                continue
            wanted = min(2, word.lines_before)
            if word.type == "COMMENT" or last.type == "COMMENT":
                self.ends[i] = wanted if word.type == "COMMENT" else max(1, wanted)
            elif word.begins_member and (word.parent < 0 or word.parent in several):
                self.ends[i] = max(1, wanted)
            elif word.begins or word.type == "BAR" or last.opens in BODIES or self._closes_body(word):
                self.ends[i] = wanted

    def _closes_body(self, word: Word) -> bool:
        return word.partner >= 0 and word.opens is None and self.words[word.partner].opens in BODIES

    def spread(self) -> None:
        """Write out each body that holds a line end."""
        for i in range(len(self.words) - 1, -1, -1):
            word = self.words[i]
            if word.opens in BODIES and any(self.ends[i + 1 : self._close(i) + 1]):
                self._write_out(i)

    def _close(self, i: int) -> int:
        return self.words[i].partner if self.words[i].partner >= 0 else len(self.words) - 1

    def _write_out(self, i: int) -> None:
        """Let a body's `{` end its line, its `}` stand alone and each `|` start a line."""
        close = self._close(i)
        if close == i + 1:
            self.ends[close] = 0  # nothing stands in it
            return
        for k in range(i + 1, close + 1):
            word = self.words[k]
            inside = word.parent == i and word.type == "BAR"
            if inside or k in {i + 1, self.words[i].partner}:
                trailing = word.type == "COMMENT" and word.lines_before == 0
                self.ends[k] = 0 if trailing else 1

    # -- lines that fit -----------------------------------------------------------------------

    def fitting(self) -> list[_Line]:
        """Return the lines; those too long are split where that helps."""
        starts = [i for i, ends in enumerate(self.ends) if i == 0 or ends]
        pending = list(zip(starts, [*starts[1:], len(self.words)], strict=False))[::-1]
        lines = []
        while pending:
            start, stop = pending.pop()
            cuts = self._cuts(start, stop)
            if cuts:
                for cut in cuts:
                    self.ends[cut] = 1
                bounds = [start, *cuts, stop]
                pending.extend(list(pairwise(bounds))[::-1])
            else:
                lines.append(self._line(start, stop))
        return lines

    def _line(self, start: int, stop: int) -> _Line:
        words = self.words[start:stop]
        comment = words[-1].text if words[-1].type == "COMMENT" else ""
        code = self._code(start, stop - bool(comment))
        return _Line(words, self._indent(start), start > 0 and self.ends[start] > 1, code, comment)

    def _code(self, start: int, stop: int) -> str:
        if start >= stop:
            return ""
        return self.words[start].text + "".join(self.shown[start + 1 : stop])

    def _indent(self, i: int) -> int:
        word = self.words[i]
        depth = 0
        parent = word.parent
        while parent >= 0:
            depth += self.words[parent].opens in BODIES
            parent = self.words[parent].parent
        depth -= word.type == "BAR" and depth > 0
        return INDENT * depth + (GOES_ON if self._goes_on(i) else 0)

    def _goes_on(self, i: int) -> bool:
        """Return whether a line that starts with a word goes on with the statement of the line before."""
        word = self.words[i]
        if holder(self.words, i) not in BODIES and word.parent >= 0:
            return True
        if word.type == "COMMENT":
            after = self.token_after[i]
            return after >= 0 and self.words[after].parent == word.parent and self._goes_on(after)
        last = self.words[self.token_before[i]] if self.token_before[i] >= 0 else None
        starts = word.begins or word.type == "BAR" or self._closes_body(word)
        return not (starts or last is None or last.opens in BODIES or last.type in {"BAR", "SEMICOLON"})

    def _cuts(self, start: int, stop: int) -> list[int]:
        """Return where to split a line that is too long, best first: at a `;`, around a body, at a comma."""
        if self.words[stop - 1].type == "COMMENT":
            stop -= 1
        if stop - start < 2 or self._indent(start) + len(self._code(start, stop)) <= WIDTH:
            return []
        level = self.words[start].parent
        semicolons = [i for i in range(start + 1, stop) if self._ends_statement(i, level)]
        if semicolons:
            return self._filled(start, stop, semicolons)
        bodies = [i for i in range(start, stop - 1) if self._holds_line(i, level, stop)]
        if bodies:
            widest = max(bodies, key=lambda i: self.words[i].partner - i)
            return self._around(widest)
        commas = [i for i in range(start + 1, stop) if self.words[i - 1].type == "COMMA"]
        if not commas:
            return []
        outermost = min(self._depth(i) for i in commas)
        return self._filled(start, stop, [i for i in commas if self._depth(i) == outermost])

    def _ends_statement(self, i: int, level: int) -> bool:
        return self.words[i - 1].type == "SEMICOLON" and self.words[i].parent == level and self.words[i].begins

    def _holds_line(self, i: int, level: int, stop: int) -> bool:
        word = self.words[i]
        return word.opens in BODIES and word.parent == level and i + 1 < word.partner < stop

    def _around(self, i: int) -> list[int]:
        close = self.words[i].partner
        bars = [k for k in range(i + 2, close) if self.words[k].parent == i and self.words[k].type == "BAR"]
        return [i + 1, *bars, close]

    def _filled(self, start: int, stop: int, places: list[int]) -> list[int]:
        """Return the places at which to split so that each line holds as much as fits, at least up to one place."""
        cuts: list[int] = []
        column = self._indent(start)
        for here, there in zip([start, *places], [*places, stop], strict=True):
            width = len(self._code(here, there)) + (1 if here > start else 0)
            if here > start and column + width > WIDTH:
                cuts.append(here)
                column = self._indent(here) - 1
            column += width
        return cuts or places[:1]

    def _depth(self, i: int) -> int:
        depth = 0
        while (i := self.words[i].parent) >= 0:
            depth += 1
        return depth


def _several_members(words: list[Word]) -> set[int]:
    """Return the brackets that hold more than one member, and those of spaces."""
    held: dict[int, int] = {}
    for i, word in enumerate(words):
        held[word.parent] = held.get(word.parent, 0) + word.begins_member
        if word.type == "LBRACE" and i > 1 and words[i - 2].type == "SPACE":
            held[i] = 1
    return {bracket for bracket, members in held.items() if members > 1}


def spaced(words: list[Word], i: int) -> bool:
    """Return whether a space stands between a word and the one before, both on one line."""
    left, right = words[i - 1], words[i]
    if right.type in {"COMMA", "SEMICOLON", "COLON", "DOTDOT"} or left.type == "DOTDOT":
        return False
    if left.opens is not None:
        return left.opens in BODIES and right.partner != i - 1
    if right.opens is None and right.partner >= 0:
        return words[right.partner].opens in BODIES
    if right.opens is Bracket.ARGUMENTS:
        return False
    if left.type in ARITHMETIC:
        return not (left.tight or _is_sign(words, i - 1))
    return not (right.type in ARITHMETIC and right.tight and not _is_sign(words, i))


def _is_sign(words: list[Word], i: int) -> bool:
    """Return whether a `-` stands before a value, not between two."""
    last = before(words, i)
    after_value = last is not None and (
        last.type in {"NAME", "NUMBER", "DIMS", "STRING", "RPAR", "RSQB", "RBRACE"} or last.is_name
    )
    return words[i].type == "MINUS" and not after_value


# -- columns ----------------------------------------------------------------------------------


def _runs(lines: list[_Line], belongs: list[bool]) -> list[list[_Line]]:
    """Return the runs of lines that belong together, with no empty line between them."""
    runs: list[list[_Line]] = []
    for i, line in enumerate(lines):
        if belongs[i]:
            if i and belongs[i - 1] and not line.blank:
                runs[-1].append(line)
            else:
                runs.append([line])
    return runs


def _align_names(lines: list[_Line]) -> None:
    """Align the `=` of neighbouring params, and what `input` and `output` are."""
    for first, column in (({"PARAM"}, 2), ({"INPUT", "OUTPUT"}, 1)):
        # in a text that does not parse, other signs may stand where names do
        belongs = [line.words[0].type in first and line.code.startswith(f"{_head(line, column)} ") for line in lines]
        for run in _runs(lines, belongs):
            heads = [_head(line, column) for line in run]
            width = max(map(len, heads))
            padded = [head.ljust(width) + line.code.removeprefix(head) for head, line in zip(heads, run, strict=True)]
            if all(line.indent + len(code) <= WIDTH for line, code in zip(run, padded, strict=True)):
                for line, code in zip(run, padded, strict=True):
                    line.code = code


def _head(line: _Line, column: int) -> str:
    return " ".join(word.text for word in line.words[:column])


def _align_comments(lines: list[_Line]) -> None:
    """Let the comments behind neighbouring lines start in one column."""
    for run in _runs(lines, [bool(line.code and line.comment) for line in lines]):
        width = max(line.indent + len(line.code) for line in run)
        for line in run:
            line.code = line.code.ljust(width - line.indent)
