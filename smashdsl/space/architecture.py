"""One point of a space: immutable, hashable, plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from smashdsl.space.sites import INACTIVE
from smashdsl.space.subsets import Ints

if TYPE_CHECKING:
    from smashdsl.space.space import SearchSpace

FORMAT = 1


class Architecture:
    """The decisions that make one network of a space.

    Equal if and only if the space and all active decisions are equal.
    """

    __slots__ = ("_key", "space")

    def __init__(self, space: SearchSpace, codes: Ints) -> None:
        self.space = space
        self._key = np.ascontiguousarray(codes, np.int64).tobytes()

    @property
    def codes(self) -> Ints:
        """Integer code: one number per site, -1 where nothing is decided; a set of banks is the bits of a word."""
        return np.frombuffer(self._key, np.int64)

    def decisions(self) -> dict[str, Any]:
        """Return the active decisions by site path, in program order."""
        sites = self.space.sites.all
        return {
            site.path: site.value(int(code)) for site, code in zip(sites, self.codes, strict=True) if code != INACTIVE
        }

    def to_json(self) -> dict[str, Any]:
        """Return the architecture as JSON-ready data."""
        decisions = {path: plain(value) for path, value in self.decisions().items()}
        return {
            "format": FORMAT,
            "space": self.space.name,
            "space_hash": self.space.hash,
            "decisions": decisions,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Architecture) and self._key == other._key and self.space.hash == other.space.hash

    def __hash__(self) -> int:
        return hash((self.space.hash, self._key))

    def __repr__(self) -> str:
        shown = ", ".join(f"{path}={plain(value)}" for path, value in list(self.decisions().items())[:4])
        more = len(self.decisions()) - 4
        return f"Architecture({self.space.name}: {shown}{f', … {more} more' if more > 0 else ''})"


class Architectures(Sequence[Architecture]):
    """A batch of architectures as one table of codes; each is made when it is looked at."""

    def __init__(self, space: SearchSpace, codes: Ints) -> None:
        self.space = space
        self.codes = codes

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> Architecture: ...
    @overload
    def __getitem__(self, index: slice) -> Architectures: ...
    def __getitem__(self, index: int | slice) -> Architecture | Architectures:
        if isinstance(index, slice):
            return Architectures(self.space, self.codes[index])
        return Architecture(self.space, self.codes[index])

    def __iter__(self) -> Iterator[Architecture]:
        return (Architecture(self.space, row) for row in self.codes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architectures) or not np.array_equal(self.codes, other.codes):
            return False
        return self.space is other.space or self.space.hash == other.space.hash


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: sizes per axis are a text, `3x5`."""
    return "x".join(map(str, value)) if isinstance(value, tuple) else value
