"""Print the architecture whose conditioning tensor a `.npy` file holds."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import smashdsl.cli.common as common
from smashdsl.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_space(parser)
    parser.add_argument("tensor", metavar="C.npy", help="a tensor that `encode` wrote")
    parser.add_argument("--json", action="store_true", help="the architecture is JSON in any case")


def run(args: argparse.Namespace) -> int:
    from smashdsl.space.architecture import Architecture

    space = common.load(args)
    bits = read_array(Path(args.tensor))
    if bits.ndim != 3:
        raise UserError(f"`{args.tensor}` has {bits.ndim} axes; a conditioning tensor has three")
    common.emit(Architecture(space, space.decode_tensor(bits[None])[0]).to_json())
    return 0


def read_array(path: Path) -> Any:
    """Read a `.npy` file of zeros and ones."""
    import numpy as np

    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"there is no file `{path}`") from None
    except OSError as error:
        raise UserError(f"`{path}` can't be read: {error.strerror or error}") from None
    except (ValueError, EOFError, MemoryError):
        raise UserError(f"`{path}` is no `.npy` file", "`smashdsl encode` writes one") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or not np.isin(array, (0, 1)).all():
        raise UserError(f"`{path}` is no binary tensor: it holds something else than zeros and ones")
    return array.astype(bool)
