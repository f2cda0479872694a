"""`.smash` for Pygments, found by its entry point wherever Pygments is used; needs the extra `pygments`."""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

from smashdsl.highlight.classes import CONSTANTS, CONTEXT_NAMES, DEFINING, FUNCTIONS, any_of, layers, patterns, words_of


def _rules() -> list[tuple[Any, ...]]:
    found = patterns()
    name = found["NAME"]
    reserved = any_of((*words_of("declaration"), *words_of("control"), *words_of("word")))
    free = rf"(?!{reserved}){name}"
    defining = any_of(tuple(found[terminal] for terminal in DEFINING))
    return [
        (r"[ \t\f\r\n]+", Whitespace),
        (found["COMMENT"], Comment.Single),
        (found["STRING"], String.Double),
        (found["VERSION"], Keyword.Namespace),
        (rf"({defining})([ \t]+)({free})", bygroups(Keyword.Declaration, Whitespace, Name.Class)),
        (rf"(\bparam\b)([ \t]+)({free})", bygroups(Keyword.Declaration, Whitespace, Name.Constant)),
        (rf"{any_of(FUNCTIONS)}(?=[ \t]*\()", Name.Builtin),
        (any_of(words_of("declaration")), Keyword.Declaration),
        (any_of(words_of("control")), Keyword),
        (any_of(words_of("word")), Keyword.Reserved),
        (rf"{name}(?=[ \t]*=(?!=))", Name.Attribute),
        (any_of(layers()), Name.Function),
        (any_of(CONTEXT_NAMES), Name.Variable.Magic),
        (any_of(CONSTANTS), Keyword.Constant),
        (name, Name),
        (found["DIMS"], Number.Integer),
        (found["NUMBER"], Number),
        ("|".join(words_of("operator")), Operator),
        ("|".join(words_of("punctuation")), Punctuation),
    ]


class SmashLexer(RegexLexer):
    """Words of `.smash` texts, also of parts of one."""

    name = "Smash"
    aliases: ClassVar[list[str]] = ["smash"]
    filenames: ClassVar[list[str]] = ["*.smash"]
    url = ""
    tokens: ClassVar[dict[str, list[Any]]] = {"root": _rules()}
