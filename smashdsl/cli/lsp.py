"""Serve an editor: the language server, over standard input and output."""

from __future__ import annotations

import argparse

from smashdsl.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="what editors pass; there is no other way to talk to it")


def run(args: argparse.Namespace) -> int:
    try:
        from smashdsl.lsp import server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"pygls", "lsprotocol"}:
            raise
        raise UsageError("the language server needs pygls", "pip install 'smashdsl[lsp]'") from None
    server.run()
    return 0
