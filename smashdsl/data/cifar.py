"""CIFAR-10 in its official binary form: six files of one label byte and 3 x 32 x 32 pixel bytes per image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smashdsl.data.source import Dataset, Split, make_dataset
from smashdsl.errors import UserError

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = "cifar-10-batches-bin"
TRAIN_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST_FILES = ("test_batch.bin",)
GET_CIFAR10 = (
    "unpack the binary version of CIFAR-10 (cifar-10-binary.tar.gz, which makes the folder cifar-10-batches-bin) "
    "and name the folder: cifar10:FOLDER"
)
_GRID = (3, 32, 32)
_RECORD = 1 + 3 * 32 * 32


def read_cifar10(folders: tuple[Path, ...]) -> Dataset:
    """Read CIFAR-10 from the first of ``folders`` that holds any of its files, itself or in cifar-10-batches-bin.

    Images are (n, 3, 32, 32), uint8. Raises UserError when no folder holds a file, a file is missing, or one is
    damaged.
    """
    names = TRAIN_FILES + TEST_FILES
    for folder in (inner for outer in folders for inner in (outer, outer / BATCHES)):
        if any((folder / name).is_file() for name in names):
            train = _read_split(folder, TRAIN_FILES)
            return make_dataset("cifar10", train, _read_split(folder, TEST_FILES), CIFAR10_CLASSES)
    looked = " or ".join(f"'{folder}'" for folder in folders)
    raise UserError(f"cifar10 is not in {looked}" if folders else "cifar10 needs a folder", GET_CIFAR10)


def _read_split(folder: Path, names: tuple[str, ...]) -> Split:
    splits = [_read_batch(folder / name) for name in names]
    return Split(np.concatenate([split.images for split in splits]), np.concatenate([split.labels for split in splits]))


def _read_batch(path: Path) -> Split:
    try:
        raw = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError as error:
        raise UserError(f"'{path.parent}' has no {path.name}", GET_CIFAR10) from error
    except OSError as error:
        raise UserError(f"'{path}' cannot be read: {error.strerror}") from error
    if raw.size == 0 or raw.size % _RECORD:
        raise UserError(
            f"'{path}' holds {raw.size} bytes, not a whole number of {_RECORD}-byte images", "fetch the file again"
        )
    records = raw.reshape(-1, _RECORD)
    return Split(records[:, 1:].reshape(-1, *_GRID), records[:, 0].astype(np.int64))
