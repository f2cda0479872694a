"""The words of a text with its comments, and how they stand to each other: brackets, statements, expressions.

This is all the formatter knows of the grammar. It looks at neighbours only, so it works on texts that do not parse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from smashdsl.lang.syntax.grammar import CLOSER, lex, starters

COMMENT = re.compile(r"#[^\n]*")
ARITHMETIC = frozenset({"PLUS", "MINUS", "STAR", "SLASH"})
JOINS = frozenset({"SUM", "PRODUCT", "CONCAT", "MEAN", "MAX"})
MEMBERS = frozenset(
    {"IMPORT", "PARAM", "OP", "SPACE", "INPUT", "OUTPUT", "STEM", "BODY", "HEAD", "REQUIRE", "TIED", "CELL", "BLOCK"}
    | {"BANKS", "OPS", "FOR", "INPUTS", "ENTRY", "TRANSITION", "YIELD"}
)
HOLD_MEMBERS = frozenset({"SPACE", "CELL", "BLOCK", "FOR"})
# after these a value stands, so a `{` opens a choice
BEFORE_VALUE = frozenset(
    ARITHMETIC
    | {"EQUAL", "LPAR", "COMMA", "LSQB", "COLON", "DOTDOT", "CMP", "OF", "OPS", "WHILE", "IN", "READ", "WRITE"}
    | {"YIELD", "REPEAT", "INPUTS", "REQUIRE", "STEP"}
)
# what a statement or member can end with
ENDS = frozenset(
    JOINS | {"NAME", "NUMBER", "DIMS", "STRING", "RPAR", "RSQB", "RBRACE", "SEMICOLON", "LAST", "ALL", "VERSION", "BAR"}
)
# what an expression may hold beside brackets
IN_VALUES = ARITHMETIC | {"DOTDOT", "STEP", "NAME", "NUMBER", "DIMS", "STRING", "COMMENT", "MAX", "MEAN", "SUM"}


class Bracket(Enum):
    """What a pair of brackets holds."""

    ARGUMENTS = auto()  # `(…)` after a name, and the list after `image` or the index of a block
    GROUP = auto()  # `(…)` and `[…]` where a value stands
    CHOICE = auto()  # `{a, b}`
    BODY = auto()  # `{ layers }` and `{ path | path }`
    MEMBERS = auto()  # `{ … }` of a space, block, cell or `for`


BODIES = (Bracket.BODY, Bracket.MEMBERS)  # a tuple: it is asked of every word, and enums are slow to hash


@dataclass(slots=True)
class Word:
    """One token or comment, with what its neighbours say about it."""

    type: str
    text: str
    lines_before: int  # line ends between the word before and this one
    opens: Bracket | None = None
    partner: int = -1  # the bracket that closes or opens what this one opens or closes
    parent: int = -1  # the bracket that it stands in
    is_name: bool = False  # `banks` where it stands for a value
    begins: bool = False  # a statement or member may begin here, on a new line
    begins_member: bool = False  # a member of a file, space, block or cell begins here
    tight: bool = False  # an operator without spaces around it


def words_of(text: str) -> list[Word]:
    """Return the words of a text, comments among them; raises Lark's `UnexpectedCharacters` where there are none."""
    words: list[Word] = []
    end = 0
    for token in lex(text):
        start = token.start_pos or 0
        if start > end:
            end = _add_comments(words, text, end, start)
        shown = "smash " + token.split()[1] if token.type == "VERSION" else str(token)
        words.append(Word(token.type, shown, text.count("\n", end, start)))
        end = token.end_pos or 0
    _add_comments(words, text, end, len(text))
    _match(words)
    _begin(words)
    _tighten(words)
    return words


def _add_comments(words: list[Word], text: str, start: int, end: int) -> int:
    """Add the comments between two tokens; return where the last ends."""
    for comment in COMMENT.finditer(text, start, end):
        words.append(Word("COMMENT", comment[0].rstrip(), text.count("\n", start, comment.start())))
        start = comment.end()
    return start


def before(words: list[Word], i: int) -> Word | None:
    """Return the token before a word, comments passed over."""
    return next((words[k] for k in range(i - 1, -1, -1) if words[k].type != "COMMENT"), None)


def _expects_value(word: Word | None) -> bool:
    """Return whether a value stands after this word."""
    if word is None:
        return False
    if word.type == "LBRACE":
        return word.opens is Bracket.CHOICE
    return word.type in BEFORE_VALUE or (word.type == "BANKS" and not word.is_name)


def _match(words: list[Word]) -> None:
    """Pair the brackets and say what each pair holds."""
    stack: list[int] = []
    heads = [""]  # in each open bracket, the last word that opens a member with a body
    last: Word | None = None
    for i, word in enumerate(words):
        word.parent = stack[-1] if stack else -1
        if word.type == "COMMENT":
            continue
        word.is_name = word.type == "BANKS" and _expects_value(last)
        if word.type in CLOSER:
            inside_members = not stack or words[stack[-1]].opens is Bracket.MEMBERS
            word.opens = _kind(word, last, heads[-1] if inside_members else "")
            stack.append(i)
            heads.append("")
        elif word.type in CLOSER.values():
            if stack and CLOSER[words[stack[-1]].type] == word.type:
                heads.pop()
                word.partner = stack.pop()
                words[word.partner].partner = i
                word.parent = words[word.partner].parent
        elif word.type in MEMBERS and not word.is_name:
            heads[-1] = word.type
        last = word


def _kind(word: Word, last: Word | None, head: str) -> Bracket:
    if word.type == "LBRACE":
        nested = last is not None and last.type == "LBRACE"  # no statement starts with `{`
        if _expects_value(last) or nested:
            return Bracket.CHOICE
        return Bracket.MEMBERS if head in HOLD_MEMBERS else Bracket.BODY
    after_name = last is not None and (last.type in JOINS or last.type == "NAME" or last.is_name)
    return Bracket.ARGUMENTS if after_name else Bracket.GROUP


def holder(words: list[Word], i: int) -> Bracket:
    """Return what the brackets around a word hold; a file holds members."""
    parent = words[i].parent
    opens = words[parent].opens if parent >= 0 else Bracket.MEMBERS
    assert opens is not None
    return opens


def _begin(words: list[Word]) -> None:
    """Mark where statements and members may begin."""
    last: Word | None = None
    first = starters()
    for i, word in enumerate(words):
        if word.type == "COMMENT":
            continue
        holds = holder(words, i)
        if holds in BODIES:
            ended = last is None or last.type in ENDS or last.is_name or last.opens in BODIES
            word.begins = ended and word.type in first
            member = word.type in MEMBERS and not word.is_name
            word.begins_member = word.begins and holds is Bracket.MEMBERS and member
        last = word


def _tighten(words: list[Word]) -> None:
    """Decide which operators have no spaces around them.

    Inside a range none has: `0..n-1`. Elsewhere `*` and `/` have none between names and numbers: `96 + 32*i`.
    """
    ranges = _runs_with_range(words)
    for i, word in enumerate(words):
        if word.type not in ARITHMETIC:
            continue
        if ranges[i]:
            word.tight = True
        elif word.type in {"STAR", "SLASH"} and 0 < i < len(words) - 1:
            word.tight = _is_plain(words, i - 1) and _is_plain(words, i + 1)


def _is_plain(words: list[Word], i: int) -> bool:
    call = i + 1 < len(words) and words[i + 1].opens is Bracket.ARGUMENTS
    return words[i].type in {"NAME", "NUMBER", "DIMS", "BANKS"} and not call


def _runs_with_range(words: list[Word]) -> list[bool]:
    """Return of each word whether the expression it stands in, or is a group of, is a range."""
    run_of: list[int] = []
    parent_run: dict[int, int] = {}  # of each bracket, the run that it stands in
    current: dict[int, int] = {}  # of each bracket, the run that is going on inside
    runs = 0
    for i, word in enumerate(words):
        inside = word.parent
        if inside not in current or _separates(words, i):
            runs += 1
            current[inside] = runs
        run_of.append(current[inside])
        if word.opens is not None:
            parent_run[i] = current[inside]
    is_range = [False] * (runs + 1)
    for i, word in enumerate(words):
        is_range[run_of[i]] |= word.type == "DOTDOT"
    for i, word in enumerate(words):  # parents come before what they hold
        opened = words[word.parent] if word.parent >= 0 else None
        if opened is not None and opened.opens is Bracket.GROUP and opened.type == "LPAR":
            is_range[run_of[i]] |= is_range[parent_run[word.parent]]
    return [is_range[run] for run in run_of]


def _separates(words: list[Word], i: int) -> bool:
    word = words[i]
    return word.begins or not (word.type in IN_VALUES or word.is_name or word.opens or word.partner >= 0)
