"""The texts that are open, the files that they import, and what names mean across them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

from lark import Token

from smashdsl.errors import UserError
from smashdsl.lang.text.folder import Folder, Reader
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Span, read_source
from smashdsl.lsp.binding import Meaning, Names
from smashdsl.lsp.lexing import words
from smashdsl.lsp.scan import scan
from smashdsl.lsp.symbols import Outline, Symbol, Use

PRELUDE = "prelude.smash"
SHARED = frozenset({"op", "cell", "param"})  # what an import brings


@dataclass(frozen=True, eq=False)
class Document:
    """One text, its words and its outline."""

    file: str
    text: str
    tokens: list[Token] = field(repr=False)
    outline: Outline = field(repr=False)


def document(file: str, text: str) -> Document:
    """Return a text with its words and its outline."""
    tokens = words(text)
    return Document(file, text, tokens, scan(tokens, file))


@cache
def prelude() -> Document:
    """Return the ops that every space may use."""
    return document(PRELUDE, files("smashdsl.lang").joinpath(PRELUDE).read_text(encoding="utf-8"))


@dataclass
class Project:
    """Texts by file; ``open`` ones are what the editor holds, whatever is on the disk."""

    open: dict[str, Document] = field(default_factory=dict)
    _read: dict[str, tuple[float, Document]] = field(default_factory=dict)

    def edit(self, file: str, text: str) -> Document:
        """Put a text in place of what was known of a file."""
        known = self.open.get(file)
        if known is None or known.text != text:
            self.open[file] = document(file, text)
        return self.open[file]

    def close(self, file: str) -> None:
        """Forget the editor's text of a file."""
        self.open.pop(file, None)

    def document(self, file: str) -> Document | None:
        """Return what the editor holds of a file, else what the disk does, else None."""
        if file in self.open:
            return self.open[file]
        if file == PRELUDE:
            return prelude()
        try:
            changed = Path(file).stat().st_mtime
            known = self._read.get(file)
            if known is None or known[0] != changed:
                known = self._read[file] = (changed, document(file, read_source(file, Limits().bytes).text))
            return known[1]
        except (OSError, UserError, ValueError):
            return None

    def reader(self, file: str) -> Reader:
        """Return how what a file imports is read: as the editor holds it, else from the disk."""
        folder = Folder(Path(file).parent)
        texts = {os.path.normpath(name): document.text for name, document in self.open.items()}

        def read(path: str, max_bytes: int) -> Source:
            name = os.path.normpath(os.path.join(folder.path, path))
            return Source(name, texts[name]) if name in texts else folder(path, max_bytes)

        return read

    def imports(self, file: str) -> Iterator[Document]:
        """Yield the files that a file imports, and those that they import, each once."""
        seen, waiting = {file}, [file]
        while waiting:
            at = waiting.pop(0)
            found = self.document(at)
            if found is None:
                continue
            if at != file:
                yield found
            for path, _ in found.outline.imports:
                target = os.path.normpath(os.path.join(os.path.dirname(at), path))
                if target not in seen:
                    seen.add(target)
                    waiting.append(target)

    def names(self, file: str) -> Names:
        """Return the names of a file, bound to what they mean."""
        found = self.document(file)
        imported: dict[str, Symbol] = {}
        for other in (*self.imports(file), prelude()):
            for symbol in other.outline.symbols:
                if symbol.kind in SHARED:
                    imported.setdefault(symbol.name, symbol)
        return Names(Outline() if found is None else found.outline, imported)

    def meaning_at(self, file: str, offset: int) -> tuple[Use, Meaning | None] | None:
        """Return the name at a place and what it means."""
        found = self.document(file)
        use = None if found is None else found.outline.use_at(offset)
        return None if use is None else (use, self.names(file).meaning(use))

    def references(self, symbol: Symbol, file: str) -> list[tuple[str, Span]]:
        """Return every place that names a symbol, its declaration included, in text order by file.

        Looked at: open texts, ``file``, and what these import.
        """
        related = dict.fromkeys((file, symbol.file, *self.open))
        for at in tuple(related):
            related.update((other.file, None) for other in self.imports(at))
        found: list[tuple[str, Span]] = []
        for at in related:
            text = self.document(at)
            if text is None:
                continue
            names = self.names(at)
            spans = {use.span for use in text.outline.uses if _same(names.meaning(use), symbol)}
            found.extend((at, span) for span in sorted(spans))
        return found


def _same(meaning: Meaning | None, symbol: Symbol) -> bool:
    return isinstance(meaning, Symbol) and (meaning.file, meaning.span) == (symbol.file, symbol.span)
