"""The name of a space by its content."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from smashdsl.lang.typed import ir
from smashdsl.lang.typed.document import to_json


def space_hash(space: ir.Space) -> str:
    """Return the SHA-256 of a space's IR as 64 hexadecimal digits.

    Two texts that differ in comments, layout or the names of constant params have one hash; the version of the language
    and every name that a decision's path holds are in it, and so are the versions of layers that packages add.
    """
    data = to_json(space)
    if not space.foreign:
        del data["foreign"]  # such a space has one hash, whether or not its reader knows of packages
    return sha256(canonical(data).encode()).hexdigest()


def canonical(data: Any) -> str:
    """Return JSON-ready data as its one canonical text: keys sorted, nothing between tokens, floats by ``repr``."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
