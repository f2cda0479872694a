"""Say what a space holds: how many architectures, of what size, and the layout of their conditioning tensor."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from smashdsl.cli.common import add_json, add_space, count, emit, exact, load, positive, seed
from smashdsl.lang.typed.printer import input_text

if TYPE_CHECKING:
    from smashdsl.api import Space


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_space(parser)
    add_json(parser)
    parser.add_argument("--layout", action="store_true", help="print the fields of the conditioning tensor too")
    parser.add_argument("--draws", type=positive, default=512, help="architectures drawn for the sizes (default 512)")
    parser.add_argument("--seed", type=seed, default=0, help="seed of these draws (default 0)")


def run(args: argparse.Namespace) -> int:
    space = load(args)
    data = describe(space, args.draws, args.seed)
    if args.layout:
        data["layout"] = space.layout.as_data()
    if args.json:
        emit(data)
        return 0
    ir = space.compiled.space
    print(f"space      {space.name}  ({space.hash[:16]})")
    print(f"input      {input_text(ir.input)}")
    print(f"output     {ir.output.name}({ir.output.size})")
    print(f"members    {members(space)}")
    if ir.requires:
        share, low, high = (100 * data["acceptance"][key] for key in ("share", "low", "high"))
        print(f"meeting the constraints  {share:.1f} % of draws [{low:.1f}, {high:.1f}]")
    print(f"decisions  {data['sites']} sites, {data['templates']} of them different in the text")
    for name in ("params", "flops") if data["members"] != 0 else ():
        sizes = data[name]
        label = "parameters" if name == "params" else "multiply-adds"
        print(f"{label:13} {sizes['min']:,} to {sizes['max']:,}, median {sizes['median']:,} of {data['draws']} draws")
    shape = data["conditioning"]
    print(f"conditioning tensor  {shape['features']} features x {shape['rows']} rows x slices")
    if args.layout:
        for field in data["layout"]["fields"]:
            values = ", ".join(field["values"])
            stop = field["start"] + field["width"]
            print(f"  {field['start']:>5}..{stop:<5} {field['coding']:9} {field['name']}  {values}"[:160])
    return 0


def members(space: Space) -> str:
    """Return how many members a space has, for people: exactly, or without the constraints and said so."""
    if not space.compiled.space.requires:
        return count(space.count())
    meeting = space.count_members()
    if meeting is None:
        return f"{count(space.count())}, constraints not considered: counting those takes too many states"
    return f"{count(meeting)} meet the constraints, of {count(space.count())}"


def describe(space: Space, draws: int, seed: int) -> dict[str, Any]:
    """Return what is known of a space as JSON-ready data; sizes are left out where no member meets the constraints."""
    meeting = space.count_members()
    data: dict[str, Any] = {
        "space": space.name,
        "hash": space.hash,
        "count": exact(space.count()),
        "count_ignores_constraints": bool(space.compiled.space.requires),
        "members": None if meeting is None else exact(meeting),
        "sites": len(space.sites),
        "templates": len({site.decision.template for site in space.sites.all}),
        "draws": draws,
        "conditioning": {"features": space.layout.features, "rows": space.layout.rows},
    }
    if meeting != 0:
        costs = space.costs(space.sample(draws, seed=seed))
        for name, values in (("params", costs.params), ("flops", costs.flops)):
            ordered = sorted(int(v) for v in values)
            data[name] = {"min": ordered[0], "median": ordered[len(ordered) // 2], "max": ordered[-1]}
    if space.compiled.space.requires:
        share, low, high = space.acceptance(seed=seed)
        data["acceptance"] = {"share": share, "low": low, "high": high, "level": 0.95}
    return data
