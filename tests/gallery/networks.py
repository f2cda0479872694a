"""Known networks, written by hand as plain modules: nothing here comes from the project.

Each follows its paper; the names of its parts are its own.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# the two edges of a node: the result each reads, and the name of its operation
Edges = list[tuple[int, str]]


def conv(c_in: int, c_out: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)


class ResidualUnit(nn.Module):
    """He et al. (2016), figure 2, with the shortcut of option A where the grid is halved."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(c_in, c_out, stride=stride), nn.BatchNorm2d(c_out)
        self.conv2, self.bn2 = conv(c_out, c_out), nn.BatchNorm2d(c_out)
        self.stride, self.new = stride, c_out - c_in

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        shortcut = x[:, :, :: self.stride, :: self.stride]
        zeros = x.new_zeros(len(x), self.new, *shortcut.shape[2:])
        return F.relu(torch.cat([shortcut, zeros], 1) + y)


class ResNet(nn.Module):
    """The 6n + 2 layers of He et al. (2016), section 4.2."""

    def __init__(self, n: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.conv, self.bn = conv(3, 16), nn.BatchNorm2d(16)
        self.stages = nn.ModuleList()
        for c_in, c, stride in ((16, 16, 1), (16, 32, 2), (32, 64, 2)):
            units = [ResidualUnit(c_in if i == 0 else c, c, stride if i == 0 else 1) for i in range(n)]
            self.stages.append(nn.Sequential(*units))
        self.fc = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)))
        for stage in self.stages:
            x = stage(x)
        y: Tensor = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return y


class WideUnit(nn.Module):
    """Zagoruyko and Komodakis (2016): activations first, and a shortcut of the activated input where it widens."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(c_in), conv(c_in, c_out, stride=stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(c_out), conv(c_out, c_out)
        self.shortcut = conv(c_in, c_out, 1, stride) if c_in != c_out else None

    def forward(self, x: Tensor) -> Tensor:
        activated = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(activated))))
        y += x if self.shortcut is None else self.shortcut(activated)
        return y


class WideResNet(nn.Module):
    """WRN-depth-k."""

    def __init__(self, depth: int = 40, k: int = 4, classes: int = 10) -> None:
        super().__init__()
        units = (depth - 4) // 6
        self.conv = conv(3, 16)
        widths = (16, 16 * k, 32 * k, 64 * k)
        self.groups = nn.ModuleList(
            nn.ModuleList(
                WideUnit(widths[g] if i == 0 else widths[g + 1], widths[g + 1], 2 if g and i == 0 else 1)
                for i in range(units)
            )
            for g in range(3)
        )
        self.bn, self.fc = nn.BatchNorm2d(widths[3]), nn.Linear(widths[3], classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        for group in self.groups:
            for unit in group:
                x = unit(x)
        y: Tensor = self.fc(F.relu(self.bn(x)).mean((2, 3)))
        return y


class DenseLayer(nn.Module):
    def __init__(self, c_in: int, k: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(c_in), conv(c_in, 4 * k, 1)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * k), conv(4 * k, k)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x))))))
        return torch.cat([x, y], 1)


class DenseNetBC(nn.Module):
    """Huang et al. (2017): bottlenecks, and transitions that keep half of the channels."""

    def __init__(self, depth: int = 100, k: int = 12, classes: int = 10) -> None:
        super().__init__()
        layers = (depth - 4) // 6
        c = 2 * k
        self.conv = conv(3, c)
        self.blocks, self.bns, self.convs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for block in range(3):
            self.blocks.append(nn.Sequential(*(DenseLayer(c + i * k, k) for i in range(layers))))
            c += layers * k
            self.bns.append(nn.BatchNorm2d(c))
            if block < 2:
                self.convs.append(conv(c, c // 2, 1))
                c //= 2
        self.fc = nn.Linear(c, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        for i, block in enumerate(self.blocks):
            x = F.relu(self.bns[i](block(x)))
            if i < 2:
                x = F.avg_pool2d(self.convs[i](x), 2)
        y: Tensor = self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))
        return y


class FractalBlock(nn.Module):
    """Larsson et al. (2017), figure 1: column j has 2^j units; those that end together are joined by their mean."""

    def __init__(self, c_in: int, c: int, columns: int) -> None:
        super().__init__()
        self.deepest = 2 ** (columns - 1)
        self.columns = nn.ModuleList(
            nn.ModuleList(
                nn.Sequential(conv(c_in if i == 0 else c, c), nn.BatchNorm2d(c), nn.ReLU()) for i in range(2**j)
            )
            for j in range(columns)
        )

    def forward(self, x: Tensor) -> Tensor:
        states = [x] * len(self.columns)
        for row in range(1, self.deepest + 1):
            ending = []
            for j, column in enumerate(self.columns):
                length = self.deepest // 2**j  # rows that one unit of this column spans
                if row % length == 0:
                    states[j] = column[row // length - 1](states[j])
                    ending.append(j)
            join = torch.stack([states[j] for j in ending]).mean(0)
            for j in ending:
                states[j] = join
        return states[0]


class FractalNet(nn.Module):
    def __init__(self, widths: tuple[int, ...], columns: int = 3, classes: int = 10) -> None:
        super().__init__()
        entering = (3, *widths[:-1])
        self.blocks = nn.ModuleList(FractalBlock(a, b, columns) for a, b in zip(entering, widths, strict=True))
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = F.max_pool2d(block(x), 2)
        y: Tensor = self.fc(x.flatten(1))
        return y


class Bottleneck(nn.Module):
    """The inverted bottleneck of MobileNetV3 (Howard et al., 2019), figure 4."""

    def __init__(self, c_in: int, c: int, kernel: int, expand: int, stride: int, squeeze: bool, swish: bool) -> None:
        super().__init__()
        wide = c_in * expand
        self.expand, self.bn1 = conv(c_in, wide, 1), nn.BatchNorm2d(wide)
        self.depthwise, self.bn2 = conv(wide, wide, kernel, stride, groups=wide), nn.BatchNorm2d(wide)
        self.squeeze = nn.Conv2d(wide, wide // 4, 1) if squeeze else None
        self.excite = nn.Conv2d(wide // 4, wide, 1) if squeeze else None
        self.project, self.bn3 = conv(wide, c, 1), nn.BatchNorm2d(c)
        self.act = nn.Hardswish() if swish else nn.ReLU()
        self.residual = stride == 1 and c_in == c

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.expand(x)))
        y = self.act(self.bn2(self.depthwise(y)))
        if self.squeeze is not None and self.excite is not None:
            scale = F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)))
            y = y * F.hardsigmoid(self.excite(scale))
        y = self.bn3(self.project(y))
        return x + y if self.residual else y


class MobileNetV3(nn.Module):
    """A member of the once-for-all space: for each unit, kernel and expansion of each of its bottlenecks."""

    UNITS = ((24, 2, False, False), (40, 2, True, False), (80, 2, False, True), (112, 1, True, True))
    UNITS = (*UNITS, (160, 2, True, True))  # channels, stride, squeeze and excitation, hard swish

    def __init__(self, units: list[list[tuple[int, int]]], classes: int = 1000) -> None:
        super().__init__()
        self.conv, self.bn = conv(3, 16, stride=2), nn.BatchNorm2d(16)
        self.depthwise, self.bn1 = conv(16, 16, groups=16), nn.BatchNorm2d(16)
        self.project, self.bn2 = conv(16, 16, 1), nn.BatchNorm2d(16)
        self.units = nn.ModuleList()
        before = 16
        for (c, stride, squeeze, swish), blocks in zip(self.UNITS, units, strict=True):
            unit = nn.ModuleList()
            for i, (kernel, expand) in enumerate(blocks):
                unit.append(Bottleneck(before, c, kernel, expand, stride if i == 0 else 1, squeeze, swish))
                before = c
            self.units.append(unit)
        self.last, self.bn3 = conv(160, 960, 1), nn.BatchNorm2d(960)
        self.mix = nn.Linear(960, 1280, bias=False)
        self.fc = nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.hardswish(self.bn(self.conv(x)))
        x = x + self.bn2(self.project(F.relu(self.bn1(self.depthwise(x)))))
        for unit in self.units:
            for block in unit:
                x = block(x)
        x = F.hardswish(self.bn3(self.last(x))).mean((2, 3))
        y: Tensor = self.fc(F.hardswish(self.mix(x)))
        return y


class GraphCell(nn.Module):
    """A cell in the manner of NAS-Bench-101: nodes (what they read, operation), and what the output reads.

    Result 0 is what enters, and each reader projects it anew.
    """

    def __init__(self, c: int, nodes: list[tuple[list[int], int]], output: list[int]) -> None:
        super().__init__()
        self.readers = [*(reads for reads, _ in nodes), output]
        self.operations = [op for _, op in nodes]
        self.projections = nn.ModuleList(
            nn.Sequential(conv(c, c, 1), nn.BatchNorm2d(c), nn.ReLU()) if 0 in reads else nn.Identity()
            for reads in self.readers
        )
        self.convs = nn.ModuleList(conv(c, c, 3 if op == 1 else 1) if op < 2 else nn.Identity() for _, op in nodes)
        self.bns = nn.ModuleList(nn.BatchNorm2d(c) if op < 2 else nn.Identity() for _, op in nodes)
        self.live = set(output)  # a node that leads nowhere is not computed
        for j in range(len(nodes), 0, -1):
            self.live |= set(nodes[j - 1][0]) if j in self.live else set()

    def read(self, reader: int, results: list[Tensor]) -> Tensor:
        parts = [results[j] if j else self.projections[reader](results[0]) for j in self.readers[reader]]
        return torch.stack(parts).sum(0)

    def forward(self, x: Tensor) -> Tensor:
        results = [x]
        for i, operation in enumerate(self.operations):
            if i + 1 not in self.live:
                results.append(torch.full_like(x, torch.nan))
                continue
            y = self.read(i, results)
            y = F.max_pool2d(y, 3, 1, 1) if operation == 2 else F.relu(self.bns[i](self.convs[i](y)))
            results.append(y)
        return self.read(len(self.operations), results)


class GraphNet(nn.Module):
    """Three stacks of three equal cells; between stacks the grid is halved and the channels double."""

    def __init__(self, c: int, nodes: list[tuple[list[int], int]], output: list[int]) -> None:
        super().__init__()
        self.conv, self.bn = conv(3, c), nn.BatchNorm2d(c)
        self.stacks = nn.ModuleList(
            nn.Sequential(*(GraphCell(width, nodes, output) for _ in range(3))) for width in (c, 2 * c, 4 * c)
        )
        self.wider = nn.ModuleList(
            nn.Sequential(conv(w, 2 * w, 1), nn.BatchNorm2d(2 * w), nn.ReLU()) for w in (c, 2 * c)
        )
        self.fc = nn.Linear(4 * c, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn(self.conv(x)))
        for i, stack in enumerate(self.stacks):
            x = stack(self.wider[i - 1](F.max_pool2d(x, 2)) if i else x)
        y: Tensor = self.fc(x.mean((2, 3)))
        return y


DARTS_OPERATIONS = ("max_pool", "avg_pool", "skip", "sep_3", "sep_5", "dil_3", "dil_5")


def darts_operation(name: str, c: int, stride: int) -> nn.Module:
    """Return an operation of DARTS as its derived networks hold it: pools have no norm."""
    kind, _, size = name.partition("_")
    if name == "max_pool":
        return nn.MaxPool2d(3, stride, 1)
    if name == "avg_pool":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    if name == "skip":
        return nn.Identity() if stride == 1 else nn.Sequential(nn.ReLU(), conv(c, c, 1, 2), nn.BatchNorm2d(c))
    k = int(size)
    if kind == "dil":
        first = nn.Conv2d(c, c, k, stride, k - 1, dilation=2, groups=c, bias=False)
        return nn.Sequential(nn.ReLU(), first, conv(c, c, 1), nn.BatchNorm2d(c))
    half = [[nn.ReLU(), conv(c, c, k, s, c), conv(c, c, 1), nn.BatchNorm2d(c)] for s in (stride, 1)]
    return nn.Sequential(*half[0], *half[1])


class DartsCell(nn.Module):
    """A cell of DARTS (Liu et al., 2019): each node adds two edges, (result read, operation); four nodes leave."""

    def __init__(self, entering: tuple[int, int], shrink: int, c: int, nodes: list[Edges], reduction: bool) -> None:
        super().__init__()
        strides = (shrink, 1)
        self.entries = nn.ModuleList(
            nn.Sequential(nn.ReLU(), conv(before, c, 1, stride), nn.BatchNorm2d(c))
            for before, stride in zip(entering, strides, strict=True)
        )
        self.nodes = nodes
        self.edges = nn.ModuleList(
            nn.ModuleList(darts_operation(name, c, 2 if reduction and source < 2 else 1) for source, name in node)
            for node in nodes
        )

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        results = [self.entries[0](before), self.entries[1](last)]
        for node, edges in zip(self.nodes, self.edges, strict=True):
            (first, _), (second, _) = node
            results.append(edges[0](results[first]) + edges[1](results[second]))
        return torch.cat(results[2:], 1)


class Darts(nn.Module):
    """Normal cells, with a reduction cell after a third and two thirds of them; no auxiliary head, no drop-path.

    Where DARTS brings a result to half its grid by two 1x1 convolutions, one of them a pixel off, stands one.
    """

    def __init__(self, c: int, depth: int, normal: list[Edges], reduction: list[Edges]) -> None:
        super().__init__()
        self.conv, self.bn = conv(3, 3 * c), nn.BatchNorm2d(3 * c)
        self.cells = nn.ModuleList()
        entering, shrink = (3 * c, 3 * c), 1
        for third in range(3):
            for i in range(depth + (third < 2)):
                reduces = i == depth
                width = c * 2 ** (third + reduces)
                cell = DartsCell(entering, shrink, width, reduction if reduces else normal, reduces)
                self.cells.append(cell)
                entering, shrink = (entering[1], 4 * width), 2 if reduces else 1
        self.fc = nn.Linear(16 * c, 10)

    def forward(self, x: Tensor) -> Tensor:
        before = last = self.bn(self.conv(x))
        for cell in self.cells:
            before, last = last, cell(before, last)
        y: Tensor = self.fc(F.adaptive_avg_pool2d(last, 1).flatten(1))
        return y
