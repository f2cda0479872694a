"""Layers of installed packages, found by the entry points of group `smashdsl.layers`.

An entry point is called as its layer is, so that a package is only imported for a spec that uses a layer of it.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from smashdsl.ops.fault import Fault, told
from smashdsl.ops.user import UserLayer

GROUP = "smashdsl.layers"


def names() -> tuple[str, ...]:
    """Return the names of layers that installed packages say they provide."""
    return tuple(_providers(tuple(sys.path)))


def provided(name: str) -> UserLayer | None:
    """Return the layer that an installed package provides under a name, importing it; None when there is none.

    Raises `Fault` when its package can't be imported, gives something else, or shares the name with another package.
    """
    points = _providers(tuple(sys.path)).get(name, ())
    if not points:
        return None
    if len(points) > 1:
        first, second = (f"`{_package(point)}`" for point in points[:2])
        message = f"packages {first} and {second} both provide a layer `{name}`"
        raise Fault(message, "uninstall one of them, or ask its authors for another name")
    return _loaded(points[0])


@cache
def _providers(path: tuple[str, ...]) -> dict[str, tuple[EntryPoint, ...]]:
    """Return the entry points by name, for one state of the path that packages are found on."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for point in entry_points(group=GROUP):
        found[point.name] = (*found.get(point.name, ()), point)
    return found


def _package(point: EntryPoint) -> str:
    return point.value.partition(":")[0] if point.dist is None else point.dist.name


def _loaded(point: EntryPoint) -> UserLayer:
    owner = f"package `{_package(point)}`"
    try:
        layer = point.load()
    except (Exception, SystemExit) as error:
        if isinstance(error, Fault):
            raise
        message = f"{owner} provides layer `{point.name}`, but can't be imported: {told(error)}"
        raise Fault(message, f"mend or uninstall the package; its entry point is `{point.value}`") from error
    if not isinstance(layer, UserLayer) or layer.name != point.name:
        what = repr(layer) if isinstance(layer, UserLayer) else f"`{point.value}`, which is no layer"
        help = "an entry point has the name of its layer, and leads to a function decorated with `smashdsl.layer`"
        raise Fault(f"{owner} provides, as layer `{point.name}`, {what}", help)
    layer.owner = owner
    return layer
