"""Print the grammar of the language as EBNF."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(args: argparse.Namespace) -> int:
    from smashdsl.lang.syntax.ebnf import ebnf

    print(ebnf(), end="")
    return 0
