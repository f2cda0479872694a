"""The server's answers as the protocol's types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcInvalidParams

from smashdsl.errors import UserError
from smashdsl.lang.text.diagnostics import Diagnostic
from smashdsl.lang.text.source import Span
from smashdsl.lsp import tokens
from smashdsl.lsp.analysis import Analysis, Related
from smashdsl.lsp.completion import Item
from smashdsl.lsp.positions import Place, Positions
from smashdsl.lsp.signatures import Signature
from smashdsl.lsp.symbols import GLOBAL, Outline, Symbol

K = types.CompletionItemKind
ITEM_KINDS: Mapping[str, types.CompletionItemKind] = {
    "keyword": K.Keyword,
    "layer": K.Function,
    "op": K.Method,
    "cell": K.Class,
    "let": K.Variable,
    "param": K.Constant,
    "variable": K.Variable,
    "argument": K.Property,
    "word": K.EnumMember,
    "function": K.Function,
    "file": K.File,
}
S = types.SymbolKind
SYMBOL_KINDS: Mapping[str, types.SymbolKind] = {
    "space": S.Namespace,
    "op": S.Function,
    "cell": S.Class,
    "block": S.Class,
    "param": S.Constant,
    "output": S.Field,
    "let": S.Variable,
}
# warnings of what could be said shorter, and of what could be left out
SHORTER = frozenset({"SD1005", "SD1006", "SD1007", "SD1009", "SD1011", "SD1012", "SD1013"})
UNNEEDED = frozenset(
    {"SD1001", "SD1002", "SD1003", "SD1007", "SD1008", "SD1010", "SD1011", "SD1013", "SD1014", "SD1015"}
)
SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "hint": types.DiagnosticSeverity.Hint,
}


class Asked(Protocol):
    """A request about a place in a text."""

    @property
    def text_document(self) -> types.TextDocumentIdentifier: ...
    @property
    def position(self) -> types.Position: ...


def file_of(uri: str) -> str:
    """Return the path of a file, or the address itself of what is no file yet."""
    return uris.to_fs_path(uri) or uri if uri.startswith("file:") else uri


def uri_of(file: str) -> str:
    """Return the address of a file."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", file):  # a scheme has two letters at least, a drive has one
        return file
    return uris.from_fs_path(file) or file


def place(position: types.Position) -> Place:
    return Place(position.line, position.character)


def range_of(positions: Positions, span: Span) -> types.Range:
    """Return a span as lines and code units."""
    start, end = positions.span(span)
    return types.Range(types.Position(*start), types.Position(*end))


def refused(error: UserError) -> JsonRpcInvalidParams:
    """Return the error that tells the user why a request is refused."""
    return JsonRpcInvalidParams(error.message)


def hover(positions: Positions, text: str, span: Span) -> types.Hover:
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), range_of(positions, span))


# -- diagnostics ----------------------------------------------------------------------------------


def diagnostics(uri: str, analysis: Analysis, positions: Positions) -> list[types.Diagnostic]:
    """Return what is wrong with a text."""
    if analysis.trouble:
        at = types.Range(types.Position(0, 0), types.Position(0, 1))
        return [types.Diagnostic(at, analysis.trouble, types.DiagnosticSeverity.Error, source="smashdsl")]
    listed = zip(analysis.diagnostics, analysis.related, strict=True)
    return [_diagnostic(uri, d, related, positions) for d, related in listed]


def _diagnostic(uri: str, found: Diagnostic, related: tuple[Related, ...], positions: Positions) -> types.Diagnostic:
    error = found.severity == "error"
    return types.Diagnostic(
        range=range_of(positions, found.span),
        message=message(found),
        severity=SEVERITIES["error" if error else "hint" if found.code in SHORTER else "warning"],
        code=found.code,
        source="smashdsl",
        tags=[types.DiagnosticTag.Unnecessary] if found.code in UNNEEDED else None,
        related_information=[
            types.DiagnosticRelatedInformation(_location(uri, place, positions), place.label) for place in related
        ],
    )


def _location(uri: str, place: Related, positions: Positions) -> types.Location:
    own = place.span.file == 0
    there = positions if own else Positions(place.source.text, positions.encoding)
    return types.Location(uri if own else uri_of(place.source.name), range_of(there, place.span))


def message(found: Diagnostic) -> str:
    """Return a message with the decisions that lead there and the way out, a line each."""
    lines = [found.message]
    if found.where or found.when:
        when = ", ".join(f"{path} = {value}" for path, value in found.when)
        lines.append(f"in: {found.where or 'the space'}" + (f", when {when}" if when else ""))
    lines += [f"note: {note}" for note in found.notes]
    return "\n".join([*lines, f"help: {found.help}"] if found.help else lines)


def actions(uri: str, analysis: Analysis, positions: Positions, at: types.Range) -> list[types.CodeAction]:
    """Return the fixes of what is wrong in a range."""
    first, last = positions.offset(place(at.start)), positions.offset(place(at.end))
    found = []
    for diagnostic, related in zip(analysis.diagnostics, analysis.related, strict=True):
        if not diagnostic.fix or diagnostic.span.start > last or diagnostic.span.end < first:
            continue
        edits = [types.TextEdit(range_of(positions, edit.span), edit.text) for edit in diagnostic.fix]
        found.append(
            types.CodeAction(
                title=title(analysis.text, diagnostic),
                kind=types.CodeActionKind.QuickFix,
                diagnostics=[_diagnostic(uri, diagnostic, related, positions)],
                edit=types.WorkspaceEdit({uri: edits}),
                is_preferred=True,
            )
        )
    return found


def title(text: str, diagnostic: Diagnostic) -> str:
    """Return what a fix does, in a few words."""
    if len(diagnostic.fix) == 1:
        edit = diagnostic.fix[0]
        before = text[edit.span.start : edit.span.end]
        if before and edit.text.strip():
            return f"replace `{before}` by `{edit.text.strip()}`"
        if before or edit.text.strip():
            return f"remove `{before}`" if before else f"put `{edit.text.strip()}` here"
    return diagnostic.help or diagnostic.message


# -- completion, signatures, symbols, colours -----------------------------------------------------


def completion(item: Item, at: types.Range, rank: int) -> types.CompletionItem:
    """Return an item of a completion that keeps its rank."""
    snippet = "$" in item.insert
    return types.CompletionItem(
        label=item.label,
        kind=ITEM_KINDS[item.kind],
        detail=item.detail or None,
        documentation=item.doc or None,
        sort_text=f"{rank:04}",
        text_edit=types.TextEdit(at, item.insert or item.label),
        insert_text_format=types.InsertTextFormat.Snippet if snippet else types.InsertTextFormat.PlainText,
    )


def signature(found: Signature) -> types.SignatureHelp:
    """Return the help for a call."""
    shown = [types.ParameterInformation(argument) for argument in found.arguments]
    # one past the last says that none of them is meant
    active = len(shown) if found.active is None else found.active
    one = types.SignatureInformation(found.label, found.doc or None, shown, active)
    return types.SignatureHelp([one], active_signature=0, active_parameter=active)


def symbols(outline: Outline, positions: Positions) -> list[types.DocumentSymbol]:
    """Return declarations as a tree: what stands in the text of another lies below it."""
    shown = sorted((s for s in outline.symbols if s.kind in SYMBOL_KINDS), key=lambda s: s.span)
    return _below(shown, Span(-1, 1 << 62), positions)


def _below(shown: list[Symbol], around: Span, positions: Positions) -> list[types.DocumentSymbol]:
    found, end = [], around.start
    for symbol in shown:
        inside = around.start < symbol.whole.start and symbol.whole.end <= around.end
        if not inside or symbol.whole.start < end:
            continue
        end = symbol.whole.end
        nested = _below([s for s in shown if s is not symbol], symbol.whole, positions) if symbol.kind in GLOBAL else []
        found.append(
            types.DocumentSymbol(
                name=symbol.name or "?",
                kind=SYMBOL_KINDS[symbol.kind],
                range=range_of(positions, symbol.whole),
                selection_range=range_of(positions, symbol.span),
                detail=symbol.kind,
                children=nested,
            )
        )
    return found


def legend() -> types.SemanticTokensLegend:
    """Return the names of the kinds and modifiers of colours, in order."""
    return types.SemanticTokensLegend(list(tokens.KINDS), list(tokens.MODIFIERS))
