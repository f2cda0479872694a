"""Train one architecture from scratch, test it, and write its weights; running it again goes on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import smashdsl.cli.common as common
from smashdsl.cli.console import add_running, console, use_threads
from smashdsl.cli.search import add_retraining, retraining
from smashdsl.cli.train import say_stopped

if TYPE_CHECKING:
    from smashdsl.hypernet.task import Task
    from smashdsl.search.retrain import RetrainConfig
    from smashdsl.space.architecture import Architecture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_space(parser)
    add_running(parser)
    parser.add_argument("--arch", metavar="A.json", help="the architecture; without it, one drawn with the seed")
    parser.add_argument("--out", metavar="DIR", help="the folder that is written (default runs/NAME-retrained)")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    add_retraining(parser)


def run(args: argparse.Namespace) -> int:
    from smashdsl.data.load import load as load_data
    from smashdsl.files import write_json
    from smashdsl.hypernet.fit import Stopped
    from smashdsl.hypernet.task import choose_device, input_shape, make_task

    space = common.load(args)
    use_threads(args, space, args.retrain_batch)
    architecture = common.architecture(space, args)
    folder = Path(args.out) if args.out else Path("runs") / f"{space.name}-retrained"
    task = make_task(space, load_data(args.data, shape=input_shape(space)), choose_device(args.device), seed=args.seed)
    config = retraining(args)
    try:
        errors = _train(architecture, task, config, folder, args)
    except Stopped as stopped:
        return say_stopped(str(stopped))
    costs = space.costs(architecture)
    result = {
        "space_hash": space.hash,
        "data": task.data.name,
        "params": int(costs.params[0]),
        "flops": int(costs.flops[0]),
        "seeds": list(range(args.seed, args.seed + args.seeds)),
        "test_errors": errors,
        "test_error": sum(errors) / len(errors),
    }
    write_json(folder / "architecture.json", architecture.to_json())
    write_json(folder / "result.json", result)
    if args.json:
        common.emit(result)
    else:
        each = ", ".join(f"{error:.2f}" for error in errors)
        print(f"{result['test_error']:.2f} % test error ({each}), {result['params']:,} parameters")
        print(f"{folder}: architecture.json, result.json, weights")
    return 0


def _train(
    architecture: Architecture, task: Task, config: RetrainConfig, folder: Path, args: argparse.Namespace
) -> list[float]:
    """Train with each seed, write the weights, and return the test errors in percent."""
    from smashdsl.hypernet import checkpoint
    from smashdsl.search.retrain import retrain

    errors = []
    with console(args) as shown:
        for seed in range(args.seed, args.seed + args.seeds):
            path = folder / f"checkpoint-{seed}.safetensors"
            trained = retrain(architecture, task, config, seed, path, shown.progress().watch(f"retrain, seed {seed}"))
            errors.append(trained.test_error)
            about = {"space": architecture.space.hash, "data": task.data.fingerprint, "seed": seed}
            checkpoint.save(folder / f"weights-{seed}.safetensors", trained.module.tensors(), about)
    return errors
