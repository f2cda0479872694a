"""What is found once for many members, against finding it for each apart."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smashdsl.lang.check.facts import Facts
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.diagnostics import SmashError
from smashdsl.lang.text.source import Source

OPS = (
    "read some of written; conv(1x1, bank * {1, 2}); write some of reachable by add",
    "read 1..min(3, written) of written by add; choose { conv(3x3) | conv(5x5, 3*bank) }; write some of reachable",
    "read all of written by attention; write some of reachable by add",
    "read some of written through edge by add; conv(1x1, bank); write some of reachable",
    "read all of written; conv(3x3, bank * {1, 2}, stride = {1, 2}); write some of reachable by add",
    "read some of written; conv(1x1, banks); write some of reachable",
    "read some of written; conv(1x1, bank); write 1..banks of reachable",
    "read last; conv(1x1, bank); write some of reachable",
)


def facts(banks: str, uses: str, body: str) -> Facts:
    text = f"""smash 1
space s {{
  input image[3, 8, 8]
  output y(2)
  op edge(src) {{ choose {{ conv(3x3, dilation = src + 1) | identity }} }}
  op f {{ {body} }}
  stem {{ conv(1, 4) }}
  block b {{
    banks {banks} of 4
    ops {uses} of f
  }}
  head {{ global_avg_pool; linear(y) }}
}}
"""
    return compile_source(Source("banks", text)).facts


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.integers(1, 7), min_size=2, max_size=4, unique=True),
    st.sampled_from(("1", "2", "1..3", "{0, 2}")),
    st.sampled_from(OPS),
)
def test_spaces_of_fewer_and_of_more_banks_add_up(numbers: list[int], uses: str, body: str) -> None:
    try:
        apart = [facts(str(number), uses, body) for number in numbers]
    except SmashError:
        apart = []
    try:
        whole = facts(f"{{{', '.join(map(str, numbers))}}}", uses, body)
    except SmashError:
        assert not apart
        return
    assert len(apart) == len(numbers)
    assert whole.count == sum(one.count for one in apart)
    assert list(whole.most.values()) == [max(most) for most in zip(*(one.most.values() for one in apart), strict=True)]
    assert whole.reshaped or not any(one.reshaped for one in apart)
    assert whole.banks["b"] == max(numbers)
    for template, banks in whole.banks.items():
        assert banks <= max(one.banks.get(template, 0) for one in apart)
    for key, extent in whole.extents.items():
        found = [one.extents[key] for one in apart if key in one.extents]
        assert extent.channels == max(one.channels for one in found)
        assert extent.grid == tuple(max(sizes) for sizes in zip(*(one.grid for one in found), strict=True))
        for name, shape in extent.weights.items():
            shapes = [one.weights[name] for one in found if name in one.weights]
            assert shape == tuple(max(sizes) for sizes in zip(*shapes, strict=True))


def test_what_is_left_to_spend_matters_only_where_it_bounds_a_read() -> None:
    """Budgets that leave more than there is to read are followed as one; here each is a space of its own."""

    def count(bound: str) -> int:
        text = f"""smash 1
space s {{
  input image[3, 8, 8]
  output y(2)
  op f {{ read min(2, written, left)..min(written, left) of written; conv(1x1, bank); write some of reachable }}
  stem {{ conv(1, 8) }}
  block b {{
    banks 4 of 4
    ops while reads < {bound} of f
  }}
  head {{ global_avg_pool; linear(y) }}
}}
"""
        return compile_source(Source("left", text)).facts.count

    assert count("{3, 5, 6, 8}") == sum(count(bound) for bound in "3568")
    # one op reads one of two banks, and leaves 2, 3 or 4 written ones in 2^2 - 1, 2^2 and 2^2 ways
    assert count("1") == 2 * (2**2 - 1 + 2**2 + 2**2)
