"""Scores to a winner: scoring, strategies, the study, and training found architectures for real."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Search(ModuleType):
    """This folder, which may be called: importing any part of it puts it where the function `smashdsl.search` stood."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Search a space; see `smashdsl.search.run.search`."""
        from smashdsl.search.run import search

        return search(*args, **kwargs)


sys.modules[__name__].__class__ = _Search
