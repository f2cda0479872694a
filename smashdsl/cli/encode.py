"""Write the conditioning tensor of an architecture, (features, rows, slices), as a `.npy` file of bools."""

from __future__ import annotations

import argparse
from pathlib import Path

import smashdsl.cli.common as common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_space(parser)
    common.add_architecture(parser)
    common.add_json(parser)
    parser.add_argument("--out", required=True, metavar="C.npy", help="where the tensor goes")


def run(args: argparse.Namespace) -> int:
    space = common.load(args)
    architecture = common.architecture(space, args)
    tensor = space.encode_codes(architecture.codes[None])[0]
    save_array(Path(args.out), tensor)
    if args.json:
        common.emit({"shape": list(tensor.shape), "on": int(tensor.sum()), "codes": architecture.codes.tolist()})
    else:
        shape = " x ".join(map(str, tensor.shape))
        print(f"{args.out}: {shape} (features x rows x slices), {int(tensor.sum()):,} bits on")
    return 0


def save_array(path: Path, array: object) -> None:
    """Write an array as `.npy`, whole or not at all."""
    import numpy as np

    from smashdsl.files import write_whole

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.save(file, np.asarray(array), allow_pickle=False)

    write_whole(path, write)
