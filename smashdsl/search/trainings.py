"""The trainings of a run: one line each, with the test images that the network gets wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from smashdsl.errors import UserError
from smashdsl.files import read_lines


def read_trainings(path: Path, images: int) -> list[dict[str, Any]]:
    """Read the trainings that are done, tested on a number of images.

    Raises `UserError` for a line that is none.
    """
    lines = read_lines(path)
    for number, line in enumerate(lines, 1):
        if not _is_training(line, images):
            raise UserError(f"line {number} of `{path}` is no training of this run", "delete the line to train again")
    return lines


def _is_training(line: Any, images: int) -> bool:
    if not isinstance(line, dict) or not isinstance(line.get("role"), str) or type(line.get("seed")) is not int:
        return False
    error, wrong = line.get("test_error"), line.get("wrong")
    if not isinstance(error, int | float) or not math.isfinite(error) or not isinstance(wrong, str):
        return False
    try:
        return len(bytes.fromhex(wrong)) == -(-images // 8)
    except ValueError:
        return False


def packed(wrong: Any) -> str:
    """Return which images are wrong, (images,) bool, as hexadecimal digits."""
    return np.packbits(np.asarray(wrong, bool)).tobytes().hex()


def unpacked(text: str, images: int) -> Any:
    """Return what `packed` packed."""
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))[:images].astype(bool)
