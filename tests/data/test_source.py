"""Splits, datasets, fingerprints and the held-out part."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smashdsl.data import Split
from smashdsl.data.source import Dataset, holdout, make_dataset
from smashdsl.errors import UserError


def split_of(labels: list[int], shape: tuple[int, ...] = (1, 2, 2)) -> Split:
    """Number the images, so that each can be told from the others."""
    images = np.broadcast_to(np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1), (len(labels), *shape))
    return Split(np.ascontiguousarray(images), np.array(labels, dtype=np.int64))


def dataset_of(labels: list[int]) -> Dataset:
    return make_dataset("small", split_of(labels), split_of([0, 1]))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 1, 2, 2)), np.zeros(2, np.int64), "images are float64, not uint8 or float32, and tokens int64"),
        (np.zeros((2, 1, 2, 2), np.uint8), np.zeros(2, np.int32), "labels are int32, not int64"),
        (np.zeros(2, np.uint8), np.zeros(2, np.int64), "images have shape (2,), not (n, channels, *grid)"),
        (
            np.zeros((0, 1, 2, 2), np.uint8),
            np.zeros(0, np.int64),
            "images are empty: their shape is (0, 1, 2, 2)",
        ),
        (np.zeros((2, 1, 2, 2), np.uint8), np.zeros(3, np.int64), "2 images have labels of shape (3,)"),
    ],
)
def test_a_split_refuses_arrays_that_do_not_fit(images, labels, message):
    with pytest.raises(UserError) as caught:
        Split(images, labels)
    assert str(caught.value) == message


def test_a_dataset_counts_its_classes_over_both_splits():
    assert make_dataset("small", split_of([0, 1]), split_of([2])).classes == 3
    assert make_dataset("small", split_of([0]), split_of([0]), ("cat", "dog")).classes == 2


@pytest.mark.parametrize(
    ("train", "test", "names", "message"),
    [
        (
            split_of([0]),
            split_of([0], (3, 2, 2)),
            None,
            "small has training images of shape (1, 2, 2) and test images of shape (3, 2, 2)",
        ),
        (
            split_of([0]),
            Split(np.zeros((1, 1, 2, 2), np.float32), np.zeros(1, np.int64)),
            None,
            "small has uint8 training images and float32 test images",
        ),
        (
            split_of([0, -1]),
            split_of([0]),
            None,
            "small has the label -1\n  = help: labels are whole numbers from 0 to at most 65535",
        ),
        (
            split_of([0]),
            split_of([2]),
            ("cat", "dog"),
            "small has the label 2\n  = help: labels are whole numbers from 0 to at most 1",
        ),
    ],
)
def test_a_dataset_refuses_splits_that_do_not_fit(train, test, names, message):
    with pytest.raises(UserError) as caught:
        make_dataset("small", train, test, names)
    assert str(caught.value) == message


def test_the_fingerprint_depends_on_the_arrays_alone():
    first = make_dataset("one", split_of([0, 1]), split_of([0]))
    assert first.fingerprint == make_dataset("two", split_of([0, 1]), split_of([0]), ("a", "b")).fingerprint
    assert first.fingerprint != make_dataset("one", split_of([1, 0]), split_of([0])).fingerprint
    assert first.fingerprint != make_dataset("one", split_of([0, 1], (1, 4, 1)), split_of([0], (1, 4, 1))).fingerprint


def test_the_fingerprint_covers_names_types_shapes_and_bytes():
    digest = hashlib.sha256()
    digest.update(b"train.images |u1 (2, 1, 2, 2)\n" + bytes([0] * 4 + [1] * 4))
    digest.update(b"train.labels <i8 (2,)\n" + bytes([0] * 8 + [3] + [0] * 7))
    digest.update(b"test.images |u1 (1, 1, 2, 2)\n" + bytes(4))
    digest.update(b"test.labels <i8 (1,)\n" + bytes(8))
    assert make_dataset("small", split_of([0, 3]), split_of([0])).fingerprint == digest.hexdigest()


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=2, max_size=60).filter(lambda labels: len(set(labels)) < len(labels)),
    st.floats(0.01, 0.99),
    st.integers(0, 2**40),
)
def test_the_held_out_part_is_stratified_and_reproducible(labels, fraction, seed):
    dataset = dataset_of(labels)
    train, validation = holdout(dataset, fraction, seed)
    numbers = np.concatenate([train.images[:, 0, 0, 0], validation.images[:, 0, 0, 0]])
    assert sorted(numbers) == list(range(len(labels)))
    for label in set(labels):
        count = labels.count(label)
        expected = min(max(round(fraction * count), 1), count - 1)
        assert (validation.labels == label).sum() == expected
    again = holdout(dataset, fraction, seed)[1]
    assert np.array_equal(validation.images, again.images)
    assert (np.diff(validation.images[:, 0, 0, 0].astype(int)) > 0).all()


def test_another_seed_holds_out_other_images():
    dataset = dataset_of([0, 1] * 50)
    assert not np.array_equal(holdout(dataset, seed=0)[1].images, holdout(dataset, seed=1)[1].images)


@pytest.mark.parametrize(
    ("labels", "fraction", "seed", "message"),
    [
        ([0, 0], 0.0, 0, "the held-out fraction 0.0 is not between 0 and 1"),
        ([0, 0], 1.0, 0, "the held-out fraction 1.0 is not between 0 and 1"),
        ([0, 0], float("nan"), 0, "the held-out fraction nan is not between 0 and 1"),
        ([0, 0], 0.5, -1, "the seed -1 is negative"),
        ([0, 1], 0.5, 0, "no class has two training images, so none can be held out"),
    ],
)
def test_a_held_out_part_that_cannot_be_is_refused(labels, fraction, seed, message):
    with pytest.raises(UserError) as caught:
        holdout(dataset_of(labels), fraction, seed)
    assert str(caught.value) == message
