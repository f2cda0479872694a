"""Whatever is being written, every question is answered."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smashdsl.errors import UserError
from smashdsl.lsp.analysis import analyse
from smashdsl.lsp.completion import complete
from smashdsl.lsp.hover import hover
from smashdsl.lsp.project import Project
from smashdsl.lsp.rename import rename
from smashdsl.lsp.signatures import signature_at
from smashdsl.lsp.symbols import Symbol
from smashdsl.lsp.tokens import meanings
from tests.lsp.texts import EXAMPLES, FILE

TEXTS = [path.read_text(encoding="utf-8") for path in EXAMPLES if path.stat().st_size < 2500]
PIECES = st.one_of(
    st.sampled_from(["{", "}", "(", ")", "[", "]", "|", ";", ",", "=", '"', "#", "\n", "🧠", "\0", "@", "é"]),
    st.sampled_from(
        [" op ", " for i in ", " let a, ", " block b[", " read ", " count(", "\nstem {", " cell ", "\nparam "]
    ),
)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, int]:
    """An example with a part cut out and something put in, and a cursor."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + draw(st.sampled_from([0, 3, 400])))))
        text = text[:start] + draw(PIECES) + text[end:]
    return text, draw(st.integers(0, len(text)))


@settings(max_examples=60)
@given(written())
def test_every_question_is_answered(case: tuple[str, int]) -> None:
    text, offset = case
    project = Project()
    document = project.edit(FILE, text)
    names = project.names(FILE)
    for use in document.outline.uses:
        assert text[use.span.start : use.span.end] == use.name
    for symbol in document.outline.symbols:
        assert symbol.whole.start <= symbol.span.start <= symbol.span.end <= symbol.whole.end <= len(text)
    span, items = complete(project, FILE, offset)
    assert span.end == offset
    assert len({item.label for item in items}) == len(items)
    hover(project, FILE, offset, None)
    signature_at(project, FILE, offset)
    assert len(list(meanings(names))) <= len(document.outline.uses)
    found = project.meaning_at(FILE, offset)
    if found is not None and isinstance(found[1], Symbol) and found[1].file == FILE:
        assert (FILE, found[1].span) in project.references(found[1], FILE)


@settings(max_examples=15)
@given(written())
def test_a_text_that_is_wrong_is_told_so_and_renaming_in_it_is_sound(case: tuple[str, int]) -> None:
    text, offset = case
    project = Project()
    project.edit(FILE, text)
    known = analyse(FILE, text).diagnostics
    try:
        places = rename(project, FILE, offset, "quite_another")[FILE]
    except UserError:
        return
    for place in sorted(places, reverse=True):
        text = f"{text[: place.start]}quite_another{text[place.end :]}"
    assert len(analyse(FILE, text).diagnostics) <= len(known)
