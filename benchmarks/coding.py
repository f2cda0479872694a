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

    def batch() -> None:
        for _ in space.encode_chunks(codes):
            pass

    def singles() -> None:
        for piece in pieces(codes[: size.singles], 1):
            space.encode_codes(piece)

    batch()  # memory that is touched for the first time costs more than the work
    taken = race({"batch": batch, "singles": singles}, size)
    return _rows("encoding", taken["batch"], taken["singles"], size)


def decoding(size: Size) -> list[Row]:
    """Measure decoding of smashv1, which encodes again to compare, in the same way."""
    space = example("smashv1")
    codes = space.sample(size.architectures, seed=0).codes
    chunk = 64

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
    return _rows("decoding", best[0], best[1], size)


def pieces(codes: Ints, at_once: int) -> Iterator[Ints]:
    """Yield codes in chunks."""
    for start in range(0, len(codes), at_once):
        yield codes[start : start + at_once]


def _rows(name: str, batch: float, singles: float, size: Size) -> list[Row]:
    whole = singles * size.architectures / min(size.singles, size.architectures)
    case = f"{size.architectures:,} architectures of smashv1"
    return [
        Row(name, f"{case}, batched", batch, "s"),
        Row(name, f"{case}, one by one", whole, "s", f"scaled up from {size.singles}"),
        Row(name, "ratio", whole / batch, "x"),
    ]
