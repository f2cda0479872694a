"""Where weights live: every layer instance that can occur in a space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smashdsl.lang.compile import Compiled
from smashdsl.lang.program import templates as p
from smashdsl.space.sites import places


class Instance(NamedTuple):
    """One layer of one scope: its site path, the region and template whose extents bound it."""

    path: str
    region: str
    layer: p.Layer


def instances(compiled: Compiled) -> Iterator[Instance]:
    """Yield every layer instance at the most repeats and ops, in program order; a `let` may come more than once."""
    for prefix, region, layer in places(compiled):
        if isinstance(layer, p.Layer):
            yield Instance(f"{prefix}{layer.local}", region, layer)
