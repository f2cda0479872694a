"""Bounds on what a spec may ask for, so that any input ends in success or in diagnostics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Each bound, with the code that reports it; raise one with `load(..., limits=Limits(sites=...))`."""

    bytes: int = 4_000_000
    tokens: int = 400_000  # SD0404
    depth: int = 64  # nesting of brackets, SD0401
    sites: int = 20_000  # decisions and layers after repeats are laid out, SD0402
    banks: int = 63  # most banks of a block: a set of banks is one 63-bit word, SD0208
    magnitude: int = 2**40  # largest number an expression may reach, SD0208
    states: int = 100_000  # states followed at one site while checking, SD0403
    imports: int = 100  # files that are imported, SD0405
    import_bytes: int = 4_000_000  # that imported files hold together, SD0406
