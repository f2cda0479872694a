"""Names of data sources, the shipped data, Fashion-MNIST and CIFAR-10 from files in their official formats."""

from __future__ import annotations

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from smashdsl.data import load
from smashdsl.data.cifar import GET_CIFAR10
from smashdsl.data.idx import GET_FASHION
from smashdsl.data.load import SYSTEM_FOLDER
from smashdsl.errors import UserError

SYSTEM_FASHION = SYSTEM_FOLDER / "fashion-mnist"


def message_of(spec: str, root: Path | None = None) -> str:
    with pytest.raises(UserError) as caught:
        load(spec, root)
    return str(caught.value)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def compressed(data: bytes) -> bytes:
    """Compress without a time, so that a case has one name in all processes."""
    return gzip.compress(data, mtime=0)


def write_fashion(folder: Path, packed: bool = True) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 12), ("t10k", 5)):
        arrays[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = (np.arange(n) % 10).astype(np.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(compressed(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return arrays


def write_cifar(folder: Path) -> np.ndarray:
    folder.mkdir(parents=True, exist_ok=True)
    records = np.random.default_rng(0).integers(0, 256, (18, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    for number, batch in enumerate(records.reshape(6, 3, 3073), start=1):
        (folder / ("test_batch.bin" if number == 6 else f"data_batch_{number}.bin")).write_bytes(batch.tobytes())
    return records


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("fashion_mnist", "unknown data source 'fashion_mnist'\n  = help: did you mean 'fashion-mnist'?"),
        ("CIFAR-10:x", "unknown data source 'CIFAR-10'\n  = help: did you mean 'cifar10'?"),
        (
            "imagenet",
            "unknown data source 'imagenet'\n  = help: the data sources are "
            "fashion-mini, fashion-mnist[:FOLDER], cifar10[:FOLDER], text:FILE, npz:FILE",
        ),
        (
            "",
            "unknown data source ''\n  = help: the data sources are "
            "fashion-mini, fashion-mnist[:FOLDER], cifar10[:FOLDER], text:FILE, npz:FILE",
        ),
        ("fashion-mini:x", "data source 'fashion-mini' takes no path\n  = help: write fashion-mini"),
        ("npz", "data source 'npz' needs a file\n  = help: write npz:FILE"),
        ("npz:", "data source 'npz:' has no path after its colon\n  = help: write npz:FILE"),
    ],
)
def test_a_wrong_spec_is_refused(spec, message):
    assert message_of(spec) == message


def test_the_shipped_data_is_balanced():
    data = load("fashion-mini")
    assert data.train.images.shape == (4000, 1, 28, 28)
    assert data.test.images.shape == (1000, 1, 28, 28)
    assert data.train.images.dtype == np.uint8
    assert np.bincount(data.train.labels).tolist() == [400] * 10
    assert np.bincount(data.test.labels).tolist() == [100] * 10
    assert data.class_names is not None
    assert data.class_names[9] == "Ankle boot"
    assert data.fingerprint == "6d146ed1731b6fec163e5e70e042322c47459e55396c8afd9db62dd89e8e083a"


def test_the_shipped_data_is_the_first_of_each_class_of_the_official_files():
    if not SYSTEM_FASHION.is_dir():
        pytest.skip("Fashion-MNIST is not installed")
    full, mini = load("fashion-mnist"), load("fashion-mini")
    assert full.train.images.shape == (60000, 1, 28, 28)
    assert full.test.images.shape == (10000, 1, 28, 28)
    assert full.fingerprint == "aeca7158a5c612d7d66dac991e6f2a593c66bd1a0f0912add375bfcdf2503d26"
    for label in range(10):
        whole, part = full.train.labels == label, mini.train.labels == label
        assert np.array_equal(full.train.images[whole][:400], mini.train.images[part])


@pytest.mark.parametrize("packed", [True, False])
def test_fashion_mnist_is_read_from_official_files(tmp_path, packed):
    arrays = write_fashion(tmp_path / "files", packed)
    data = load("fashion-mnist:files", tmp_path)
    assert np.array_equal(data.train.images[:, 0], arrays["train-images-idx3-ubyte"])
    assert np.array_equal(data.test.labels, arrays["t10k-labels-idx1-ubyte"])
    assert data.classes == 10
    assert data.fingerprint == load(f"fashion-mnist:{tmp_path / 'files'}").fingerprint


def test_fashion_mnist_is_sought_in_the_data_folder_first(tmp_path, monkeypatch):
    write_fashion(tmp_path / "fashion-mnist")
    monkeypatch.setenv("SMASHDSL_DATA", str(tmp_path))
    assert len(load("fashion-mnist").train) == 12


def test_a_missing_fashion_mnist_says_where_it_was_sought(tmp_path, monkeypatch):
    monkeypatch.setenv("SMASHDSL_DATA", str(tmp_path))
    # By its name in the table of modules: the package's own attribute of that name is the function.
    monkeypatch.setattr(sys.modules["smashdsl.data.load"], "SYSTEM_FOLDER", tmp_path / "system")
    looked = f"'{tmp_path}/fashion-mnist' or '{tmp_path}/system/fashion-mnist'"
    assert message_of("fashion-mnist") == f"fashion-mnist is not in {looked}\n  = help: {GET_FASHION}"
    assert message_of("fashion-mnist:no", tmp_path) == (
        f"fashion-mnist is not in '{tmp_path}/no'\n  = help: {GET_FASHION}"
    )


GOOD_LABELS = idx(np.zeros(12))
HUGE = struct.pack(">BBBBI", 0, 0, 8, 1, 2**32 - 1)
AGAIN = "\n  = help: fetch the file again"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (compressed(GOOD_LABELS)[:-9], "'{path}' is cut short or damaged" + AGAIN),
        (compressed(GOOD_LABELS)[:-8] + b"12345678", "'{path}' is cut short or damaged" + AGAIN),
        (b"\x1f\x8b\x08\x00" + bytes(30), "'{path}' is cut short or damaged" + AGAIN),
        (compressed(GOOD_LABELS[:-2]), "'{path}' holds 10 bytes where its header says 12" + AGAIN),
        (compressed(GOOD_LABELS + b"0"), "'{path}' holds 13 bytes where its header says 12" + AGAIN),
        (compressed(b"<html>not found"), "'{path}' is not an IDX file of bytes with 1 axes"),
        (compressed(idx(np.zeros((12, 1)))), "'{path}' is not an IDX file of bytes with 1 axes"),
        (b"", "'{path}' is not an IDX file of bytes with 1 axes"),
        (compressed(idx(np.zeros(0))), "'{path}' is empty: its header says (0,)"),
        (HUGE, "'{path}' holds 0 bytes where its header says 4294967295" + AGAIN),
        (compressed(idx(np.zeros(11))), "'{images}' holds 12 images and '{path}' 11 labels"),
        (
            compressed(idx(np.full(12, 10))),
            "fashion-mnist has the label 10\n  = help: labels are whole numbers from 0 to at most 9",
        ),
    ],
)
def test_a_damaged_fashion_mnist_is_refused(tmp_path, content, message):
    write_fashion(tmp_path)
    path = tmp_path / "train-labels-idx1-ubyte.gz"
    path.write_bytes(content)
    expected = message.format(path=path, images=tmp_path / "train-images-idx3-ubyte.gz")
    assert message_of(f"fashion-mnist:{tmp_path}") == expected


def test_a_fashion_mnist_with_a_file_missing_is_refused(tmp_path):
    write_fashion(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    assert message_of(f"fashion-mnist:{tmp_path}") == (
        f"'{tmp_path}' has no t10k-labels-idx1-ubyte or t10k-labels-idx1-ubyte.gz\n  = help: {GET_FASHION}"
    )


@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin"])
def test_cifar10_is_read_from_official_files(tmp_path, monkeypatch, inner):
    records = write_cifar(tmp_path / "cifar10" / inner)
    data = load("cifar10:cifar10", tmp_path)
    assert data.train.images.shape == (15, 3, 32, 32)
    assert np.array_equal(data.train.images.reshape(15, -1), records[:15, 1:])
    assert np.array_equal(data.test.labels, records[15:, 0])
    assert (data.classes, data.class_names[0]) == (10, "airplane")
    monkeypatch.setenv("SMASHDSL_DATA", str(tmp_path))
    assert load("cifar10").fingerprint == data.fingerprint


def test_a_missing_cifar10_says_where_it_was_sought(tmp_path, monkeypatch):
    monkeypatch.delenv("SMASHDSL_DATA", raising=False)
    assert message_of("cifar10") == f"cifar10 needs a folder\n  = help: {GET_CIFAR10}"
    monkeypatch.setenv("SMASHDSL_DATA", str(tmp_path))
    assert message_of("cifar10") == f"cifar10 is not in '{tmp_path}/cifar10'\n  = help: {GET_CIFAR10}"


def test_a_damaged_cifar10_is_refused(tmp_path):
    write_cifar(tmp_path)
    batch = tmp_path / "data_batch_3.bin"
    for content in (bytes(3072), b""):
        batch.write_bytes(content)
        assert message_of(f"cifar10:{tmp_path}") == (
            f"'{batch}' holds {len(content)} bytes, not a whole number of 3073-byte images" + AGAIN
        )
    batch.write_bytes(bytes([10]) * 3073)
    assert message_of(f"cifar10:{tmp_path}") == (
        "cifar10 has the label 10\n  = help: labels are whole numbers from 0 to at most 9"
    )
    batch.unlink()
    assert message_of(f"cifar10:{tmp_path}") == f"'{tmp_path}' has no data_batch_3.bin\n  = help: {GET_CIFAR10}"
    batch.mkdir()
    assert message_of(f"cifar10:{tmp_path}") == f"'{batch}' cannot be read: Is a directory"
