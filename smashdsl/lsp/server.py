"""The language server: documents, requests and diagnostics of the protocol, over the functions beside this file."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from lsprotocol import types
from pygls.lsp.server import LanguageServer

import smashdsl
from smashdsl.errors import UserError
from smashdsl.lang.check.watch import Stopped, Watch
from smashdsl.lang.text.source import Span
from smashdsl.lsp import convert, tokens
from smashdsl.lsp.analysis import Analysis, analyse
from smashdsl.lsp.completion import complete
from smashdsl.lsp.formatting import formatting
from smashdsl.lsp.hover import hover
from smashdsl.lsp.paths import imported_at
from smashdsl.lsp.positions import Encoding, Positions, as_read
from smashdsl.lsp.project import PRELUDE, Project
from smashdsl.lsp.rename import renamable, rename
from smashdsl.lsp.signatures import signature_at
from smashdsl.lsp.symbols import Symbol

PAUSE = 0.2  # seconds without an edit before a text is compiled
STACK = 64 * 2**20  # bytes: the compiler recurses deeper than a thread's usual stack holds


@dataclass
class Opened:
    """What the server holds of a document beside its text: the version that the last analysis is of."""

    version: int = 0
    analysis: Analysis | None = None
    watch: Watch | None = None  # of the compilation that runs
    task: asyncio.Task[None] | None = None


@dataclass
class State:
    project: Project = field(default_factory=Project)
    opened: dict[str, Opened] = field(default_factory=dict)  # by uri


class Server(LanguageServer):
    """Answers an editor; compiling happens in another thread, and a newer version of a text calls it off."""

    def __init__(self) -> None:
        super().__init__("smashdsl", smashdsl.__version__)
        self.state = State()
        before = threading.stack_size(STACK)
        self.compiler = ThreadPoolExecutor(1, thread_name_prefix="compile")
        self.compiler.submit(int).result()  # the thread starts now, with this stack
        threading.stack_size(before)

    # -- texts --------------------------------------------------------------------------------

    def positions(self, file: str) -> Positions:
        """Return the places of a file's text in the units that the client counts."""
        document = self.state.project.document(file)
        encoding: Encoding = "utf-16"
        chosen = self.workspace.position_encoding
        if chosen in ("utf-8", "utf-32"):
            encoding = "utf-8" if chosen == "utf-8" else "utf-32"
        return Positions("" if document is None else document.text, encoding)

    def edited(self, uri: str) -> None:
        """Take over a text that changed, and compile it and what imports it after a pause."""
        document = self.workspace.get_text_document(uri)
        file = convert.file_of(uri)
        self.state.project.edit(file, as_read(document.source))
        self.state.opened.setdefault(uri, Opened()).version = document.version or 0
        for other in self.state.opened:
            at = convert.file_of(other)
            if other == uri or any(imported.file == file for imported in self.state.project.imports(at)):
                self.schedule(other)

    def schedule(self, uri: str) -> None:
        """Compile a text after a pause; call off what is under way for it."""
        opened = self.state.opened[uri]
        if opened.watch is not None:
            opened.watch.stop = True
        if opened.task is not None:
            opened.task.cancel()
        opened.task = asyncio.ensure_future(self.compile(uri, PAUSE))

    async def compile(self, uri: str, pause: float) -> None:
        """Compile a text in the other thread, and publish what is found unless the text is a newer one by then."""
        await asyncio.sleep(pause)
        opened, file = self.state.opened[uri], convert.file_of(uri)
        document = self.state.project.document(file)
        if document is None:
            return
        version, watch = opened.version, Watch()
        opened.watch = watch
        try:
            loop = asyncio.get_running_loop()
            analysis = await loop.run_in_executor(
                self.compiler, analyse, file, document.text, watch, None, self.state.project.reader(file)
            )
        except Stopped:
            return
        except asyncio.CancelledError:
            watch.stop = True
            raise
        if self.state.opened.get(uri) is opened and opened.version == version:
            opened.analysis = analysis
            self.publish(uri, version, analysis)

    def publish(self, uri: str, version: int, analysis: Analysis) -> None:
        """Send the diagnostics of a version of a text."""
        places = self.positions(convert.file_of(uri))
        found = convert.diagnostics(uri, analysis, places)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def closed(self, uri: str) -> None:
        """Forget a document, and take its diagnostics back."""
        opened = self.state.opened.pop(uri, None)
        if opened is not None and opened.watch is not None:
            opened.watch.stop = True
        self.state.project.close(convert.file_of(uri))
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def analysis(self, uri: str) -> Analysis | None:
        """Return what is known of the very text that is open, or None while it is being compiled."""
        opened = self.state.opened.get(uri)
        document = self.state.project.document(convert.file_of(uri))
        if opened is None or opened.analysis is None or document is None or opened.analysis.text != document.text:
            return None
        return opened.analysis

    def at(self, params: convert.Asked) -> tuple[str, int]:
        """Return the file and the offset that a request speaks of."""
        file = convert.file_of(params.text_document.uri)
        return file, self.positions(file).offset(convert.place(params.position))

    def location(self, file: str, span: Span) -> types.Location:
        """Return a place of a file as the protocol tells it."""
        return types.Location(convert.uri_of(file), convert.range_of(self.positions(file), span))


def make() -> Server:
    """Return a server with all it can be asked."""
    server = Server()
    _texts(server)
    _questions(server)
    _navigation(server)
    _edits(server)
    return server


def run() -> None:
    """Serve one editor over standard input and output."""
    make().start_io()


def _texts(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.edited(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.edited(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.closed(params.text_document.uri)


def _questions(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def show(params: types.HoverParams) -> types.Hover | None:
        file, offset = server.at(params)
        found = hover(server.state.project, file, offset, server.analysis(params.text_document.uri))
        return None if found is None else convert.hover(server.positions(file), *found)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["(", ",", "=", "{", "|", '"', "/"])
    )
    def suggest(params: types.CompletionParams) -> types.CompletionList:
        file, offset = server.at(params)
        span, items = complete(server.state.project, file, offset)
        at = convert.range_of(server.positions(file), span)
        listed = [convert.completion(item, at, i) for i, item in enumerate(items)]
        return types.CompletionList(is_incomplete=False, items=listed)

    @server.feature(types.TEXT_DOCUMENT_SIGNATURE_HELP, types.SignatureHelpOptions(trigger_characters=["(", ","]))
    def arguments(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        found = signature_at(server.state.project, *server.at(params))
        return None if found is None else convert.signature(found)

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, convert.legend())
    def colour(params: types.SemanticTokensParams) -> types.SemanticTokens:
        file = convert.file_of(params.text_document.uri)
        places, found = server.positions(file), []
        for span, kind, modifiers in tokens.meanings(server.state.project.names(file)):
            start, end = places.span(span)
            found.append((start.line, start.character, end.character - start.character, kind, modifiers))
        return types.SemanticTokens(tokens.encoded(found))


def _navigation(server: Server) -> None:
    project = server.state.project

    def symbol_at(params: convert.Asked) -> tuple[str, Symbol] | None:
        file, offset = server.at(params)
        found = project.meaning_at(file, offset)
        return (file, found[1]) if found is not None and isinstance(found[1], Symbol) else None

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def define(params: types.DefinitionParams) -> types.Location | None:
        target = imported_at(project, *server.at(params))
        if target is not None:
            return server.location(target, Span(0, 0))
        found = symbol_at(params)
        # an op of the language stands in no file that an editor could open
        return None if found is None or found[1].file == PRELUDE else server.location(found[1].file, found[1].span)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def refer(params: types.ReferenceParams) -> list[types.Location]:
        found = symbol_at(params)
        places = [] if found is None else project.references(found[1], found[0])
        if found is not None and not params.context.include_declaration:
            places = [place for place in places if place != (found[1].file, found[1].span)]
        return [server.location(file, span) for file, span in places if file != PRELUDE]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        found = symbol_at(params)
        places = [] if found is None else project.references(found[1], found[0])
        return [
            types.DocumentHighlight(server.location(file, span).range)
            for file, span in places
            if found is not None and file == found[0]
        ]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def outline(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        file = convert.file_of(params.text_document.uri)
        document = project.document(file)
        return [] if document is None else convert.symbols(document.outline, server.positions(file))


def _edits(server: Server) -> None:
    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def prepare(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder:
        file, offset = server.at(params)
        try:
            symbol, span = renamable(server.state.project, file, offset)
        except UserError as error:
            raise convert.refused(error) from None
        return types.PrepareRenamePlaceholder(convert.range_of(server.positions(file), span), symbol.name)

    @server.feature(types.TEXT_DOCUMENT_RENAME)
    async def put_name(params: types.RenameParams) -> types.WorkspaceEdit:
        # it compiles the text twice; what the editor holds may change in the meantime, a copy does not
        project, loop = Project(dict(server.state.project.open)), asyncio.get_running_loop()
        try:
            file, offset = server.at(params)
            places = await loop.run_in_executor(server.compiler, rename, project, file, offset, params.new_name)
        except UserError as error:
            raise convert.refused(error) from None
        changes = {
            convert.uri_of(file): [types.TextEdit(server.location(file, span).range, params.new_name) for span in spans]
            for file, spans in places.items()
        }
        return types.WorkspaceEdit(changes)

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def lay_out(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        file = convert.file_of(params.text_document.uri)
        edit = formatting(file, server.workspace.get_text_document(params.text_document.uri).source)
        return [] if edit is None else [types.TextEdit(server.location(file, edit.span).range, edit.text)]

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    def mend(params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        analysis = server.analysis(uri)
        if analysis is None:
            return []
        return convert.actions(uri, analysis, server.positions(convert.file_of(uri)), params.range)
