"""Fashion-MNIST in its official form: four IDX files, gzipped or not."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from smashdsl.data.source import Dataset, Split, make_dataset
from smashdsl.errors import UserError

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
TRAIN_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST_FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
GET_FASHION = (
    "install Debian's package dataset-fashion-mnist, or put the four official files "
    "(train-images-idx3-ubyte.gz and its siblings) in one folder and name it: fashion-mnist:FOLDER"
)
_GZIP_MAGIC = b"\x1f\x8b"
_UNSIGNED_BYTE = 8


def read_fashion_mnist(folders: tuple[Path, ...]) -> Dataset:
    """Read Fashion-MNIST from the first of ``folders`` that holds any of its files.

    Images are (n, 1, h, w), uint8. Raises UserError when no folder holds a file, a file is missing, or one is damaged.
    """
    names = TRAIN_FILES + TEST_FILES
    for folder in folders:
        if any(_find(folder, name) for name in names):
            train = _read_split(folder, TRAIN_FILES)
            return make_dataset("fashion-mnist", train, _read_split(folder, TEST_FILES), FASHION_CLASSES)
    looked = " or ".join(f"'{folder}'" for folder in folders)
    raise UserError(f"fashion-mnist is not in {looked}", GET_FASHION)


def read_idx(path: Path, rank: int) -> npt.NDArray[np.uint8]:
    """Read one IDX file of unsigned bytes.

    Returns an array of ``rank`` axes. Raises UserError when the file cannot be read, or is not exactly such a file.
    """
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP_MAGIC
        with gzip.open(path) if packed else path.open("rb") as file:
            shape = _shape(path, file.read(4 + 4 * rank), rank)
            body = file.read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(f"'{path}' is cut short or damaged", "fetch the file again") from error
    except OSError as error:
        raise UserError(f"'{path}' cannot be read: {error.strerror}") from error
    if len(body) != math.prod(shape):
        raise UserError(
            f"'{path}' holds {len(body)} bytes where its header says {math.prod(shape)}", "fetch the file again"
        )
    return np.frombuffer(body, dtype=np.uint8).reshape(shape).copy()


def _shape(path: Path, header: bytes, rank: int) -> tuple[int, ...]:
    if len(header) < 4 + 4 * rank or header[:4] != bytes((0, 0, _UNSIGNED_BYTE, rank)):
        raise UserError(f"'{path}' is not an IDX file of bytes with {rank} axes")
    shape = struct.unpack(f">{rank}I", header[4:])
    if 0 in shape:
        raise UserError(f"'{path}' is empty: its header says {shape}")
    return shape


def _find(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _read_split(folder: Path, names: tuple[str, str]) -> Split:
    paths = []
    for name in names:
        path = _find(folder, name)
        if path is None:
            raise UserError(f"'{folder}' has no {name} or {name}.gz", GET_FASHION)
        paths.append(path)
    images, labels = read_idx(paths[0], rank=3), read_idx(paths[1], rank=1)
    if len(images) != len(labels):
        raise UserError(f"'{paths[0]}' holds {len(images)} images and '{paths[1]}' {len(labels)} labels")
    return Split(images[:, None], labels.astype(np.int64))
