"""Names found, and given another name: the network stays the same, or the language's own words refuse it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smashdsl.errors import UserError
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.source import Source, Span
from smashdsl.lang.typed.ir import NEXT_TOKEN
from smashdsl.lang.typed.statements import SOURCE
from smashdsl.lsp.binding import Word
from smashdsl.lsp.project import Project
from smashdsl.lsp.rename import rename
from smashdsl.lsp.symbols import Symbol
from tests.lsp.texts import EXAMPLES, FILE, in_space

MIX = """
  param k = 3
  op mix(c = {4, 8}) {
    read all
    let a, b = conv(k, c)
    choose { a | b; relu }
    conv(1x1, 8)
    write all
  }
  cell net(n = 8) {
    banks 1 of n
    for j in 0..0 { op { read j; relu; write j } }
    ops 2 of mix(c = {2, 4})
  }
  body { net }"""
TEXT = in_space(f"{MIX}▮")[0].open[FILE].text


def marked(before: str, name: str) -> tuple[Project, int]:
    """Return the project of the text above with the cursor in a name that follows some words."""
    at = TEXT.index(before + name) + len(before)
    project = Project()
    project.edit(FILE, TEXT)
    return project, at + 1


def replaced(text: str, spans: list[Span], name: str) -> str:
    for span in sorted(spans, reverse=True):
        text = text[: span.start] + name + text[span.end :]
    return text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_name_of_an_example_means_something(path: Path) -> None:
    project = Project()
    document = project.edit(path.name, path.read_text(encoding="utf-8"))
    names = project.names(path.name)
    assert len(document.outline.uses) > 10
    assert [use.name for use in document.outline.uses if names.meaning(use) is None] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_declaration_of_an_example_can_have_another_name(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    project = Project()
    renamed = text
    for k in range(len(project.edit(FILE, text).outline.symbols)):
        symbol = project.edit(FILE, renamed).outline.symbols[k]
        # names of the language: a read gives its op the bank by one, the other is a kind of output
        if symbol.name in {SOURCE, NEXT_TOKEN}:
            continue
        spans = [span for _, span in project.references(symbol, FILE)]
        assert symbol.span in spans
        renamed = replaced(renamed, spans, f"n{k}_{symbol.name}")
    known, found = compile_source(Source(FILE, text)), compile_source(Source(FILE, renamed))
    assert (found.facts.count, found.facts.sites) == (known.facts.count, known.facts.sites)


def test_the_output_that_foretells_tokens_keeps_its_name() -> None:
    text = next(path for path in EXAMPLES if path.stem == "char_gpt").read_text(encoding="utf-8")
    project = Project()
    project.edit(FILE, text)
    with pytest.raises(UserError, match="`next_token` is a name of the language"):
        rename(project, FILE, text.index("next_token") + 1, "other")


@pytest.mark.parametrize("before", ["param ", "op ", "mix(", "let ", "a, ", "cell ", "net(", "for "])
def test_a_renamed_declaration_leaves_the_network(before: str) -> None:
    name = TEXT[TEXT.index(before) + len(before) :].replace("(", " ").replace(",", " ").split()[0]
    project, offset = marked(before, name)
    places = rename(project, FILE, offset, "other")[FILE]
    assert len(places) > 1
    assert {TEXT[span.start : span.end] for span in places} == {name}
    known, found = compile_source(Source(FILE, TEXT)), compile_source(Source(FILE, replaced(TEXT, places, "other")))
    assert found.facts.count == known.facts.count
    assert found.facts.sites == known.facts.sites


def test_every_use_finds_its_declaration_and_every_other_use() -> None:
    project, offset = marked("choose { ", "a")
    found = project.meaning_at(FILE, offset)
    assert found is not None
    symbol = found[1]
    assert isinstance(symbol, Symbol)
    assert TEXT[symbol.span.start - 4 : symbol.span.end] == "let a"
    assert [TEXT[span.start - 2 : span.end + 2] for _, span in project.references(symbol, FILE)] == ["t a, ", "{ a |"]


def test_an_argument_is_its_formal() -> None:
    project, offset = marked("of mix(", "c")
    places = rename(project, FILE, offset, "channels_out")[FILE]
    assert [TEXT[span.start - 2 : span.end + 2] for span in places] == ["x(c =", ", c)\n", "x(c ="]


@pytest.mark.parametrize(
    ("before", "name", "new", "why"),
    [
        ("op ", "mix", "read", "`read` is a reserved word and can't be a name"),
        ("op ", "mix", "bank", "`bank` is a name of the language and can't be declared"),
        ("op ", "mix", "conv", "`conv` is a layer of the language and can't be declared"),
        ("op ", "mix", "3d", "`3d` is no name: letters, digits and `_`, not a digit first"),
        ("op ", "mix", "a b", "`a b` is no name: letters, digits and `_`, not a digit first"),
        ("op ", "mix", "net", "`net` is declared twice"),
        ("param ", "k", "c", "`c` is declared already and can't be declared again here"),
        ("let ", "a", "mix", "`mix` is declared already"),
        ("let ", "a", "b", "`b` is declared already"),
        ("mix(", "c", "kernel", "`kernel` is declared already and can't be declared again here"),
        ("  body { ", "net", "net2 ", "`net2 ` is no name: letters, digits and `_`, not a digit first"),
        ("    ", "conv", "other", "`conv` is a layer of the language"),
        ("write ", "all", "other", "no name stands here"),
    ],
)
def test_a_name_that_can_not_stand_is_refused(before: str, name: str, new: str, why: str) -> None:
    project, offset = marked(before, name)
    with pytest.raises(UserError) as caught:
        rename(project, FILE, offset, new)
    assert caught.value.message == why


def test_names_that_are_no_declarations_mean_words() -> None:
    project, offset = in_space("  stem { norm(la▮yer) }")
    found = project.meaning_at(FILE, offset)
    assert found is not None
    assert found[1] == Word("layer")


def test_a_name_is_found_in_a_text_that_does_not_parse() -> None:
    project, offset = in_space("  op mix(c) { conv(3x3, c▮; relu\n  stem { conv(3x3 8)\n  param c2 = 3")
    found = project.meaning_at(FILE, offset)
    assert found is not None
    assert isinstance(found[1], Symbol)
    assert found[1].kind == "formal"
