"""The server as an editor has it: a process of its own, over standard input and output."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from smashdsl.cli.main import main
from smashdsl.lsp.positions import Positions
from tests.lsp.texts import AFTER, BEFORE

pytest.importorskip("pygls")

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.client import LanguageClient

WAIT = 20  # seconds for any answer


class Editor:
    """A client that keeps the diagnostics it was sent."""

    def __init__(self) -> None:
        self.client = LanguageClient("test", "1")
        self.told: list[types.PublishDiagnosticsParams] = []

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def tell(params: types.PublishDiagnosticsParams) -> None:
            self.told.append(params)

    async def start(self, folder: Path, encoding: types.PositionEncodingKind) -> types.InitializeResult:
        await self.client.start_io(sys.executable, "-m", "smashdsl", "lsp", "--stdio")
        capabilities = types.ClientCapabilities(general=types.GeneralClientCapabilities(position_encodings=[encoding]))
        return await self.client.initialize_async(types.InitializeParams(capabilities, root_uri=folder.as_uri()))

    def open(self, uri: str, text: str) -> None:
        item = types.TextDocumentItem(uri, "smash", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def change(self, uri: str, version: int, text: str) -> None:
        document = types.VersionedTextDocumentIdentifier(version, uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    async def diagnostics(self, uri: str, version: int | None) -> list[types.Diagnostic]:
        """Return what was told of a version of a text, when it is."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            for told in self.told:
                if (told.uri, told.version) == (uri, version):
                    return list(told.diagnostics)
            await asyncio.sleep(0.02)
        raise AssertionError(f"version {version} was never told of: {self.told}")


UTF_16 = types.PositionEncodingKind.Utf16


def served(
    work: Callable[[Editor], Awaitable[None]], folder: Path, encoding: types.PositionEncodingKind = UTF_16
) -> None:
    """Start a server, do some work with it, and stop it."""

    async def run() -> None:
        editor = Editor()
        await editor.start(folder, encoding)
        try:
            await asyncio.wait_for(work(editor), 2 * WAIT)
        finally:
            await editor.client.shutdown_async(None)
            editor.client.exit(None)
            await editor.client.stop()

    asyncio.run(run())


def place(text: str, part: str, inside: str = "") -> types.Position:
    """Return the place where a part of a text starts, in UTF-16 code units."""
    start = text.index(inside or part) + (inside or part).index(part)
    return types.Position(*Positions(text).place(start))


def test_a_mistake_is_told_where_it_is_mended_and_forgotten(tmp_path: Path) -> None:
    uri = (tmp_path / "net.smash").as_uri()
    text = f"{BEFORE}  stem {{ conv(3x3, 8); rellu }}  # 🧠\r\n{AFTER}"

    async def work(editor: Editor) -> None:
        editor.open(uri, text)
        [found] = await editor.diagnostics(uri, 1)
        assert (found.code, found.severity, found.source) == ("SD0101", types.DiagnosticSeverity.Error, "smashdsl")
        assert found.message == "there is no layer, op or cell `rellu`\nhelp: did you mean `relu`?"
        assert found.range.start == place(text, "rellu")
        context = types.CodeActionContext([found])
        document = types.TextDocumentIdentifier(uri)
        asked = types.CodeActionParams(document, found.range, context)
        [action] = await editor.client.text_document_code_action_async(asked) or []
        assert isinstance(action, types.CodeAction)
        assert action.title == "replace `rellu` by `relu`"
        assert action.edit is not None
        assert list((action.edit.changes or {})[uri]) == [types.TextEdit(found.range, "relu")]
        editor.change(uri, 2, text.replace("rellu", "relu"))
        assert await editor.diagnostics(uri, 2) == []
        editor.client.text_document_did_close(types.DidCloseTextDocumentParams(document))
        assert await editor.diagnostics(uri, None) == []

    served(work, tmp_path)


@pytest.mark.parametrize(("encoding", "width"), [(UTF_16, 4), (types.PositionEncodingKind.Utf8, 6)])
def test_places_behind_an_emoji_are_counted_as_agreed(
    encoding: types.PositionEncodingKind, width: int, tmp_path: Path
) -> None:
    uri = (tmp_path / "net.smash").as_uri()
    text = f"{BEFORE}  op # 🧠🧠\n  deep {{ relu }}\n  stem {{ deep }}\n{AFTER}"
    unknown = text.replace("stem { deep }", 'stem { deep; conv("🧠", 3) }')

    async def work(editor: Editor) -> None:
        editor.open(uri, unknown)
        found = await editor.diagnostics(uri, 1)
        assert found[0].range.start == place(unknown, '"🧠"')
        # two quotes, and the emoji
        assert found[0].range.end.character == found[0].range.start.character + width
        asked = types.HoverParams(types.TextDocumentIdentifier(uri), place(unknown, "deep", "deep; conv"))
        hover = await editor.client.text_document_hover_async(asked)
        assert hover is not None
        assert "op # 🧠🧠" in str(hover.contents)

    served(work, tmp_path, encoding)


def test_a_text_is_asked_about(tmp_path: Path) -> None:
    uri = (tmp_path / "net.smash").as_uri()
    text = f"{BEFORE}  op mix(c) {{ conv(3x3, c) }}\n  stem {{ mix(8) }}\n{AFTER}"
    document = types.TextDocumentIdentifier(uri)

    async def work(editor: Editor) -> None:
        editor.open(uri, text)
        client, at = editor.client, place(text, "mix", "mix(8)")
        await editor.diagnostics(uri, 1)
        definition = await client.text_document_definition_async(types.DefinitionParams(document, at))
        assert isinstance(definition, types.Location)
        assert definition.range.start == place(text, "mix")
        context = types.ReferenceContext(include_declaration=False)
        [use] = await client.text_document_references_async(types.ReferenceParams(context, document, at)) or []
        assert use.range.start == at
        edit = await client.text_document_rename_async(types.RenameParams(document, at, "blend"))
        assert edit is not None
        assert edit.changes is not None
        assert [change.range.start for change in edit.changes[uri]] == [place(text, "mix"), at]
        with pytest.raises(JsonRpcException, match="`read` is a reserved word and can't be a name"):
            await client.text_document_rename_async(types.RenameParams(document, at, "read"))
        hover = await client.text_document_hover_async(types.HoverParams(document, at))
        assert hover is not None
        assert "leaves `[8, 8, 8]`" in str(hover.contents)
        help = await client.text_document_signature_help_async(
            types.SignatureHelpParams(document, place(text, "8)", "mix(8)"))
        )
        assert help is not None
        assert (help.signatures[0].label, help.active_parameter) == ("mix(c)", 0)
        await listed_coloured_and_completed(client)
        editor.change(uri, 2, text.replace("stem {", "stem   {"))
        options = types.FormattingOptions(tab_size=2, insert_spaces=True)
        [edit] = await client.text_document_formatting_async(types.DocumentFormattingParams(document, options)) or []
        assert edit.range.end.line == place(text, "stem").line
        assert edit.new_text.endswith("op mix(c) { conv(3x3, c) }\n  stem")

    async def listed_coloured_and_completed(client: Any) -> None:
        [space] = await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
        assert (space.name, [child.name for child in space.children]) == ("s", ["classes", "mix"])
        tokens = await client.text_document_semantic_tokens_full_async(types.SemanticTokensParams(document))
        assert len(tokens.data) == 5 * 11
        assert list(tokens.data[:5]) == [1, 6, 1, 2, 1]  # line 1, column 6, one unit, a namespace, its declaration
        found = await client.text_document_completion_async(types.CompletionParams(document, place(text, "mix(8")))
        assert {"mix", "conv", "relu"} <= {item.label for item in found.items}

    served(work, tmp_path)


def test_a_newer_version_calls_an_older_one_off(tmp_path: Path) -> None:
    uri = (tmp_path / "net.smash").as_uri()
    slow = Path("examples/smashv1.smash").read_text(encoding="utf-8")
    wrong = slow.replace("linear(classes)", "linear(3)")

    async def work(editor: Editor) -> None:
        editor.open(uri, wrong)
        await asyncio.sleep(0.6)  # the first is being compiled, or was
        for version in range(2, 8):
            editor.change(uri, version, slow if version == 7 else wrong)
        asked = types.DocumentSymbolParams(types.TextDocumentIdentifier(uri))
        assert await editor.client.text_document_document_symbol_async(asked)
        # the answer does not wait for a compilation
        assert 7 not in [told.version for told in editor.told]
        assert await editor.diagnostics(uri, 7) == []
        versions = [told.version for told in editor.told]
        assert set(versions) <= {1, 7}
        assert versions == sorted(versions)

    served(work, tmp_path)


def test_without_the_extra_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "pygls" or name == "smashdsl.lsp.server"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("smashdsl.lsp.server", raising=False)
    monkeypatch.setitem(sys.modules, "pygls", None)
    assert main(["lsp"]) == 2
    assert "the language server needs pygls" in capsys.readouterr().err
