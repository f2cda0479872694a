"""Words and statements as other languages write them."""

from __future__ import annotations

from smashdsl.lang.syntax.automaton import reads
from smashdsl.lang.syntax.grammar import CLOSER, keywords, span_of
from smashdsl.lang.syntax.place import BRANCHES, Place, misplaced, told
from smashdsl.lang.text.diagnostics import Diagnostic, Edit
from smashdsl.lang.text.source import Span

# words of other languages, and of papers, for words of this one
WORDS = {
    **dict.fromkeys(("def", "fn", "func", "fun", "function", "module", "layer", "macro"), "op"),
    **dict.fromkeys(("const", "var", "val", "hyperparam", "parameter", "set"), "param"),
    **dict.fromkeys(("backbone", "trunk", "network", "net", "model", "layers", "main"), "body"),
    **dict.fromkeys(("classifier", "tail", "top", "neck"), "head"),
    **dict.fromkeys(("constraint", "constrain", "where", "assert", "subject", "limit"), "require"),
    **dict.fromkeys(("stage", "group", "section"), "block"),
    **dict.fromkeys(("nodes", "node", "memory", "states"), "banks"),
    **dict.fromkeys(("downsample", "reduction", "reduce"), "transition"),
    **dict.fromkeys(("switch", "oneof", "one_of", "either", "select", "choice", "alt", "branch"), "choose"),
    **dict.fromkeys(("add", "residual", "parallel", "plus"), "sum"),
    **dict.fromkeys(("mul", "multiply", "gate", "prod"), "product"),
    **dict.fromkeys(("cat", "concatenate", "stack"), "concat"),
    **dict.fromkeys(("average", "avg"), "mean"),
    **dict.fromkeys(("optional", "option", "perhaps"), "maybe"),
    **dict.fromkeys(("loop", "times"), "repeat"),
    **dict.fromkeys(("include", "use", "using"), "import"),
    **dict.fromkeys(("search_space", "searchspace", "class"), "space"),
    **dict.fromkeys(("returns", "targets", "target"), "output"),
    **dict.fromkeys(("inputs", "in"), "input"),
    **dict.fromkeys(("return", "result"), "yield"),
}
PYTHON = {
    "if": "a part that stands in some members only is written `maybe { … }`, one of several `choose { … | … }`",
    "else": "alternatives are written `choose { … | … }`",
    "lambda": "a value is an expression of numbers, params and choices; nothing is called later",
    "from": 'other specs are read by `import "FILE.smash"` at the top of the file',
    "return": "what the last layer puts out is the result: drop this",
    "class": "an op is declared by `op NAME { … }`, a space by `space NAME { … }`",
    "print": "nothing runs while a spec is read: drop this",
}


def dashed(p: Place) -> Diagnostic | None:
    """`my-op` for `my_op`."""
    if not p.types(-1, "NAME", "MINUS") or not p.joined() or not _continues(p, 1):
        return None
    last = 1
    while p.types(last + 1, "MINUS") and p.joined(last + 1) and _continues(p, last + 2):
        last += 2
    right = "_".join(str(p.token(k)) for k in range(-1, last + 1, 2))
    at = p.span(-1, last)
    return told("SD0003", "a name holds letters, digits and `_`", at, f"write `{right}`", Edit(at, right))


def _continues(p: Place, offset: int) -> bool:
    return p.joined(offset) and str(p.token(offset)).isidentifier()


def loop(p: Place) -> Diagnostic | None:
    """`for i in range(3) { … }` in a body; `for i = 0..2` in a block."""
    if p.types(0, "FOR") and "LET" in p.accepts:
        help = "in a body write `repeat 3 { … }`; `for` stands in blocks and cells"
        if p.types(1, "NAME", "IN", "NAME", "LPAR", "NUMBER", "RPAR", "LBRACE"):
            return told(
                "SD0003", "`for` can't stand in a body", p.span(0, 0), help, Edit(p.span(0, 6), f"repeat {p.token(5)}")
            )
        return told("SD0003", "`for` can't stand in a body", p.span(0, 0), help)
    if p.types(0, "EQUAL") and p.accepts == {"IN"}:
        return told(
            "SD0003", "a loop runs over values after `in`", p.span(0, 0), "write `in`", Edit(p.span(0, 0), "in")
        )
    if p.types(0, "REPEAT") and "OPS" in p.accepts:
        return told(
            "SD0003",
            "`repeat` stands in bodies, not in blocks and cells",
            p.span(0, 0),
            "write `ops 3 of NAME`, or `for i in 0..2 { op { … } }`",
        )
    return None


def repeat_without_count(p: Place) -> Diagnostic | None:
    if not p.types(-1, "RBRACE") or "LBRACE" not in p.accepts:
        return None
    opened = p.opener(-1)
    if opened is None or p.token(opened - 1).type not in ("REPEAT", "MAYBE"):
        return None
    at = p.span(opened - 1, opened - 1)
    return told("SD0003", "`repeat` needs a count", at, "write `repeat 3 { … }`")


def maybe_weight(p: Place) -> Diagnostic | None:
    """`maybe { 0.5: relu }` for `maybe 0.5 { relu }`."""
    if not p.types(-2, "MAYBE", "LBRACE", "NUMBER", "COLON"):
        return None
    at = p.span(-1, 1)
    return told(
        "SD0003",
        "the probability of `maybe` stands before its body",
        at,
        f"write `maybe {p.token()} {{ … }}`",
        Edit(at, f"{p.token()} {{"),
    )


def called(p: Place) -> Diagnostic | None:
    """`choose(a, b)` for `choose { a | b }`."""
    word = p.token(-1)
    if not p.types(0, "LPAR") or word.type not in BRANCHES or "LBRACE" not in p.accepts:
        return None
    last, k = p.closer(0), 1
    edits = [Edit(p.span(0, 0), " { "), Edit(p.span(last, last), " }")]
    while k < last:
        if p.types(k, "COMMA"):
            edits.append(Edit(p.span(k, k), " |"))
        k = (p.closer(k) if p.token(k).type in CLOSER else k) + 1
    return told("SD0003", f"the paths of `{word}` stand in braces", p.span(0, 0), f"write `{word} {{ … | … }}`", *edits)


def nameless_choice(p: Place) -> Diagnostic | None:
    if not p.types(0, "LBRACE") or "LET" not in p.accepts or not (p.starts_line() or p.types(-1, "LBRACE")):
        return None
    at = p.span(0, 0)
    help = "write `choose { … | … }`, or a join such as `sum { … | … }`"
    return told("SD0003", "braces alone are no layer", at, help, Edit(Span(at.start, at.start), "choose "))


def unbraced(p: Place) -> Diagnostic | None:
    """`stem = conv(3)`, `stem: conv(3)`, `stem conv(3)`, `op f(c) = conv(3)`, `space s:`."""
    if "LBRACE" not in p.accepts or p.token().type not in ("EQUAL", "COLON", "NAME") or p.starts_line():
        return None
    end = p.line_end()
    if p.types(0, "COLON") and end == 0:
        return told("SD0003", "a body stands in braces", p.span(0, 0), "write `{ … }`")
    first = 0 if p.types(0, "NAME") else 1
    if not reads(p.stack, ("LBRACE", *(p.token(k).type for k in range(first, end + 1)), "RBRACE")):
        return None
    start, stop = span_of(p.token(first)).start, span_of(p.token(end)).end
    begin = Edit(Span(span_of(p.token(-1)).end, start), " { ")
    return told(
        "SD0003",
        "a body stands in braces",
        p.span(0, 0),
        "write `{ … }` around it",
        begin,
        Edit(Span(stop, stop), " }"),
    )


def empty_choice(p: Place) -> Diagnostic | None:
    if p.types(-1, "LBRACE", "RBRACE") and "DIMS" in p.accepts:
        return told("SD0204", "a choice needs elements", p.span(-1, 0), "write them between the braces: `{8, 16}`")
    return None


def stray_words(p: Place) -> Diagnostic | None:
    """`and` between constraints, `read bank 0`, f-strings, and words of Python."""
    word, before = p.token(), p.token(-1)
    if word in ("and", "or") and "REQUIRE" in p.accepts:
        help = "write two constraints, each with its own `require`"
        edits = (Edit(p.span(0, 0), "\n  require"),) if word == "and" else ()
        return told("SD0003", f"a constraint is one comparison, without `{word}`", p.span(0, 0), help, *edits)
    if before in ("bank", "banks") and p.token(-2).type in ("READ", "WRITE"):
        help = f"a bank is named by its number: `{p.token(-2)} {word}`"
        return told(
            "SD0003",
            f"`{before}` can't stand before a number",
            p.span(-1, -1),
            help,
            Edit(Span(span_of(before).start, span_of(word).start), ""),
        )
    if p.types(-1, "NAME", "STRING") and p.joined():
        return told(
            "SD0003",
            "no text is put together in a spec",
            p.span(-1, 0),
            "write the value itself, such as `3x3`, or an expression of numbers",
        )
    for offset in (0, -1):
        found = p.token(offset)
        if found.type == "NAME" and found in PYTHON and not (offset and p.starts_line()):
            return told(
                "SD0003", f"`{found}` is not a word of the language", p.span(offset, offset), PYTHON[str(found)]
            )
    return None


def imports(p: Place) -> Diagnostic | None:
    if p.types(0, "IMPORT") and "STEM" in p.accepts:
        return told(
            "SD0003",
            "`import` stands at the top of a file, before the space",
            p.span(0, 0),
            'write `import "FILE.smash"` above `space`',
        )
    if p.types(-1, "IMPORT", "NAME"):
        return told("SD0003", "`import` takes the path of a spec", p.span(0, 0), f'write `import "{p.token()}.smash"`')
    return None


def tied_late(p: Place) -> Diagnostic | None:
    """`cell tied NAME` for `tied cell NAME`."""
    if not p.types(-1, "CELL", "TIED"):
        return None
    at = p.span(-1, 0)
    return told("SD0003", "`tied` stands before `cell`", at, "write `tied cell`", Edit(at, "tied cell"))


def other_word(p: Place) -> Diagnostic | None:
    """A word of another language for one that may start a statement here."""
    for offset in (0, -1):
        word = p.token(offset)
        if word.type != "NAME" or (offset == -1 and not p.types(0, "LBRACE")):
            continue
        meant = WORDS.get(str(word).lower())
        if meant is None or (offset == 0 and keywords()[meant] not in p.accepts):
            continue
        if offset == -1 and not _may_start(p, keywords()[meant]):
            continue
        at = p.span(offset, offset)
        message, near = f"`{word}` is not a word of the language", f"did you mean `{meant}`?"
        if p.types(p.line_end(), "COLON"):
            return told("SD0003", message, at, f"{near} a body stands in braces: `{meant} NAME {{ … }}`")
        return told("SD0003", message, at, near, Edit(at, meant))
    return None


def _may_start(p: Place, symbol: str) -> bool:
    return "LET" in p.accepts and symbol in BRANCHES | {"MAYBE", "REPEAT"}


def untyped_space(p: Place) -> Diagnostic | None:
    """`input image(3, 32, 32)`, `output classes[10]`, `output 10`."""
    round, square = p.types(0, "LPAR") and p.accepts == {"LSQB"}, p.types(0, "LSQB") and p.accepts == {"LPAR"}
    if round or square:
        last = p.closer(0)
        opens, shuts = ("[", "]") if round else ("(", ")")
        form = "input image[3, 32, 32]" if round else "output classes(10)"
        edits = (Edit(p.span(0, 0), opens), Edit(p.span(last, last), shuts))
        return told("SD0003", misplaced(p), p.span(0, 0), f"write `{form}`", *edits)
    if p.types(-1, "OUTPUT", "NUMBER"):
        right = f"classes({p.token()})"
        return told(
            "SD0003", "what goes out has a name", p.span(0, 0), f"write `output {right}`", Edit(p.span(0, 0), right)
        )
    if p.types(0, "LBRACE") and p.token(-1).type in ("SPACE", "OP", "CELL", "BLOCK"):
        return told("SD0003", f"this {p.token(-1)} has no name", p.span(-1, -1), f"write `{p.token(-1)} NAME {{ … }}`")
    if p.types(-1, "OP", "NAME", "NAME") or (p.types(-2, "OP", "NAME", "NAME") and {"LPAR", "LBRACE"} <= p.accepts):
        return told(
            "SD0003",
            "what an op takes stands in brackets",
            p.span(0, 0),
            f"write `op {p.token(-1)}({p.token()}) {{ … }}`",
        )
    return None
