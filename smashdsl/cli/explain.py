"""Explain a diagnostic code: what it means, an example that fails with it, and the example mended."""

from __future__ import annotations

import argparse

from smashdsl.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", nargs="?", help="such as SD0203; without it all codes are listed")


def run(args: argparse.Namespace) -> int:
    from smashdsl.lang.text.codes import CODES
    from smashdsl.lang.text.diagnostics import did_you_mean
    from smashdsl.lang.text.explain import explanation

    if args.code is None:
        for code, title in CODES.items():
            print(f"{code}  {title}")
        return 0
    code = args.code.upper()
    page = explanation(code) if code in CODES else None
    if page is None:
        raise UserError(
            f"there is no code `{args.code}`", did_you_mean(code, CODES) or "`smashdsl explain` lists all codes"
        )
    print(page, end="")
    return 0
