"""Networks written by hand in torch, given the same weights."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import smashdsl
from smashdsl.graph.build import build
from smashdsl.graph.execute import Program
from tests.graph.test_against_oracle import close
from tests.handmade import example

RESNET = """smash 1
space resnet8 {
  input image[3, 16, 16]
  output classes(10)
  stem { conv(3x3, 8); norm; relu }
  op basic {
    read last
    conv(3x3); norm; relu; conv(3x3); norm
    write last by add
  }
  block stage[i in 0..2] {
    banks 1 of channels
    ops 1 of basic
    transition { residual_downsample(2 * channels) }
  }
  head { relu; global_avg_pool; linear(classes) }
}
"""


def batch_norm(module: nn.BatchNorm2d) -> dict[str, Tensor]:
    return {"scale": module.weight, "shift": module.bias}


class Basic(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.norm = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm[0](self.conv[0](x)))
        y = self.norm[1](self.conv[1](y))
        return x + y


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        out = 2 * channels
        first = nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False)
        second = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.conv = nn.ModuleList([first, second, nn.Conv2d(channels, out, 1, bias=False)])
        self.norm = nn.ModuleList(nn.BatchNorm2d(out) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm[0](self.conv[0](F.relu(x)))
        y = self.norm[1](self.conv[1](F.relu(y)))
        return y + self.conv[2](F.avg_pool2d(x, 2, 2))


def weights_of(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Return a part's weights as a spec names them: `conv[0]` where there are several, batch norm's scale and shift."""
    found = {}
    for name, parameter in module.named_parameters():
        kind, index, tensor = name.split(".")
        if kind == "norm":
            tensor = {"weight": "scale", "bias": "shift"}[tensor]
        found[f"{prefix}.{kind}[{index}].{tensor}"] = parameter
    return found


def randomised(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return module


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.basic = nn.ModuleList(Basic(c) for c in (8, 16, 32))
        self.down = nn.ModuleList(Downsample(c) for c in (8, 16))
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.basic[0](F.relu(self.norm(self.stem(x))))
        x = self.basic[1](self.down[0](x))
        x = self.basic[2](self.down[1](x))
        y: Tensor = self.head(F.relu(x).mean((2, 3)))
        return y

    def weights(self) -> dict[str, Tensor]:
        found = {"stem.conv.weight": self.stem.weight, "head.linear.weight": self.head.weight}
        found |= {"head.linear.bias": self.head.bias, "stem.norm.scale": self.norm.weight}
        found |= {"stem.norm.shift": self.norm.bias}
        for i, part in enumerate(self.basic):
            found |= weights_of(part, f"stage[{i}].op[0]")
        for i, part in enumerate(self.down):
            found |= weights_of(part, f"stage[{i}].transition.residual_downsample")
        return found


def test_a_residual_network_is_the_one_written_by_hand() -> None:
    torch.manual_seed(0)
    of = smashdsl.loads(RESNET)
    assert of.count() == 1
    module = randomised(ResNet()).double()
    network = build(of.sample(seed=0))
    x = torch.randn(3, 3, 16, 16, dtype=torch.float64)
    close(Program(network.graph)(x, module.weights()), module(x), 1e-9)
    assert set(network.weights) == set(module.weights())
    assert of.costs(of.sample(seed=0)).params[0] == sum(p.numel() for p in module.parameters())


class Cell(nn.Module):
    """NAS-Bench-201's cell: node j adds up an operation on every earlier node."""

    def __init__(self, channels: int, operations: list[int]) -> None:
        super().__init__()
        self.operations = operations
        sizes = {2: 1, 3: 3}
        self.edges = nn.ModuleList(
            nn.Sequential(
                nn.ReLU(), nn.Conv2d(channels, channels, k, padding=k // 2, bias=False), nn.BatchNorm2d(channels)
            )
            if (k := sizes.get(operation))
            else nn.Identity()
            for operation in operations
        )

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        edge = 0
        for j in (1, 2, 3):
            total = torch.zeros_like(x)
            for i in range(j):
                total = total + self.edge(edge, nodes[i])
                edge += 1
            nodes.append(total)
        return nodes[3]

    def edge(self, number: int, x: Tensor) -> Tensor:
        operation = self.operations[number]
        if operation == 0:
            return torch.zeros_like(x)
        if operation == 4:
            return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        y: Tensor = self.edges[number](x)
        return y

    def weights(self, prefix: str) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for number, operation in enumerate(self.operations):
            if operation in {2, 3}:
                # the two convolutions of an op are siblings, whichever is taken
                path, index = f"{prefix}.op[{number}]", operation - 2
                edge = self.edges[number]
                found[f"{path}.conv[{index}].weight"] = edge[1].weight
                found |= {f"{path}.norm[{index}].{k}": v for k, v in batch_norm(edge[2]).items()}
        return found


class NasBench201(nn.Module):
    def __init__(self, operations: list[int]) -> None:
        super().__init__()
        self.stem, self.stem_norm = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.cells = nn.ModuleList(Cell(c, operations) for c in (16, 32, 64) for _ in range(5))
        self.down = nn.ModuleList(Downsample(c) for c in (16, 32))
        self.norm, self.head = nn.BatchNorm2d(64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem_norm(self.stem(x))
        for i, cell in enumerate(self.cells):
            if i in {5, 10}:
                x = self.down[i // 5 - 1](x)
            x = cell(x)
        y: Tensor = self.head(F.relu(self.norm(x)).mean((2, 3)))
        return y

    def weights(self) -> dict[str, Tensor]:
        found = {"stem.conv.weight": self.stem.weight, "head.linear.weight": self.head.weight}
        found["head.linear.bias"] = self.head.bias
        for path, norm in (("stem.norm", self.stem_norm), ("head.norm", self.norm)):
            found |= {f"{path}.{k}": v for k, v in batch_norm(norm).items()}
        for i, cell in enumerate(self.cells):
            found |= cell.weights(f"body.repeat[{i // 5}][{i % 5}].edges")
        for i, part in enumerate(self.down):
            found |= weights_of(part, f"body.residual_downsample[{i}]")
        return found


def test_a_cell_of_nas_bench_201_is_the_one_written_by_hand() -> None:
    torch.manual_seed(0)
    of = example("nas_bench_201")
    operations = [3, 2, 1, 4, 3, 0]
    decisions = {f"edges.op[{i}].choose": operation for i, operation in enumerate(operations)}
    architecture = of.from_json({"format": 1, "decisions": decisions})
    module = randomised(NasBench201(operations)).double()
    network = build(architecture)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    close(Program(network.graph)(x, module.weights()), module(x), 1e-8)
    assert set(network.weights) == set(module.weights())
    assert of.costs(architecture).params[0] == sum(p.numel() for p in module.parameters())
