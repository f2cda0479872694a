"""Fixed networks of the gallery: one member each, as many parameters as published, and the outputs of the original.

That ResNet, DenseNet and FractalNet are patterns of reads and writes on memory banks is a claim of Brock et al. (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from torch import nn

import smashdsl
from tests.gallery import networks
from tests.gallery.sameness import Names, assert_same

ENDS = {"stem.conv": "conv", "stem.norm": "bn", "head.norm": "bn", "head.linear": "fc"}


def numbered(path: str, other: str, convs: int = 2, norms: int = 2) -> dict[str, str]:
    """Map `conv[0]`, `conv[1]` … of a path to `conv1`, `conv2` … of a part, and norms to `bn1`, `bn2` …"""
    return {f"{path}.conv[{i}]": f"{other}.conv{i + 1}" for i in range(convs)} | {
        f"{path}.norm[{i}]": f"{other}.bn{i + 1}" for i in range(norms)
    }


def resnet20() -> Names:
    names = {path: ENDS[path] for path in ("stem.conv", "stem.norm", "head.linear")}
    for stage in range(3):
        paths = [f"body.repeat[{stage}][{i}].residual.op[0]" for i in range(2 if stage else 3)]
        if stage:
            paths.insert(0, f"body.halve[{stage - 1}]")
        for i, path in enumerate(paths):
            names |= numbered(path, f"stages.{stage}.{i}")
    return names


def wrn_40_4() -> Names:
    names = {path: ENDS[path] for path in ("stem.conv", "head.norm", "head.linear")}
    for group in range(3):
        first = f"stage[{group - 1}].transition.widen" if group else "stem.widen"
        names[f"{first}.conv[2]"] = f"groups.{group}.0.shortcut"
        for i, path in enumerate([first] + [f"stage[{group}].op[{i}]" for i in range(5)]):
            names |= numbered(path, f"groups.{group}.{i}")
    return names


def densenet_bc() -> Names:
    names = {path: ENDS[path] for path in ("stem.conv", "head.linear")} | {"head.norm": "bns.2"}
    for block in range(3):
        for i in range(16):
            names |= numbered(f"dense[{block}].op[{i}]", f"blocks.{block}.{i}")
    for block in range(2):
        names |= {f"dense[{block}].transition.norm": f"bns.{block}"}
        names |= {f"dense[{block}].transition.conv": f"convs.{block}"}
    return names


# units after the first of a column, by path, and as column and number
LATER = {"op[0].unit": "2.1", "op[2].unit[0]": "2.2", "op[2].unit[1]": "2.3", "op[3].unit": "1.1"}


def fractalnet(later: Mapping[str, str] = LATER) -> Names:
    names: dict[str, str | tuple[str, ...]] = {"head.linear": "fc"}
    for block in range(5):
        columns = f"blocks.{block}.columns"
        # the first units of the three columns are one unit, three times as wide
        first = f"fractal[{block - 1}].transition.unit" if block else "stem.unit"
        for layer, place in (("conv", 0), ("norm", 1)):
            names[f"{first}.{layer}"] = tuple(f"{columns}.{column}.0.{place}" for column in range(3))
            for path, unit in later.items():
                names[f"fractal[{block}].{path}.{layer}"] = f"{columns}.{unit}.{place}"
    return names


# parameters, exactly, and as the paper prints them; FractalNet's table says 38.6 M, which the layers that its text
# states do not add up to: 9 * (3ab + 4bb) weights for a block from a to b channels, which is 33.7 M with norms
NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Names], int, str]] = {
    "resnet20": (networks.ResNet, resnet20, 269_722, "0.27"),
    "wrn_40_4": (networks.WideResNet, wrn_40_4, 8_949_210, "8.9"),
    "densenet_bc": (networks.DenseNetBC, densenet_bc, 769_162, "0.8"),
    "fractalnet": (lambda: networks.FractalNet((64, 128, 256, 512, 512)), fractalnet, 33_724_618, "33.7"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_it_is_the_network_written_by_hand(name: str) -> None:
    space = smashdsl.load(f"examples/{name}.smash")
    assert space.count() == 1
    make, names, parameters, published = NETWORKS[name]
    assert assert_same(space.sample(seed=0), make(), names()) == parameters
    digits = len(published.partition(".")[2])
    assert f"{parameters / 1e6:.{digits}f}" == published


def test_another_depth_and_width_is_another_network_written_by_hand() -> None:
    space = smashdsl.load("examples/fractalnet.smash", params={"width": 4})
    assert_same(space.sample(seed=0), networks.FractalNet((4, 8, 16, 32, 32)), fractalnet())


MEANS = """op { read 2; unit; write 1 by mean }
    op { read 1; unit; unit; write 0 by mean }
    op { read 1; unit; write 0 by mean }
"""


def test_joins_may_as_well_be_written_as_read() -> None:
    # what enters a bank is its first write, so bank 0 ends as the mean of all three columns
    text = Path("examples/fractalnet.smash").read_text(encoding="utf-8")
    before, _, rest = text.partition("op { read 2;")
    space = smashdsl.loads(before + MEANS + "    yield 0" + rest.partition("yield 0")[2], params={"width": 4})
    later = {"op[0].unit": "2.1", "op[1].unit[0]": "2.2", "op[1].unit[1]": "2.3", "op[2].unit": "1.1"}
    assert_same(space.sample(seed=0), networks.FractalNet((4, 8, 16, 32, 32)), fractalnet(later))


def test_swapped_weights_are_noticed() -> None:
    space = smashdsl.load("examples/fractalnet.smash", params={"width": 4})
    names = dict(fractalnet())
    one, other = "fractal[1].op[2].unit[0].conv", "fractal[1].op[2].unit[1].conv"
    names[one], names[other] = names[other], names[one]
    with pytest.raises(AssertionError, match="not close"):
        assert_same(space.sample(seed=0), networks.FractalNet((4, 8, 16, 32, 32)), names)
