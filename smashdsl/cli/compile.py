"""Write everything one architecture compiles to: JSON, graph source, conditioning tensor, layout, picture."""

from __future__ import annotations

import argparse
from pathlib import Path

import smashdsl.cli.common as common


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_space(parser)
    common.add_architecture(parser)
    common.add_json(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="the folder that is written")


def run(args: argparse.Namespace) -> int:
    from smashdsl.cli.encode import save_array
    from smashdsl.files import write_json, write_text
    from smashdsl.lang.typed.document import to_json
    from smashdsl.report.picture import draw

    space = common.load(args)
    architecture = common.architecture(space, args)
    out = Path(args.out)
    write_json(out / "architecture.json", architecture.to_json())
    write_text(out / "network.py", source(space, architecture))
    save_array(out / "conditioning.npy", space.encode_codes(architecture.codes[None])[0])
    write_json(out / "layout.json", space.layout.as_data())
    write_json(out / "space.json", to_json(space.compiled.space))
    write_text(out / "picture.svg", draw(architecture))
    costs = space.costs(architecture)
    files = ["architecture.json", "network.py", "conditioning.npy", "layout.json", "space.json", "picture.svg"]
    params, flops = int(costs.params[0]), int(costs.flops[0])
    if args.json:
        common.emit({"folder": str(out), "files": files, "params": params, "flops": flops})
    else:
        print(f"{out}: {', '.join(files)}")
        print(f"{params:,} parameters, {flops:,} multiply-adds")
    return 0


def source(space: object, architecture: object) -> str:
    """Return the graph of an architecture as readable Python, with the lines of the spec as comments."""
    from smashdsl.api import Space
    from smashdsl.space.architecture import Architecture

    assert isinstance(space, Space)
    assert isinstance(architecture, Architecture)
    text = space.build(architecture).print_readable(print_output=False)
    return (
        f"# an architecture of space `{space.name}`: forward(x, weights), weights a dict of tensors by name\n{text}\n"
    )
