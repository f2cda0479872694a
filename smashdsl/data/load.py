"""From the name of a data source to its images."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from smashdsl.data.cifar import read_cifar10
from smashdsl.data.idx import FASHION_CLASSES, read_fashion_mnist
from smashdsl.data.npz import read_npz
from smashdsl.data.source import Dataset, make_dataset
from smashdsl.data.text import read_text
from smashdsl.errors import UserError

# Where the Debian package dataset-fashion-mnist puts its files.
SYSTEM_FOLDER = Path("/usr/share/datasets")


# what each image is wanted to be, (channels, *grid), or the length (length,) of sequences, if that is known
Shape = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Source:
    """Name one kind of data: how it is written, what it is, and the function that reads it."""

    usage: str
    about: str
    read: Callable[[Path | None, Shape], Dataset]


def load(spec: str, root: Path | None = None, shape: Shape = None) -> Dataset:
    """Load the data that ``spec`` names.

    A spec is a name of ``SOURCES``, for some followed by a colon and a path, or the path of a `.txt` file; a relative
    path starts at ``root``, or without one at the current folder. ``shape`` (channels, *grid) helps to read arrays that
    several layouts fit; (length,) is how a text is cut. Images are (n, channels, *grid), tokens (n, length). Raises
    UserError for an unknown name, a path that is missing or not wanted, and files that cannot be read.
    """
    name, colon, argument = spec.strip().partition(":")
    if name not in SOURCES and spec.strip().endswith(".txt"):
        name, colon, argument = "text", ":", spec.strip()
    source = SOURCES.get(name)
    if source is None:
        raise UserError(f"unknown data source '{name}'", _suggest(name))
    if colon and not argument:
        raise UserError(f"data source '{spec.strip()}' has no path after its colon", f"write {source.usage}")
    return source.read((root or Path()) / Path(argument).expanduser() if argument else None, shape)


def _fashion_mini(path: Path | None, shape: Shape) -> Dataset:
    if path is not None:
        raise UserError("data source 'fashion-mini' takes no path", "write fashion-mini")
    archive = resources.files("smashdsl.data") / "fashion_mini" / "fashion_mini.npz"
    with resources.as_file(archive) as file:
        dataset = read_npz(file, "fashion-mini")
    return make_dataset(dataset.name, dataset.train, dataset.test, FASHION_CLASSES)


def _fashion_mnist(path: Path | None, shape: Shape) -> Dataset:
    return read_fashion_mnist((path,) if path else (*_data_folder("fashion-mnist"), SYSTEM_FOLDER / "fashion-mnist"))


def _cifar10(path: Path | None, shape: Shape) -> Dataset:
    return read_cifar10((path,) if path else _data_folder("cifar10"))


def _npz(path: Path | None, shape: Shape) -> Dataset:
    if path is None:
        raise UserError("data source 'npz' needs a file", f"write {SOURCES['npz'].usage}")
    return read_npz(path, path.stem, shape)


def _text(path: Path | None, shape: Shape) -> Dataset:
    if path is None:
        raise UserError("data source 'text' needs a file", f"write {SOURCES['text'].usage}")
    if shape is None or len(shape) != 1:
        raise UserError(
            "a text is cut into sequences of tokens", "use a space with `input tokens[LENGTH] of VOCABULARY`"
        )
    return read_text(path, path.stem, shape[0])


def _data_folder(name: str) -> tuple[Path, ...]:
    home = os.environ.get("SMASHDSL_DATA")
    return (Path(home).expanduser() / name,) if home else ()


def _suggest(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), SOURCES, n=1)
    known = ", ".join(source.usage for source in SOURCES.values())
    return f"did you mean '{near[0]}'?" if near else f"the data sources are {known}"


SOURCES = {
    "fashion-mini": Source("fashion-mini", "5,000 Fashion-MNIST images, part of this package", _fashion_mini),
    "fashion-mnist": Source("fashion-mnist[:FOLDER]", "Fashion-MNIST, from the four IDX files", _fashion_mnist),
    "cifar10": Source("cifar10[:FOLDER]", "CIFAR-10, from the six binary batches", _cifar10),
    "text": Source("text:FILE", "the characters of a text file, as tokens", _text),
    "npz": Source("npz:FILE", "arrays x_train, y_train, x_test and y_test of a NumPy .npz file", _npz),
}
