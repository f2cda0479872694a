"""Draw architectures by the declared law, or uniformly, one JSON line each."""

from __future__ import annotations

import argparse
import json

from smashdsl.cli.common import add_space, load, positive, seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_space(parser)
    parser.add_argument("-n", type=positive, default=1, metavar="N", help="how many (default 1)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the draws (default 0)")
    help = "draw every architecture as often as any other, which favours the largest parts of the space"
    parser.add_argument("--uniform", action="store_true", help=help)
    parser.add_argument("--costs", action="store_true", help="add parameters and multiply-adds to each line")
    parser.add_argument("--json", action="store_true", help="the lines are JSON in any case")


def run(args: argparse.Namespace) -> int:
    space = load(args)
    drawn = space.sample(args.n, seed=args.seed, law="uniform" if args.uniform else "declared")
    costs = space.costs(drawn) if args.costs else None
    for i, architecture in enumerate(drawn):
        data = architecture.to_json()
        if costs is not None:
            data["costs"] = {"params": int(costs.params[i]), "flops": int(costs.flops[i])}
        print(json.dumps(data))
    return 0
