"""Rank correlation and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def kendall(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Return Kendall's rank correlation (tau-b, which allows for ties) of two lists; None where one does not vary."""
    x, y = np.sign(np.subtract.outer(a, a)), np.sign(np.subtract.outer(b, b))
    scale = float(np.sqrt((x**2).sum() * (y**2).sum()))
    return None if scale == 0 else float((x * y).sum() / scale)


def gap_interval(wrong_a: Any, wrong_b: Any, seed: int = 0, draws: int = 4000) -> tuple[float, float, float]:
    """Return how much lower the mean error of a is than that of b, with a 95 % bootstrap interval, in points.

    wrong: (seeds, images) bool, or the share of each that is wrong, over the same test images. Images are drawn anew
    for both alike, seeds for each apart, so the interval covers the spread between trainings and the choice of images.
    """
    a, b = np.asarray(wrong_a, float), np.asarray(wrong_b, float)
    rng = np.random.default_rng(seed)
    gaps = []
    for _ in range(draws):
        images = rng.integers(0, a.shape[1], a.shape[1])
        weight = np.bincount(images, minlength=a.shape[1]) / a.shape[1]
        means = [(w @ weight)[rng.integers(0, len(w), len(w))].mean() for w in (a, b)]
        gaps.append(100 * (means[1] - means[0]))
    low, high = np.percentile(gaps, [2.5, 97.5])
    return float(100 * (b.mean() - a.mean())), float(low), float(high)
