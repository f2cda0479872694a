"""A language for neural architecture search spaces, its compiler, and a HyperNet runtime for any of them.

Names are imported when they are first used, so that `import smashdsl` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smashdsl.api import Space, load, loads
    from smashdsl.errors import UsageError, UserError
    from smashdsl.hypernet.hypernet import HyperNet
    from smashdsl.lang.text.diagnostics import SmashError
    from smashdsl.ops.op import Arg, Flow, Weight
    from smashdsl.ops.user import expect, layer
    from smashdsl.search.run import SearchConfig, search
    from smashdsl.search.study import Study
    from smashdsl.space.architecture import Architecture, Architectures

__version__ = "0.1.0"
__all__ = [
    "Architecture",
    "Architectures",
    "Arg",
    "Flow",
    "HyperNet",
    "SearchConfig",
    "SmashError",
    "Space",
    "Study",
    "UsageError",
    "UserError",
    "Weight",
    "expect",
    "layer",
    "load",
    "loads",
    "search",
]

_HOMES = {
    "Space": "smashdsl.api",
    "load": "smashdsl.api",
    "loads": "smashdsl.api",
    "HyperNet": "smashdsl.hypernet.hypernet",
    "search": "smashdsl.search.run",
    "SearchConfig": "smashdsl.search.run",
    "Study": "smashdsl.search.study",
    "UsageError": "smashdsl.errors",
    "UserError": "smashdsl.errors",
    "SmashError": "smashdsl.lang.text.diagnostics",
    "Arg": "smashdsl.ops.op",
    "Flow": "smashdsl.ops.op",
    "Weight": "smashdsl.ops.op",
    "expect": "smashdsl.ops.user",
    "layer": "smashdsl.ops.user",
    "Architecture": "smashdsl.space.architecture",
    "Architectures": "smashdsl.space.architecture",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'smashdsl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
