"""A language server: what an editor asks about a `.smash` text, also while it does not parse.

Pure functions on plain data; `server.py` alone speaks the protocol, and needs the extra `lsp`.
"""
