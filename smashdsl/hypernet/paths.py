"""Where weights live: every layer instance that can occur in a space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smashdsl.lang.compile import Compiled
from smashdsl.lang.program import templates as p
from smashdsl.space.sites import places


class Instance(NamedTuple):
    """One layer, or read with weights, of one scope: its site path, the region and template whose extents bound it."""

    path: str
    region: str
    layer: p.Layer | p.Read


def instances(compiled: Compiled) -> Iterator[Instance]:
    """Yield every layer instance at the most repeats and ops, in program order; a `let` may come more than once."""
    for prefix, region, layer in places(compiled):
        if not isinstance(layer, p.Decision):
            yield Instance(f"{prefix}{layer.local}", region, layer)
