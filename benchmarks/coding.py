"""Encoding and decoding architectures one by one and in batches."""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time

from benchmarks.measure import Row, Size, example, race
from smashdsl.space.subsets import Ints


def encoding(size: Size) -> list[Row]:
    """Measure encoding of smashv1: a batch in chunks against one by one, the latter on a part and scaled."""
    space = example("smashv1")
    codes = space.sample(size.architectures, seed=0).codes
    chunk = space.chunk

    def encode(part: Ints, at_once: int) -> None:
        for piece in pieces(part, at_once):
            space.encode_codes(piece)

    encode(codes[:chunk], chunk)  # memory that is touched for the first time costs more than the work
    some = codes[: size.singles]
    taken = race({"batch": lambda: encode(codes, chunk), "singles": lambda: encode(some, 1)}, size)
    return _rows("encoding", taken["batch"], taken["singles"], size, chunk)


def decoding(size: Size) -> list[Row]:
    """Measure decoding of smashv1, which encodes again to compare, in the same way."""
    space = example("smashv1")
    codes = space.sample(size.architectures, seed=0).codes
    chunk = space.chunk

    def decode(part: Ints, at_once: int) -> float:
        """Return the process time of decoding alone: all tensors of a batch at once may not fit in memory."""
        total = 0.0
        for piece in pieces(part, at_once):
            tensors = space.encode_codes(piece)
            before = process_time()
            space.decode_tensor(tensors)
            total += process_time() - before
        return total

    decode(codes[:chunk], chunk)
    best = [float("inf"), float("inf")]
    for _ in range(size.rounds):
        for i, (part, at_once) in enumerate(((codes, chunk), (codes[: size.singles], 1))):
            best[i] = min(best[i], decode(part, at_once))
    return _rows("decoding", best[0], best[1], size, chunk)


def pieces(codes: Ints, at_once: int) -> Iterator[Ints]:
    """Yield codes in chunks."""
    for start in range(0, len(codes), at_once):
        yield codes[start : start + at_once]


def _rows(name: str, batch: float, singles: float, size: Size, chunk: int) -> list[Row]:
    whole = singles * size.architectures / min(size.singles, size.architectures)
    case = f"{size.architectures:,} architectures of smashv1"
    return [
        Row(name, f"{case}, batched", batch, "s", f"{min(chunk, size.architectures)} at once"),
        Row(name, f"{case}, one by one", whole, "s", f"scaled up from {size.singles}"),
        Row(name, "ratio", whole / batch, "x"),
    ]
