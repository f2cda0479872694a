"""Normalisation, and the stream of batches as a pure function of the seed and the step."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from smashdsl.data import Split
from smashdsl.data.batches import Augment, Batches, normalise, to_tensor
from smashdsl.data.source import make_dataset
from smashdsl.errors import UserError

SIZES = st.integers(1, 40)
SEEDS = st.integers(0, 2**63)


def numbered(n: int, grid: tuple[int, ...] = (2, 2)) -> tuple[torch.Tensor, torch.Tensor]:
    """Make n images whose values, like their labels, tell which image it is."""
    labels = torch.arange(n)
    return labels.float().view(n, 1, *(1,) * len(grid)).expand(n, 3, *grid).contiguous(), labels


def images_of(dtype: type) -> Split:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (5000, 3, 4, 5), dtype=np.uint8).astype(dtype)
    images[:, 2] = 7
    return Split(images, np.zeros(5000, np.int64))


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 255.0), (np.float32, 1.0)])
def test_normalised_images_have_mean_0_and_deviation_1(dtype, scale):
    split = images_of(dtype)
    mean, std = normalise(split)
    exact = split.images.astype(np.float64) / scale
    np.testing.assert_allclose(mean, exact.mean((0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std[:2], exact.std((0, 2, 3))[:2], rtol=1e-6)
    assert std[2] == 1.0
    images, labels = to_tensor(split, mean, std, "cpu")
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    np.testing.assert_allclose(images.mean((0, 2, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(images[:, :2].std((0, 2, 3)), 1.0, atol=1e-4)


def test_a_dataset_is_measured_on_its_training_split():
    train, test = images_of(np.uint8), Split(np.zeros((1, 3, 4, 5), np.uint8), np.zeros(1, np.int64))
    for one, other in zip(normalise(make_dataset("own", train, test)), normalise(train), strict=True):
        assert torch.equal(one, other)


def test_the_split_itself_is_left_as_it_was():
    split = images_of(np.float32)
    before = split.images.copy()
    split.images.flags.writeable = False
    to_tensor(split, *normalise(split), "cpu")
    assert np.array_equal(split.images, before)


def test_another_number_of_channels_is_refused():
    with pytest.raises(UserError) as caught:
        to_tensor(images_of(np.uint8), torch.zeros(1), torch.ones(1), "cpu")
    assert str(caught.value) == "images of 3 channels meet a normalisation for 1"


@settings(deadline=None)
@given(SIZES, SIZES, SEEDS)
def test_every_epoch_is_a_permutation(n, batch_size, seed):
    batches = Batches(*numbered(n), batch_size, seed)
    steps = -(-3 * n // batch_size)
    drawn = [batches.at(step) for step in range(steps)]
    assert all(len(labels) == batch_size for _, labels in drawn)
    assert all(torch.equal(images[:, 0, 0, 0], labels.float()) for images, labels in drawn)
    order = torch.cat([labels for _, labels in drawn])
    for epoch in order[: 3 * n].view(3, n):
        assert torch.equal(epoch.sort().values, torch.arange(n))


@settings(deadline=None)
@given(
    SIZES,
    SIZES,
    SEEDS,
    st.sampled_from(get_args(Augment)),
    st.lists(st.integers(0, 10**12) | st.integers(0, 20), min_size=1, max_size=6),
)
def test_a_step_is_the_same_whatever_was_asked_before(n, batch_size, seed, augment, steps):
    images, labels = torch.randn(n, 2, 9, 16), torch.arange(n)
    batches = Batches(images, labels, batch_size, seed, augment)
    first = [batches.at(step) for step in steps]
    torch.manual_seed(len(steps))
    again = [batches.at(step) for step in reversed(steps)][::-1]
    fresh = [Batches(images, labels, batch_size, seed, augment).at(step) for step in steps]
    for one, two, three in zip(first, again, fresh, strict=True):
        assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(one, two, three, strict=True))


def test_the_global_random_state_is_not_touched():
    before = torch.random.get_rng_state()
    Batches(*numbered(8, (8, 8)), 4, 0, "flip+shift").at(3)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_epochs_and_seeds_differ_in_their_order():
    def order(seed: int, epoch: int) -> list[int]:
        return Batches(*numbered(50), 50, seed).at(epoch)[1].tolist()

    assert len({tuple(order(seed, epoch)) for seed in range(3) for epoch in range(3)}) == 9


def moved(augment: Augment, grid: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw one batch of 400 copies of one image whose values are all different."""
    image = torch.arange(float(np.prod(grid))).view(1, 1, *grid).repeat(1, 2, *(1,) * len(grid))
    batches = Batches(image.repeat(400, *(1,) * (len(grid) + 1)), torch.zeros(400), 400, 0, augment)
    return image[0], batches.at(0)[0]


@pytest.mark.parametrize("grid", [(16,), (8, 16), (4, 8, 6)])
def test_a_flip_mirrors_the_last_axis_of_half_of_the_images(grid):
    image, batch = moved("flip", grid)
    mirrored = [torch.equal(one, image.flip(-1)) for one in batch]
    assert all(flipped or torch.equal(one, image) for flipped, one in zip(mirrored, batch, strict=True))
    assert 150 < sum(mirrored) < 250


def test_a_shift_moves_by_up_to_an_eighth_and_repeats_the_border():
    image, batch = moved("shift", (16, 24))
    padded = torch.nn.functional.pad(image[None], (3, 3, 2, 2), mode="replicate")[0]
    places = {(down, right): padded[:, down : down + 16, right : right + 24] for down in range(5) for right in range(7)}
    found = [next(place for place, crop in places.items() if torch.equal(crop, one)) for one in batch]
    assert set(found) == set(places)


def test_flip_and_shift_go_together_and_leave_small_grids_in_place():
    image, batch = moved("flip+shift", (7, 7))
    assert all(torch.equal(one, image) or torch.equal(one, image.flip(-1)) for one in batch)


@pytest.mark.parametrize(
    ("labels", "batch_size", "seed", "augment", "message"),
    [
        (3, 2, 0, "none", "4 images and 3 labels make no batches"),
        (4, 0, 0, "none", "the batch size 0 is not at least 1"),
        (4, 2, -1, "none", "the seed -1 is negative"),
        (
            4,
            2,
            0,
            "rotate",
            "unknown augmentation 'rotate'\n  = help: the choices are none, flip, shift, flip+shift",
        ),
    ],
)
def test_unfit_arguments_are_refused(labels, batch_size, seed, augment, message):
    with pytest.raises(UserError) as caught:
        Batches(torch.zeros(4, 1, 2, 2), torch.zeros(labels), batch_size, seed, augment)
    assert str(caught.value) == message


def test_a_negative_step_is_refused():
    with pytest.raises(UserError) as caught:
        Batches(*numbered(4), 2).at(-1)
    assert str(caught.value) == "the step -1 is negative"


def test_vectors_can_not_be_augmented() -> None:
    with pytest.raises(UserError) as caught:
        Batches(torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64), 2, augment="shift")
    assert str(caught.value) == (
        "data without a grid can't be augmented by 'shift'\n  = help: the augmentation is 'none' then"
    )
