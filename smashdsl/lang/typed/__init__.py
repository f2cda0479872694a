"""Syntax tree to typed IR: names bound, arguments matched, constants folded."""
