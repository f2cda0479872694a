"""A small space and data to learn, shared by the tests of what runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smashdsl.data.source import Dataset, Split, make_dataset

SPEC = """smash 1
space small {
  param width = 8
  input image[1, 8, 8]
  output classes(3)
  stem { conv(3x3, width); norm; relu }
  op mix(c = {4, 8}) {
    read some of written
    conv({1, 3}, c, weights = generated); norm; relu
    choose { conv({3, 5}, c, weights = shared) | maybe 0.3 { dropout(0.2) } | max_pool(3) }
    write some of reachable by add
  }
  block stage[i in 0..1] {
    banks 4..5 of 4
    ops 1..3 of mix
    transition { norm; relu; conv(1x1, 8); avg_pool(2x2, stride = 2) }
  }
  head { norm; relu; global_avg_pool; linear(classes) }
}
"""


def digits(count: int = 120, seed: int = 0) -> Dataset:
    """Return images of three classes that differ in where they are bright: (n, 1, 8, 8)."""
    rng = np.random.default_rng(seed)

    def split(n: int) -> Split:
        labels = np.arange(n) % 3
        images = rng.integers(0, 90, (n, 1, 8, 8))
        for label in range(3):
            images[labels == label, :, 2 * label : 2 * label + 3, :] += 120
        return Split(images.astype(np.uint8), labels.astype(np.int64))

    return make_dataset("bright-rows", split(count), split(60))


def write_npz(path: Path, count: int = 120) -> Path:
    """Write the same images as an npz file."""
    data = digits(count)
    np.savez(
        path, x_train=data.train.images, y_train=data.train.labels, x_test=data.test.images, y_test=data.test.labels
    )
    return path
