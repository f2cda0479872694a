"""The HyperNet: conditioning tensor in, weights out (Brock et al., 2017, section 3.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smashdsl.errors import UserError
from smashdsl.graph.build import GeneratedPiece, build
from smashdsl.space.layout import Tile

if TYPE_CHECKING:
    from smashdsl.api import Space

SLOPE = 0.02


@dataclass(frozen=True)
class HyperNetConfig:
    """Size of the HyperNet: channels each layer adds, layers of each dense block (defaults of the paper's code)."""

    growth: int = 10
    layers: tuple[int, ...] = (8, 10, 4)
    stem: int = 7


class NormalisedConv(nn.Module):
    """A convolution whose weight is divided by its norm over the whole tensor; `same` padding, no bias."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out, channels, kernel, kernel))
        nn.init.orthogonal_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight / torch.linalg.vector_norm(self.weight)
        # without the square root of the fan-out the signal would fade with every layer
        return F.conv2d(x, weight * math.sqrt(self.weight.shape[0]), padding=self.weight.shape[-1] // 2)


def trimmed(cond: Tensor) -> Tensor:
    """Return a conditioning tensor without the slices that are off behind its end, as a batch pads it with.

    A convolution over slices would carry values into them and back, so padding would change the weights.
    """
    on = cond.any(0).any(0).nonzero()
    return cond[:, :, : int(on.max()) + 1] if len(on) else cond[:, :, :0]


class HyperNet(nn.Module):
    """A fully convolutional DenseNet over (rows, slices), without pooling, norm or bias.

    Its input is the conditioning tensor and one channel of noise; its output holds a tile of weights for each row of
    each slice, of which those of the weight slices are used.
    """

    def __init__(self, space: Space, config: HyperNetConfig | None = None) -> None:
        super().__init__()
        config = config or HyperNetConfig()
        self.space = space
        self.config = config
        layout = space.layout
        if not layout.generated:
            raise UserError(
                f"space `{space.name}` has no layer with `weights = generated`",
                "there is nothing for a HyperNet to make: generate a weight, or train the shared ones alone",
            )
        self.tile: Tile = layout.tile
        self.weight_feature = layout.fields["weight"].start
        channels = config.stem + 1 + layout.features
        self.stem = NormalisedConv(1 + layout.features, config.stem, 3)
        self.blocks = nn.ModuleList()
        for i, depth in enumerate(config.layers):
            grown = [NormalisedConv(channels + k * config.growth, config.growth, 3) for k in range(depth)]
            channels += depth * config.growth
            layers = nn.ModuleList(grown)
            if i < len(config.layers) - 1:
                layers.append(NormalisedConv(channels, channels // 2, 3))
                channels //= 2
            self.blocks.append(layers)
        self.last = NormalisedConv(channels, self.tile.volume, 1)

    def forward(self, cond: Tensor, noise: Tensor | None = None) -> dict[str, Tensor]:
        """Return the generated weights of the architecture that a conditioning tensor encodes, by name.

        cond: (features, rows, slices) bool; noise: (rows, slices), zeros if None. Raises `UserError` for a tensor that
        is no encoding.
        """
        architecture = self.space.decode(cond)
        return self.generate(cond, build(architecture).pieces, noise)

    def generate(self, cond: Tensor, pieces: list[GeneratedPiece], noise: Tensor | None = None) -> dict[str, Tensor]:
        """Return the weights of ``pieces``, which stand in the weight slices of ``cond`` in program order."""
        device = self.last.weight.device
        cond = trimmed(cond)
        slices = cond[self.weight_feature].any(0).nonzero().flatten()
        cond = cond.to(device)
        z = cond.new_zeros(cond.shape[1:], dtype=torch.float32)
        if noise is not None:
            z = noise[:, : cond.shape[2]].to(device)
        tiles = self._tiles(torch.cat([z[None], cond.float()])[None])
        tiles = tiles.index_select(2, slices.to(device))
        weights, start = {}, 0
        for piece in pieces:
            count = -(-piece.shape[1] // self.tile.unit_in)
            weights[piece.name] = self._cut(tiles[:, :, start : start + count], piece.shape)
            start += count
        return weights

    def _tiles(self, x: Tensor) -> Tensor:
        """Return (volume, rows, slices) for an input (1, 1 + features, rows, slices)."""
        x = torch.cat([self.stem(x), x], 1)
        for i, block in enumerate(self.blocks):
            assert isinstance(block, nn.ModuleList)
            transition = i < len(self.blocks) - 1
            for layer in block[:-1] if transition else block:
                x = torch.cat([x, layer(F.leaky_relu(x, SLOPE))], 1)
            if transition:
                x = block[-1](F.leaky_relu(x, SLOPE))
        tiles: Tensor = self.last(F.leaky_relu(x, SLOPE))
        return tiles[0]

    def _cut(self, tiles: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Cut a weight of a shape (out, in, *kernel) out of its tiles (volume, rows, slices); kernels are centred."""
        tile = self.tile
        rows, slices = -(-shape[0] // tile.unit_out), tiles.shape[2]
        axes = len(tile.kernel)
        parts = tiles[:, :rows].reshape(tile.unit_out, tile.unit_in, *tile.kernel, rows, slices)
        parts = parts.permute(axes + 2, 0, axes + 3, 1, *range(2, axes + 2))
        whole = parts.reshape(rows * tile.unit_out, slices * tile.unit_in, *tile.kernel)[: shape[0], : shape[1]]
        kernel = (*shape[2:], *(1,) * (axes - len(shape) + 2))
        for axis, (size, largest) in enumerate(zip(kernel, tile.kernel, strict=True)):
            whole = whole.narrow(2 + axis, (largest - size) // 2, size)
        return whole.reshape(shape)
