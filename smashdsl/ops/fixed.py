"""Weights that are not learned: each is a function of the weight's shape alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from smashdsl.ops.op import ShapeError, Size, holds

if TYPE_CHECKING:
    from torch import Tensor

ORIENTATIONS = 8
GOLDEN = (1 + math.sqrt(5)) / 2


class Bank(NamedTuple):
    """A kind of fixed weight: what it is, the smallest kernel it makes sense for, and filter number ``i``.

    ``filters(i, kernel)`` is the values of a filter over the places of a kernel, in order.
    """

    about: str
    smallest: int
    filters: Callable[[int, Sequence[int]], list[float]]


def gabor(number: int, kernel: Sequence[int]) -> list[float]:
    """Return a Gabor filter without its mean: a plane wave under a Gaussian (Daugman, 1985).

    Even numbers are the wave's cosine, odd ones its sine; then come the directions, eight of them unless there is one
    axis; then wavelengths, from the kernel's size down by half octaves.
    """
    phase, rest = number % 2, number // 2
    directions = 1 if len(kernel) == 1 else ORIENTATIONS
    towards = direction(rest % directions, len(kernel))
    # a wave shorter than two places can't be told from a longer one, so wavelengths come round again
    longest = float(max(kernel))
    octaves = max(1, 1 + int(2 * math.log2(longest / 2)))
    wave = 2 * math.pi / (longest / 2 ** ((rest // directions % octaves) / 2))
    envelope, values = [], []
    for place in product(*map(range, kernel)):
        at = [t - (size - 1) / 2 for t, size in zip(place, kernel, strict=True)]
        envelope.append(math.exp(-sum((x / (size / 4)) ** 2 for x, size in zip(at, kernel, strict=True)) / 2))
        along = wave * sum(x * u for x, u in zip(at, towards, strict=True))
        values.append(math.sin(along) if phase else math.cos(along))
    mean = sum(e * v for e, v in zip(envelope, values, strict=True)) / sum(envelope)
    return [e * (v - mean) for e, v in zip(envelope, values, strict=True)]


def direction(number: int, axes: int) -> tuple[float, ...]:
    """Return one of eight unit vectors, evenly spread over half a circle, or half a sphere (Fibonacci's lattice)."""
    if axes == 1:
        return (1.0,)
    if axes == 2:
        angle = math.pi * number / ORIENTATIONS
        return math.sin(angle), math.cos(angle)
    height = (number + 0.5) / ORIENTATIONS
    angle, radius = 2 * math.pi * number / GOLDEN, math.sqrt(1 - height**2)
    return height, radius * math.sin(angle), radius * math.cos(angle)


def dct(number: int, kernel: Sequence[int]) -> list[float]:
    """Return a filter of the discrete cosine transform (Ulicny et al., 2022), low frequencies first."""
    frequencies = sorted(product(*map(range, kernel)), key=lambda f: (sum(f), f))
    chosen = frequencies[number % len(frequencies)]
    return [
        math.prod(math.cos(math.pi * f * (t + 0.5) / size) for f, t, size in zip(chosen, place, kernel, strict=True))
        for place in product(*map(range, kernel))
    ]


FIXED = {
    "gabor": Bank("oriented waves under a Gaussian", 3, gabor),
    "dct": Bank("the basis of the discrete cosine transform", 2, dct),
}


def check_fixed(name: str, shape: tuple[Size, ...]) -> None:
    """Raise `ShapeError` where a kind of fixed weight can't have a shape (out, in, *kernel)."""
    kernel, smallest = shape[2:], FIXED[name].smallest
    if not kernel or not all(holds(size >= smallest) for size in kernel):
        found = f"the kernel here is {'x'.join(map(str, kernel))}" if kernel else "this layer has none"
        message = f'`fixed("{name}")` needs a kernel of at least {smallest} along each axis; {found}'
        raise ShapeError("SD0207", message, "enlarge the kernel, or use another kind of weights")


@lru_cache(maxsize=256)
def fixed_weight(name: str, shape: tuple[int, ...]) -> Tensor:
    """Return a fixed weight (out, in, *kernel), float32, on the CPU.

    Every input channel is filtered alike; a filter's norm is the square root of two, which He's initialisation has on
    average.
    """
    import torch

    out, channels, *kernel = shape
    filters = torch.tensor([FIXED[name].filters(i, kernel) for i in range(out)], dtype=torch.float64)
    filters = filters / torch.linalg.vector_norm(filters, dim=1, keepdim=True) * math.sqrt(2 / channels)
    alike: Tensor = filters.reshape(out, 1, *kernel).expand(out, channels, *kernel)
    return alike.to(torch.float32).contiguous()
