"""Rules that were written for plain numbers, applied to arrays of one number per architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any, TypeVar

Result = TypeVar("Result")


def by_row(rule: Callable[..., Result], values: tuple[Any, ...]) -> tuple[list[Result], list[int] | None]:
    """Call a rule with plain values, once for each distinct row of ``values``.

    ``values``: plain ones, arrays of one per row, and tuples of either. Returns what the rule gave for each distinct
    row, and which of these each row has; None for the latter when nothing was an array.
    """
    columns = list(_leaves(values))
    lengths = [len(column) for column in columns if _is_array(column)]
    if not lengths:
        return [rule(*values)], None
    plain = [column.tolist() if _is_array(column) else repeat(column, lengths[0]) for column in columns]
    distinct: dict[tuple[Any, ...], int] = {}
    index = [distinct.setdefault(row, len(distinct)) for row in zip(*plain, strict=False)]
    return [rule(*_rebuilt(values, iter(row))) for row in distinct], index


def spread(values: list[Any], index: list[int] | None) -> Any:
    """Return whole numbers found for distinct rows as an array over all rows, or as one where they are equal."""
    if index is None or all(value == values[0] for value in values):
        return values[0]
    import numpy as np

    return np.array(values, np.int64)[index]


def _is_array(value: Any) -> bool:
    return hasattr(value, "tolist") and hasattr(value, "__len__")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _rebuilt(value: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_rebuilt(item, leaves) for item in value)
    return next(leaves)
