"""A rule for plain numbers, applied to arrays, says for each row what it says for that row alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from smashdsl.ops.rows import by_row, spread

NUMBERS = st.integers(-3, 3)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Any, ...]:
    """Draw values as rules get them: numbers, arrays of one length, words, and tuples of these."""
    rows = draw(st.integers(1, 30))
    arrays = st.lists(NUMBERS, min_size=rows, max_size=rows).map(lambda items: np.array(items, np.int64))
    leaf = NUMBERS | arrays | st.sampled_from(["a", "b"]) | st.booleans()
    return tuple(draw(st.lists(leaf | st.tuples(leaf, st.tuples(leaf)), min_size=1, max_size=4)))


def row(value: Any, i: int) -> Any:
    if isinstance(value, tuple):
        return tuple(row(item, i) for item in value)
    return value[i].item() if isinstance(value, np.ndarray) else value


def code(*values: Any) -> int:
    """Branch on what is given, as no rule for arrays could."""
    total = 0
    for value in values:
        part = code(*value) if isinstance(value, tuple) else {"a": 5, "b": 7}.get(value, value)
        total = 3 * total + (part if part > 0 else 1 - part)
    return total


@settings(deadline=None, derandomize=True)
@given(tables())
def test_each_row_is_what_it_is_alone(values: tuple[Any, ...]) -> None:
    asked: list[tuple[Any, ...]] = []

    def rule(*given: Any) -> int:
        asked.append(given)
        return code(*given)

    found, index = by_row(rule, values)
    assert len(set(asked)) == len(asked)
    if index is None:
        assert asked == [values]
        return
    together = np.broadcast_to(spread(found, index), len(index))
    assert together.tolist() == [code(*row(values, i)) for i in range(len(index))]
