"""A space that other libraries can say too, beside PyGlove in the same run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import smashdsl
from benchmarks.measure import Row, Size, race

SPEC = Path(__file__).with_name("common.smash")
DOES = ("sample", "encode", "decode")
MANY = 10  # batches of a size in what is done at once: 10,000 architectures


def common(size: Size) -> list[Row]:
    """Measure drawing, encoding and decoding, and how many times less each architecture takes than with PyGlove."""
    number = MANY * size.architectures
    cases = _ours(number)
    peer = _pyglove(size.singles) if find_spec("pyglove") else {}
    taken = race(cases | {f"pyglove {name}": case for name, case in peer.items()}, size)
    rows = []
    for name in cases:
        note = f"{1e6 * taken[name] / number:,.2f} us each"
        missing = "" if peer else "; no ratio without `smashdsl[bench]`"
        rows.append(Row("common", f"{name} {number:,}", taken[name], "s", note + missing))
    for name in DOES if peer else ():
        each = taken[f"pyglove {name}"] / size.singles
        rows.append(Row("common", f"{name} with PyGlove, each", 1000 * each, "ms", f"of {size.singles}"))
        rows.append(Row("common", f"{name}, ratio", each / (taken[name] / number), "x"))
    return rows


def _ours(number: int) -> dict[str, Callable[[], Any]]:
    space = smashdsl.load(SPEC)
    seeds = count()
    codes = space.sample(number, seed=next(seeds)).codes
    tensors = list(space.encode_chunks(codes))

    def encode() -> None:
        for _ in space.encode_chunks(codes):
            pass

    def decode() -> None:
        for chunk in tensors:
            space.decode_tensor(chunk)

    return {
        "sample": lambda: space.sample(number, seed=next(seeds)),
        "sample and look at each of": lambda: list(space.sample(number, seed=next(seeds))),
        "encode": encode,
        "decode": decode,
    }


def _pyglove(number: int) -> dict[str, Callable[[], Any]]:
    pg = import_module("pyglove")  # it has no types
    cell = pg.Dict(
        kernel=pg.oneof([1, 3, 5, 7]), activation=pg.oneof(["relu", "sigmoid", "tanh"]), width=pg.oneof([8, 16, 32])
    )
    space = pg.List([cell.clone(deep=True) for _ in range(6)])
    assert pg.dna_spec(space).space_size == smashdsl.load(SPEC).count()
    template = pg.template(space)
    draws = pg.random_sample(space, seed=0)
    members = [next(draws) for _ in range(number)]
    codes = [template.encode(member) for member in members]
    assert all(pg.eq(template.decode(code), member) for code, member in zip(codes, members, strict=True))

    def each(function: Callable[[Any], Any], items: list[Any]) -> None:
        for item in items:
            function(item)

    return {
        "sample": lambda: [next(draws) for _ in range(number)],
        "encode": partial(each, template.encode, members),
        "decode": partial(each, template.decode, codes),
    }
