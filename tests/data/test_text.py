"""Texts, and arrays of tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smashdsl.data.batches import Batches, to_tokens
from smashdsl.data.load import load
from smashdsl.data.source import Split, holdout, make_dataset
from smashdsl.errors import UserError


def written(folder: Path, text: str, name: str = "some.txt") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_text_is_windows_side_by_side_and_what_comes_next(tmp_path: Path) -> None:
    text = "to be, or not to be: é"
    data = load(str(written(tmp_path, text)), shape=(4,))
    assert (data.name, data.class_names) == ("some", tuple(sorted(set(text))))
    tokens = [sorted(set(text)).index(letter) for letter in text]
    images = np.concatenate([data.train.images, data.test.images])
    labels = np.concatenate([data.train.labels, data.test.labels])
    assert images.tolist() == [tokens[i : i + 4] for i in range(0, 20, 4)]
    assert labels.tolist() == [tokens[i + 1 : i + 5] for i in range(0, 20, 4)]
    assert len(data.test) == 1


def test_the_last_windows_of_the_training_are_held_out(tmp_path: Path) -> None:
    data = load(f"text:{written(tmp_path, 'abcdefgh' * 40)}", shape=(5,))
    train, held = holdout(data, 0.25, seed=7)
    assert np.array_equal(np.concatenate([train.images, held.images]), data.train.images)
    assert len(held) == round(0.25 * len(data.train))


def test_two_texts_of_one_array_have_two_fingerprints(tmp_path: Path) -> None:
    one = load(str(written(tmp_path, "abab" * 9)), shape=(2,))
    other = load(str(written(tmp_path, "cdcd" * 9)), shape=(2,))
    assert np.array_equal(one.train.images, other.train.images)
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == load(str(written(tmp_path, "abab" * 9, "again.txt")), shape=(2,)).fingerprint


@given(st.integers(1, 9), st.integers(0, 40))
def test_a_batch_of_tokens_is_a_function_of_the_seed_and_the_step(size: int, step: int) -> None:
    images = np.arange(30).reshape(10, 3)
    x, y = to_tokens(Split(images, images + 1), "cpu")
    here, following = Batches(x, y, size, seed=3).at(step)
    again, _ = Batches(x, y, size, seed=3).at(step)
    assert torch.equal(here, again)
    assert torch.equal(here + 1, following)
    assert (here.shape, here.dtype) == ((size, 3), torch.int64)


@pytest.mark.parametrize(
    ("content", "shape", "message"),
    [
        (
            b"ab",
            (4,),
            "has 2 characters, too few for three windows of 4\n  = help: give a text of at least 13 characters",
        ),
        (b"\xff\xfe" * 40, (4,), "is no text: byte 0 is not UTF-8"),
        (b"ab" * 40, (3, 8, 8), "a text is cut into sequences of tokens"),
        (b"ab" * 40, None, "a text is cut into sequences of tokens"),
        (None, (4,), "cannot be read: No such file or directory"),
    ],
)
def test_an_unfit_text_is_refused(
    content: bytes | None, shape: tuple[int, ...] | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "some.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        load(str(path), shape=shape)
    assert message in str(caught.value)


@pytest.mark.parametrize("kind", [np.int16, np.int64, np.uint32])
@pytest.mark.parametrize("by_position", [False, True])
def test_whole_numbers_of_an_archive_are_tokens(kind: type, by_position: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 300, (20, 6)).astype(kind)
    y = rng.integers(0, 300, (20, 6)) if by_position else np.arange(20) % 4
    path = tmp_path / "some.npz"
    np.savez(path, x_train=x, y_train=y, x_test=x[:5], y_test=y[:5])
    data = load(f"npz:{path}", shape=(6,))
    assert data.train.images.dtype == np.int64
    assert np.array_equal(data.train.images, x)
    assert np.array_equal(data.train.labels, y)


def test_unfit_tokens_are_refused(tmp_path: Path) -> None:
    for x, message in ((np.full((4, 3), -1), "has the token -1"), (np.zeros((0, 3), np.int64), "is empty")):
        path = tmp_path / "some.npz"
        np.savez(path, x=x, y=np.zeros(len(x), np.int64))
        with pytest.raises(UserError, match=message):
            load(f"npz:{path}")
    tokens = np.zeros((2, 3), np.int64)
    with pytest.raises(UserError, match="labels of shape"):
        make_dataset("some", Split(tokens, tokens[:, :2]), Split(tokens, tokens))
