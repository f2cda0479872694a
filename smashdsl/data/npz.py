"""Data of the user's own, as NumPy arrays in one .npz file.

The arrays, each under the first of its names that the file has:

    training images   x_train, train_images, images, x
    training labels   y_train, train_labels, labels, y
    test images       x_test, test_images
    test labels       y_test, test_labels

Images, signals, volumes and vectors are uint8 or any float. Where it is known what shape (channels, *grid) is wanted,
(n, channels, *grid), (n, *grid, channels) and, of one channel, (n, *grid) are read as just that, the first that fits.
Where it is not known, or none fits, the training images alone decide, and then for the test images too: (n, c) are
vectors; (n, h, w) images of one channel; of four axes channels come first unless the last axis has 1, 3 or 4 places and
the second has not, so (n, 32, 32, 3) has its channels last, and (n, 3, 32, 32), (n, 16, 8, 8) and the undecidable
(n, 3, 4, 4) have them first; of five they come first.

Whole numbers of any other integer type, as (n, length), are sequences of tokens.

Labels are whole numbers from 0, as (n,) or (n, 1); of tokens (n, length), too, one at each position. Without
test arrays a fifth of each class is held out as the test split, always the same one. Other arrays of the file are left
alone.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from smashdsl.data.source import MAX_CLASSES, Dataset, Split, make_dataset, stratified
from smashdsl.errors import UserError

X_TRAIN = ("x_train", "train_images", "images", "x")
Y_TRAIN = ("y_train", "train_labels", "labels", "y")
X_TEST = ("x_test", "test_images")
Y_TEST = ("y_test", "test_labels")
TEST_FRACTION = 0.2
CHANNEL_COUNTS = (1, 3, 4)

Layout = Literal["first", "last", "none"]  # where the channels are
_Arrays = dict[str, npt.NDArray[Any]]


def read_npz(path: Path, name: str, shape: tuple[int, ...] | None = None) -> Dataset:
    """Read a dataset from an .npz file of arrays.

    Images become (n, channels, *grid), uint8 or float32; the module's text says which arrays are read and how.
    ``shape`` (channels, *grid) is what is wanted, if that is known.
    Raises UserError when the file cannot be read or an array in it is missing or unfit.
    """
    arrays = _read_arrays(path)
    train_keys, test_keys = _pick(path, arrays)
    layout = _layout(arrays[train_keys[0]], shape)
    train = _split(path, arrays, train_keys, layout)
    if test_keys is None:
        train, test = stratified(train, TEST_FRACTION, seed=0)
    else:
        test = _split(path, arrays, test_keys, layout)
    return make_dataset(name, train, test)


def _read_arrays(path: Path) -> _Arrays:
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(f"'{path}' cannot be read: {error.strerror}") from error
    wanted = {*X_TRAIN, *Y_TRAIN, *X_TEST, *Y_TEST}
    with file:
        if not zipfile.is_zipfile(file):
            raise UserError(f"'{path}' is not an .npz file", "write it with numpy.savez_compressed")
        file.seek(0)
        try:
            archive = np.load(file, allow_pickle=False)
        except Exception as error:
            # A damaged archive or header makes NumPy pass on whatever its parsers raise: there is no closed list.
            raise UserError(f"'{path}' is damaged", "write the file again") from error
        # Only the names that are read are unpacked; the others count as present and stay packed.
        return {
            key: _read_array(path, archive, key) if key in wanted else np.empty(0, np.uint8) for key in archive.files
        }


def _read_array(path: Path, archive: Any, key: str) -> npt.NDArray[Any]:
    try:
        array = archive[key]
    except MemoryError as error:
        raise UserError(f"'{key}' in '{path}' does not fit in memory") from error
    except Exception as error:
        if "allow_pickle" in str(error):
            raise UserError(
                f"'{key}' in '{path}' holds Python objects", "store it as one array of numbers; objects are not read"
            ) from error
        raise UserError(f"'{key}' in '{path}' is damaged", "write the file again") from error
    if not isinstance(array, np.ndarray):
        raise UserError(f"'{key}' in '{path}' is not an array")
    return array


def _pick(path: Path, arrays: _Arrays) -> tuple[tuple[str, str], tuple[str, str] | None]:
    def find(names: tuple[str, ...]) -> str | None:
        return next((name for name in names if name in arrays), None)

    def need(names: tuple[str, ...]) -> str:
        found = find(names)
        if found is None:
            have = ", ".join(arrays) or "nothing"
            raise UserError(f"'{path}' has no '{names[0]}'", f"it has {have}; also read as: {', '.join(names[1:])}")
        return found

    train = need(X_TRAIN), need(Y_TRAIN)
    if find(X_TEST) is None and find(Y_TEST) is None:
        return train, None
    return train, (need(X_TEST), need(Y_TEST))


def _layout(images: npt.NDArray[Any], shape: tuple[int, ...] | None) -> Layout:
    """Return where the channels of an array are."""
    found = images.shape[1:]
    if shape is not None:
        channels, *grid = shape
        if found == shape:
            return "first"
        if found == (*grid, channels) and grid:
            return "last"
        if found == tuple(grid) and channels == 1:
            return "none"
    if images.ndim == 4 and images.shape[3] in CHANNEL_COUNTS and images.shape[1] not in CHANNEL_COUNTS:
        return "last"
    return "none" if images.ndim == 3 else "first"


def _split(path: Path, arrays: _Arrays, keys: tuple[str, str], layout: Layout) -> Split:
    x_key, y_key = keys
    what, array = f"'{x_key}' in '{path}'", arrays[x_key]
    tokens = array.dtype.kind in "iu" and array.dtype != np.uint8 and array.ndim == 2
    images = _tokens(what, array) if tokens else _images(what, array, layout)
    labels = _labels(f"'{y_key}' in '{path}'", arrays[y_key], images.shape if tokens else None)
    if len(images) != len(labels):
        raise UserError(f"'{path}' has {len(images)} images in '{x_key}' and {len(labels)} labels in '{y_key}'")
    return Split(images, labels)


def _images(what: str, array: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise UserError(
            f"{what} has the type {array.dtype}",
            "images are uint8 from 0 to 255, or floats; tokens are whole numbers (n, length)",
        )
    if array.ndim not in (2, 3, 4, 5):
        raise UserError(f"{what} has the shape {array.shape}", "images are (n, h, w), (n, h, w, c) or (n, c, h, w)")
    if array.size == 0:
        raise UserError(f"{what} is empty: its shape is {array.shape}")
    if layout == "none":
        array = array[:, None]
    elif layout == "last":
        array = np.moveaxis(array, -1, 1)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    with np.errstate(over="ignore"):
        images = np.ascontiguousarray(array, dtype=np.float32)
    if not np.isfinite(images).all():
        raise UserError(f"{what} has values that are not finite", "replace every NaN and infinity")
    return images


def _tokens(what: str, array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if array.size == 0:
        raise UserError(f"{what} is empty: its shape is {array.shape}")
    if array.min() < 0 or array.max() >= MAX_CLASSES:
        wrong = array.min() if array.min() < 0 else array.max()
        raise UserError(
            f"{what} has the token {wrong}", f"tokens are whole numbers from 0 to at most {MAX_CLASSES - 1}"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _labels(what: str, array: npt.NDArray[Any], sequences: tuple[int, ...] | None = None) -> npt.NDArray[np.int64]:
    if array.dtype.kind not in "iu":
        raise UserError(f"{what} has the type {array.dtype}", "labels are whole numbers from 0, of an integer type")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 and array.shape != sequences:
        raise UserError(f"{what} has the shape {array.shape}", "labels are (n,) or (n, 1), one class each")
    if array.size == 0:
        raise UserError(f"{what} is empty")
    wrong = array.min() if array.min() < 0 else array.max()
    if not 0 <= wrong < MAX_CLASSES:
        raise UserError(
            f"{what} has the label {wrong}", f"labels are whole numbers from 0 to at most {MAX_CLASSES - 1}"
        )
    return array.astype(np.int64)
