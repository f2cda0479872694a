"""Data of the user's own in .npz files: what is read, and what is refused."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smashdsl.data import Dataset, load
from smashdsl.errors import UserError

X = np.random.default_rng(0).integers(0, 256, (20, 6, 5), dtype=np.uint8)
Y = np.arange(20) % 4


def write(folder: Path, **arrays: object) -> Path:
    path = folder / "own.npz"
    np.savez(path, **arrays)
    return path


def read(folder: Path, **arrays: object) -> Dataset:
    write(folder, **arrays)
    return load("npz:own.npz", folder)


def message_of(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        load("npz:own.npz", folder)
    return str(caught.value)


def test_the_four_arrays_are_read(tmp_path):
    data = read(tmp_path, x_train=X, y_train=Y, x_test=X[:4], y_test=Y[:4])
    assert (data.name, data.classes, data.class_names) == ("own", 4, None)
    assert np.array_equal(data.train.images, X[:, None])
    assert np.array_equal(data.test.labels, Y[:4])


def test_other_names_are_read_and_other_arrays_left_alone(tmp_path):
    data = read(
        tmp_path,
        train_images=X,
        train_labels=Y[:, None].astype(np.uint8),
        test_images=X,
        test_labels=Y[:, None],
        notes=np.array([None], dtype=object),
    )
    assert np.array_equal(data.train.labels, Y)
    assert len(data.test) == 20


@pytest.mark.parametrize(("x", "y"), [("images", "labels"), ("x", "y")])
def test_without_a_test_split_a_fifth_of_each_class_is_held_out(tmp_path, x, y):
    data = read(tmp_path, **{x: X, y: Y})
    assert np.bincount(data.train.labels).tolist() == [4] * 4
    assert np.bincount(data.test.labels).tolist() == [1] * 4
    assert data.fingerprint == read(tmp_path, **{x: X, y: Y}).fingerprint


@pytest.mark.parametrize(
    ("stored", "read_as"),
    [
        ((4, 8, 6), (4, 1, 8, 6)),
        ((4, 8, 6, 1), (4, 1, 8, 6)),
        ((4, 8, 6, 3), (4, 3, 8, 6)),
        ((4, 8, 6, 4), (4, 4, 8, 6)),
        ((4, 3, 8, 6), (4, 3, 8, 6)),
        ((4, 2, 8, 6), (4, 2, 8, 6)),
        ((4, 8, 6, 2), (4, 8, 6, 2)),
        ((4, 3, 4, 4), (4, 3, 4, 4)),
        ((4, 4, 4, 3), (4, 4, 4, 3)),
    ],
)
def test_the_layout_follows_the_documented_rule(tmp_path, stored, read_as):
    images = np.arange(np.prod(stored)).reshape(stored).astype(np.float64)
    data = read(tmp_path, x_train=images, y_train=Y[:4], x_test=images, y_test=Y[:4])
    assert data.train.images.shape == read_as
    assert data.train.images.dtype == np.float32
    last = len(stored) == 4 and stored != read_as
    assert np.array_equal(data.train.images, np.moveaxis(images, 3, 1) if last else images.reshape(read_as))


NAN = np.where(np.arange(5) == 3, np.nan, X)
WHOLE = "\n  = help: labels are whole numbers from 0"
SHAPES = "\n  = help: images are (n, h, w), (n, h, w, c) or (n, c, h, w)"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "'{path}' has no 'x_train'\n  = help: it has nothing; also read as: train_images, images, x"),
        (
            {"x_train": X, "target": Y},
            "'{path}' has no 'y_train'\n  = help: it has x_train, target; also read as: train_labels, labels, y",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X},
            "'{path}' has no 'y_test'\n  = help: it has x_train, y_train, x_test; also read as: test_labels",
        ),
        (
            {"x_train": X, "y_train": Y, "y_test": Y},
            "'{path}' has no 'x_test'\n  = help: it has x_train, y_train, y_test; also read as: test_images",
        ),
        (
            {"x": X.astype(np.int32), "y": Y},
            "'x' in '{path}' has the type int32\n  = help: images are uint8 from 0 to 255, or floats; "
            "tokens are whole numbers (n, length)",
        ),
        ({"x": X[0, 0], "y": Y}, "'x' in '{path}' has the shape (5,)" + SHAPES),
        ({"x": X[..., None, None, None], "y": Y}, "'x' in '{path}' has the shape (20, 6, 5, 1, 1, 1)" + SHAPES),
        ({"x": X[:0], "y": Y}, "'x' in '{path}' is empty: its shape is (0, 6, 5)"),
        (
            {"x": NAN, "y": Y},
            "'x' in '{path}' has values that are not finite\n  = help: replace every NaN and infinity",
        ),
        (
            {"x": X * 1e300, "y": Y},
            "'x' in '{path}' has values that are not finite\n  = help: replace every NaN and infinity",
        ),
        ({"x": X, "y": Y[:19]}, "'{path}' has 20 images in 'x' and 19 labels in 'y'"),
        (
            {"x": X, "y": Y.astype(float)},
            "'y' in '{path}' has the type float64" + WHOLE + ", of an integer type",
        ),
        (
            {"x": X, "y": np.eye(20, dtype=int)},
            "'y' in '{path}' has the shape (20, 20)\n  = help: labels are (n,) or (n, 1), one class each",
        ),
        ({"x": X, "y": Y[:0]}, "'y' in '{path}' is empty"),
        ({"x": X, "y": Y - 1}, "'y' in '{path}' has the label -1" + WHOLE + " to at most 65535"),
        (
            {"x": X, "y": Y.astype(np.uint64) + np.uint64(2**64 - 4)},
            "'y' in '{path}' has the label 18446744073709551615" + WHOLE + " to at most 65535",
        ),
        (
            {"x": X, "y": np.array(["cat"] * 20)},
            "'y' in '{path}' has the type <U3" + WHOLE + ", of an integer type",
        ),
        (
            {"x": np.array([X[0], None], dtype=object), "y": Y[:2]},
            "'x' in '{path}' holds Python objects\n  = help: store it as one array of numbers; objects are not read",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :5], "y_test": Y},
            "own has training images of shape (1, 6, 5) and test images of shape (1, 5, 5)",
        ),
        ({"x": X[:4], "y": Y[:4]}, "no class has two training images, so none can be held out"),
    ],
)
def test_unfit_arrays_are_refused(tmp_path, arrays, message):
    path = write(tmp_path, **arrays)
    assert message_of(tmp_path) == message.format(path=path)


def npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, X)
    return buffer.getvalue()


@pytest.mark.parametrize("content", [b"", b"text", npy(), b"PK\x03\x04" + bytes(40), b"\x80\x04K\x01."])
def test_files_that_are_not_npz_are_refused(tmp_path, content):
    path = tmp_path / "own.npz"
    path.write_bytes(content)
    assert message_of(tmp_path) == f"'{path}' is not an .npz file\n  = help: write it with numpy.savez_compressed"


def test_files_that_cannot_be_read_are_refused(tmp_path):
    path = tmp_path / "own.npz"
    assert message_of(tmp_path) == f"'{path}' cannot be read: No such file or directory"
    path.mkdir()
    assert message_of(tmp_path) == f"'{path}' cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        ("x.npy", npy()[:-1], "'x' in '{path}' is damaged\n  = help: write the file again"),
        ("x.npy", b"\x93NUMPY\x01\x00\xff\xff{", "'x' in '{path}' is damaged\n  = help: write the file again"),
        ("x.npy", npy().replace(b")", b"("), "'x' in '{path}' is damaged\n  = help: write the file again"),
        ("x", b"text", "'x' in '{path}' is not an array"),
    ],
)
def test_members_that_are_not_arrays_are_refused(tmp_path, member, content, message):
    path = tmp_path / "own.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    assert message_of(tmp_path) == message.format(path=path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_file_with_any_bytes_changed_is_read_or_refused(tmp_path, data):
    path = tmp_path / "own.npz"
    np.savez_compressed(path, x=X, y=Y)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))] if data.draw(st.booleans()) else content)
    with contextlib.suppress(UserError):
        load("npz:own.npz", tmp_path)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((4, 2, 16), (2, 16)),
        ((4, 16, 2), (2, 16)),
        ((4, 16), (1, 16)),
        ((4, 7), (7,)),
        ((4, 6, 5, 2), (2, 6, 5)),
        ((4, 3, 6, 5), (3, 6, 5)),
        ((4, 3, 6, 5), (1, 3, 6, 5)),
        ((4, 3, 6, 5, 2), (2, 3, 6, 5)),
    ],
)
def test_a_wanted_shape_tells_the_layout(tmp_path: Path, given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    path = tmp_path / "own.npz"
    images = np.arange(np.prod(given), dtype=np.float32).reshape(given)
    np.savez(path, x_train=images, y_train=np.arange(4) % 2, x_test=images, y_test=np.arange(4) % 2)
    found = load(f"npz:{path}", shape=wanted).train.images
    assert found.shape == (4, *wanted)
    last = given[-1] == wanted[0] and given[1:] != wanted and len(given) == len(wanted) + 1
    assert np.array_equal(found, np.moveaxis(images, -1, 1) if last else images.reshape(4, *wanted))
