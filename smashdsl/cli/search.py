"""Do the whole job: train the HyperNet, search, train the winner for real. Running it again goes on."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import smashdsl.cli.common as common
from smashdsl.cli.console import add_running, console, use_threads
from smashdsl.cli.train import add_training, say_stopped, training

if TYPE_CHECKING:
    from smashdsl.search.retrain import RetrainConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    common.add_space(parser)
    add_running(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--name", help="name of the run, a folder under runs/ (default: the space's)")
    where.add_argument("--out", metavar="DIR", help="the folder of the run, wherever it is")
    parser.add_argument("--candidates", type=common.positive, default=70, help="architectures scored (default 70)")
    add_training(parser)
    add_retraining(parser)


def add_retraining(parser: argparse.ArgumentParser) -> None:
    """Add the settings of training a found architecture from scratch."""
    group = parser.add_argument_group("training of found architectures")
    group.add_argument("--seeds", type=common.positive, default=3, help="trainings of each (default 3)")
    group.add_argument("--retrain-steps", type=common.positive, default=600, help="steps of each (default 600)")
    group.add_argument("--retrain-batch", type=common.positive, default=64, help="images a step (default 64)")
    group.add_argument("--retrain-lr", type=common.fraction, default=1e-2, help="learning rate (default 0.01)")
    group.add_argument("--retrain-augment", choices=("none", "flip", "shift", "flip+shift"), default="none")


def retraining(args: argparse.Namespace) -> RetrainConfig:
    """Return the settings that the arguments give."""
    from smashdsl.search.retrain import RetrainConfig

    return RetrainConfig(
        steps=args.retrain_steps,
        batch_size=args.retrain_batch,
        learning_rate=args.retrain_lr,
        augment=args.retrain_augment,
        precision=args.precision,
    )


def run(args: argparse.Namespace) -> int:
    from smashdsl.hypernet.fit import Stopped
    from smashdsl.search.run import SearchConfig, search

    space = common.load(args)
    use_threads(args, space, args.batch)
    folder = Path(args.out) if args.out else Path("runs") / (args.name or space.name)
    config = SearchConfig(
        candidates=args.candidates,
        seeds=args.seeds,
        seed=args.seed,
        device=args.device,
        training=training(args),
        retraining=retraining(args),
    )
    with console(args) as shown:
        try:
            result = search(space, args.data, folder, config, shown.progress())
        except Stopped as stopped:
            return say_stopped(str(stopped))
    if args.json:
        common.emit(result)
    else:
        show(folder, result)
    return 0


def read_losses(path: Path) -> list[float]:
    """Read the losses of a run; raises `UserError` when the file is broken."""
    from smashdsl.errors import UserError
    from smashdsl.files import read_json

    data = read_json(path, "list of losses")
    losses = data.get("loss") if isinstance(data, dict) else None
    if not isinstance(losses, list) or not losses or not all(isinstance(loss, float) for loss in losses):
        raise UserError(f"`{path}` is no list of losses", "delete it: it is only shown")
    return losses


def show(folder: Path, result: dict[str, Any]) -> None:
    """Print a result for people."""
    if (folder / "losses.json").exists():
        losses = read_losses(folder / "losses.json")
        last = losses[-5:]
        end = sum(last) / len(last)
        print(f"training loss     {losses[0]:.3f} falls to {end:.3f} over {result['shared_weight_steps']:,} steps")
    print(f"candidates        {result['candidates']}")
    for role, label in (("best", "winner"), ("random_median", "median candidate")):
        final = result[role]
        errors = ", ".join(f"{error:.1f}" for error in final["test_errors"])
        score = "" if final["score"] is None else f", score {final['score']:.4f}"
        print(
            f"{label:17} {final['test_error']:.2f} % test error ({errors}){score}, {final['params']:,} parameters, "
            f"{final['flops']:,} multiply-adds"
        )
    gap, seeds = result["gap"], len(result["best"]["test_errors"])
    if result["best"]["index"] == result["random_median"]["index"]:
        print("gap               none to tell: the winner is the median candidate")
    else:
        covers = "" if seeds > 1 else "; one training each, so it covers the choice of test images alone"
        interval = f"[{gap['low']:+.2f}, {gap['high']:+.2f}]"
        print(f"gap               {gap['points']:+.2f} points {interval} (median less winner, 95 % interval{covers})")
    tau = {name: result[f"kendall_tau_score_{name}"] for name in ("params", "flops")}
    shown = ", ".join(f"{name} {value:+.2f}" for name, value in tau.items() if value is not None)
    if shown:
        print(f"Kendall's τ of the score with size: {shown} (how much of the ranking is mere size)")
    print(f"{folder}/best: architecture.json, weights.safetensors, picture.svg")
