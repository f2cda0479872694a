"""Make the small Fashion-MNIST that ships with the package: make_fashion_mini.py FOLDER OUTPUT.npz"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

from smashdsl.data.idx import read_fashion_mnist
from smashdsl.data.source import Split

TRAIN_PER_CLASS, TEST_PER_CLASS = 400, 100


def first_of_each_class(split: Split, count: int) -> Split:
    """Keep the first ``count`` images of each class, in the order of the file."""
    firsts = [np.flatnonzero(split.labels == label)[:count] for label in np.unique(split.labels)]
    return split.take(np.sort(np.concatenate(firsts)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the four official IDX files")
    parser.add_argument("output", type=Path, help="the .npz file to write")
    arguments = parser.parse_args()
    dataset = read_fashion_mnist((arguments.folder,))
    train = first_of_each_class(dataset.train, TRAIN_PER_CLASS)
    test = first_of_each_class(dataset.test, TEST_PER_CLASS)
    with tempfile.NamedTemporaryFile(dir=arguments.output.parent, suffix=".npz", delete=False) as file:
        np.savez_compressed(
            file,
            x_train=train.images[:, 0],
            y_train=train.labels.astype(np.uint8),
            x_test=test.images[:, 0],
            y_test=test.labels.astype(np.uint8),
        )
    # A temporary file is its owner's alone; the data is anyone's to read.
    os.chmod(file.name, 0o644)
    os.replace(file.name, arguments.output)


if __name__ == "__main__":
    main()
