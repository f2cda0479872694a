"""The data a search runs on: labelled images in memory, split into training and test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smashdsl.errors import UserError

# One past the largest label accepted: far above every image benchmark, far below what a mistaken label column holds.
MAX_CLASSES = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Hold labelled images, or sequences of tokens.

    ``images`` is (n, channels, *grid), uint8 or float32, or tokens (n, length), int64; ``labels`` is (n,), int64, or of
    tokens (n, length), one at each position; n is at least one. Raises UserError when the two do not fit each other.
    """

    images: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.images.dtype not in (np.uint8, np.float32, np.int64):
            raise UserError(f"images are {self.images.dtype}, not uint8 or float32, and tokens int64")
        if self.labels.dtype != np.int64:
            raise UserError(f"labels are {self.labels.dtype}, not int64")
        if self.images.ndim < 2:
            raise UserError(f"images have shape {self.images.shape}, not (n, channels, *grid)")
        if self.images.size == 0:
            raise UserError(f"images are empty: their shape is {self.images.shape}")
        if self.tokens and (self.images.ndim != 2 or self.images.min() < 0):
            raise UserError("tokens are whole numbers from 0, of shape (n, length)")
        if self.labels.shape != self.images.shape[:1] and not (self.tokens and self.labels.shape == self.images.shape):
            raise UserError(f"{len(self.images)} images have labels of shape {self.labels.shape}")

    @property
    def tokens(self) -> bool:
        """Whether these are sequences of tokens."""
        return self.images.dtype == np.int64

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.int64]) -> Split:
        """Copy the examples at ``indices`` (m,) into a split of m examples."""
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Hold a named training and test split of the same classes.

    ``fingerprint`` is the same for the same arrays wherever they came from, so a run can tell its data has changed.
    Build one with ``make_dataset``, which checks the splits against each other and takes the fingerprint.
    """

    name: str
    train: Split
    test: Split
    classes: int
    class_names: tuple[str, ...] | None
    fingerprint: str


def make_dataset(name: str, train: Split, test: Split, class_names: tuple[str, ...] | None = None) -> Dataset:
    """Join two splits into a dataset; of tokens with a label at each position, classes are the tokens.

    Both splits are (., channels, *grid) with the same channels and grid. There are as many classes as names, or
    without names as many as the largest label of either split says. Raises UserError when the splits differ in
    shape or type, or a label is negative or too large.
    """
    if train.images.shape[1:] != test.images.shape[1:]:
        raise UserError(
            f"{name} has training images of shape {train.images.shape[1:]} and test images of shape "
            f"{test.images.shape[1:]}"
        )
    if train.images.dtype != test.images.dtype:
        raise UserError(f"{name} has {train.images.dtype} training images and {test.images.dtype} test images")
    lowest = int(min(train.labels.min(), test.labels.min()))
    highest = int(max(train.labels.max(), test.labels.max()))
    limit = MAX_CLASSES if class_names is None else len(class_names)
    if lowest < 0 or highest >= limit:
        wrong = lowest if lowest < 0 else highest
        raise UserError(f"{name} has the label {wrong}", f"labels are whole numbers from 0 to at most {limit - 1}")
    classes = highest + 1 if class_names is None else limit
    return Dataset(name, train, test, classes, class_names, _fingerprint(train, test, class_names))


def holdout(dataset: Dataset, fraction: float = 0.1, seed: int = 0) -> tuple[Split, Split]:
    """Split the training images into (train, validation).

    Of each class of m training images, ``fraction`` * m to the nearest whole number go to validation, at least one
    and at most m - 1; a class of a single image stays in training. Of sequences with a label at each position, which
    have no class, the last ones go to validation. Both parts keep the order of the file. The test split is never looked
    at. Raises UserError for a fraction outside (0, 1), or when no class can spare an image.
    """
    return stratified(dataset.train, fraction, seed)


def stratified(split: Split, fraction: float, seed: int) -> tuple[Split, Split]:
    """Split (n, ...) images into (rest, held out), class by class; see ``holdout``."""
    if not 0.0 < fraction < 1.0:
        raise UserError(f"the held-out fraction {fraction} is not between 0 and 1")
    if seed < 0:
        raise UserError(f"the seed {seed} is negative")
    if split.labels.ndim > 1:
        return last_part(split, fraction)
    rng = np.random.default_rng(seed)
    held = np.zeros(len(split), dtype=bool)
    for label in np.unique(split.labels):
        members = np.flatnonzero(split.labels == label)
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        held[rng.permutation(members)[:count]] = True
    if not held.any():
        raise UserError("no class has two training images, so none can be held out")
    return split.take(np.flatnonzero(~held)), split.take(np.flatnonzero(held))


def last_part(split: Split, fraction: float) -> tuple[Split, Split]:
    """Split (n, ...) sequences in order into (first part, last part), neither of them empty."""
    if len(split) < 2:
        raise UserError("one sequence can't be split into two parts", "give a longer text, or a shorter length")
    kept = len(split) - min(max(round(fraction * len(split)), 1), len(split) - 1)
    return split.take(np.arange(kept)), split.take(np.arange(kept, len(split)))


def _fingerprint(train: Split, test: Split, class_names: tuple[str, ...] | None) -> str:
    digest = hashlib.sha256()
    if train.tokens and class_names is not None:
        # two texts may be one array under two alphabets
        digest.update("\0".join(class_names).encode())
    arrays = (
        ("train.images", train.images),
        ("train.labels", train.labels),
        ("test.images", test.images),
        ("test.labels", test.labels),
    )
    for name, array in arrays:
        # The byte order is part of the type's text, so it is fixed before both the text and the bytes are taken.
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{name} {little.dtype.str} {little.shape}\n".encode())
        digest.update(little.data)
    return digest.hexdigest()
