"""Train the HyperNet and the shared weights of a space; running it again goes on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import smashdsl.cli.common as common
from smashdsl.cli.console import add_running, console, use_threads
from smashdsl.errors import UsageError

if TYPE_CHECKING:
    from smashdsl.hypernet.train import TrainConfig

STOPPED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_space(parser)
    add_running(parser)
    add_training(parser)
    parser.add_argument("--out", metavar="DIR", help="the folder of the run (default runs/NAME-training)")


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add the settings of the training of a space's weights."""
    group = parser.add_argument_group("training of the HyperNet")
    group.add_argument(
        "--steps", type=common.positive, default=1000, help="steps, one architecture each (default 1000)"
    )
    group.add_argument("--batch", type=common.positive, default=64, help="images a step (default 64)")
    group.add_argument("--lr", type=common.fraction, default=3e-3, help="learning rate (default 0.003)")
    group.add_argument("--growth", type=common.positive, default=10, help="channels a layer adds (default 10)")
    group.add_argument("--layers", default="8,10,4", help="layers of each dense block (default 8,10,4)")
    group.add_argument("--augment", choices=("none", "flip", "shift", "flip+shift"), default="none")
    group.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")


def training(args: argparse.Namespace) -> TrainConfig:
    """Return the settings that the arguments give."""
    from smashdsl.hypernet.hypernet import HyperNetConfig
    from smashdsl.hypernet.train import TrainConfig

    try:
        layers = tuple(int(part) for part in args.layers.split(","))
    except ValueError:
        layers = ()
    if not layers or min(layers) < 1 or max(layers) > 1000:
        raise UsageError(f"`--layers {args.layers}` is not a list of numbers of layers", "write `--layers 8,10,4`")
    return TrainConfig(
        steps=args.steps,
        batch_size=args.batch,
        learning_rate=args.lr,
        augment=args.augment,
        precision=args.precision,
        hypernet=HyperNetConfig(args.growth, layers),
        seed=args.seed,
    )


def run(args: argparse.Namespace) -> int:
    from smashdsl.data.load import load as load_data
    from smashdsl.files import write_json, write_text
    from smashdsl.hypernet.fit import Stopped
    from smashdsl.hypernet.task import choose_device, input_shape, make_task
    from smashdsl.hypernet.train import train_supernet

    space = common.load(args)
    use_threads(args, space, args.batch)
    config = training(args)
    folder = Path(args.out) if args.out else Path("runs") / f"{space.name}-training"
    task = make_task(space, load_data(args.data, shape=input_shape(space)), choose_device(args.device), seed=args.seed)
    path = folder / "checkpoint.safetensors"
    if not path.exists():  # a folder that belongs to another run is refused, and keeps its spec
        write_text(folder / "spec.smash", space.compiled.standalone())
    with console(args) as shown:
        watch = shown.progress().watch("train hypernet" if space.layout.generated else "train shared weights")
        try:
            _, losses = train_supernet(space, task, config, path, watch)
        except Stopped as stopped:
            return say_stopped(str(stopped))
    write_json(folder / "losses.json", {"every": 10, "loss": losses})
    if args.json:
        common.emit({"checkpoint": str(path), "steps": config.steps, "loss": losses})
    else:
        print(f"{path}: {config.steps:,} steps, training loss {losses[0]:.3f} to {losses[-1]:.3f}")
    return 0


def say_stopped(what: str) -> int:
    """Tell that nothing is lost, and return the exit code."""
    print(f"{what}; all of it is saved: the same command goes on", file=sys.stderr)
    return STOPPED
