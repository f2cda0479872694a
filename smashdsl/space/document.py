"""Architectures read from JSON: whatever is given ends in codes or in one error that names it."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from smashdsl.errors import UserError
from smashdsl.lang.text.diagnostics import did_you_mean
from smashdsl.space.architecture import FORMAT, plain
from smashdsl.space.sites import INACTIVE, Site, Sites
from smashdsl.space.subsets import Ints

LONGEST_PATH = 1000  # a longer one is no misspelt path
MOST_LISTED = 12
SPELLING = {True: "true", False: "false", None: "null"}


def read(data: Any, sites: Sites, name: str, space_hash: str) -> Ints:
    """Return the codes of the decisions in a document that `Architecture.to_json` wrote; codes: (sites,).

    A set of banks is a list without repeats, in any order. Whether the decisions go together is for the space to tell.
    Raises `UserError` for the first thing that is wrong.
    """
    if not isinstance(data, Mapping) or "decisions" not in data:
        raise UserError("this is no architecture: it has no `decisions`", "write one with `smashdsl sample`")
    if type(data.get("format")) is not int or data["format"] != FORMAT:
        raise UserError(
            f"format {shown(data.get('format'))} of an architecture is not known", f"this release reads {FORMAT}"
        )
    given = data.get("space_hash")
    if given is not None and given != space_hash:
        told = given[:12] if isinstance(given, str) else shown(given)
        raise UserError(
            f"this architecture belongs to space {_quoted(data.get('space'))} with hash {told}, "
            f"not to `{name}` with hash {space_hash[:12]}",
            "the spec has changed since, or params are set differently",
        )
    decisions = data["decisions"]
    if not isinstance(decisions, Mapping):
        raise UserError(f"`decisions` of an architecture holds a value for each site, not {shown(decisions)}")
    codes = np.full(len(sites), INACTIVE, np.int64)
    for path, value in decisions.items():
        if path not in sites.column:
            near = did_you_mean(path, sites.column) if isinstance(path, str) and len(path) < LONGEST_PATH else None
            raise UserError(f"the space has no decision {_quoted(path)}", near)
        column = sites.column[path]
        codes[column] = _code(sites.all[column], value)
    return codes


def _code(site: Site, value: Any) -> int:
    if site.alphabet is None:
        return _banks(site, value)
    # types are told apart: `true` is not 1, and 3.0 is not 3
    codes = {(type(v), v): code for code, v in enumerate(map(plain, site.alphabet))}
    code = codes.get((type(value), value)) if isinstance(value, bool | int | float | str) else None
    if code is None:
        raise UserError(f"`{site.path}` can't be {shown(value)}: it is one of {_listing(v for _, v in codes)}")
    return code


def _banks(site: Site, value: Any) -> int:
    if not isinstance(value, list) or not all(type(bank) is int and 0 <= bank < site.banks for bank in value):
        raise UserError(f"`{site.path}` is a list of banks from 0 to {site.banks - 1}, not {shown(value)}")
    twice = [bank for bank in sorted(set(value)) if value.count(bank) > 1]
    if twice:
        raise UserError(f"`{site.path}` lists bank {twice[0]} twice")
    return sum(1 << bank for bank in value)


def shown(value: Any) -> str:
    """Return any value as short text."""
    return _Short().repr(value)


def _quoted(name: Any) -> str:
    return f"`{name}`" if isinstance(name, str) and len(name) < LONGEST_PATH else shown(name)


def _listing(values: Iterable[Any]) -> str:
    listed = [SPELLING[v] if isinstance(v, bool) else str(v) for v in values]
    more = len(listed) - MOST_LISTED
    return ", ".join(listed[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


class _Short(reprlib.Repr):
    """Representations that stay short whatever a document holds: deep, long, or larger than Python prints."""

    def repr1(self, x: Any, level: int) -> str:
        if x is None or isinstance(x, bool):
            return SPELLING[x]
        if type(x) is int and x.bit_length() > 64:
            return f"a number of {x.bit_length()} bits"
        return super().repr1(x, level)
