"""From splits in memory to batches on a device: normalised, shuffled, augmented, and the same on every run."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from smashdsl.data.source import Dataset, Split
from smashdsl.errors import UserError

Augment = Literal["none", "flip", "shift", "flip+shift"]

# A shift moves an image by up to one part in eight of its size: 4 places of 32.
_SHIFT_PARTS = 8
_CHUNK = 2048
# Each use of the seed draws from its own stream.
_ORDER, _AUGMENT = 0, 1


def normalise(data: Dataset | Split) -> tuple[Tensor, Tensor]:
    """Measure the mean and standard deviation of each channel.

    Returns two float32 tensors (channels,) on the CPU. A dataset is measured on its training split. Pixels of uint8
    are taken as 0 to 1, floats as they are. A channel that never varies gets the deviation 1.
    """
    images = (data.train if isinstance(data, Dataset) else data).images
    axes = (0, *range(2, images.ndim))
    mean = images.mean(axis=axes, dtype=np.float64)
    centre = mean.reshape(-1, *(1,) * (images.ndim - 2))
    # In chunks, because the differences are eight times the size of the bytes they come from.
    chunks = (images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK))
    squares = sum(np.square(chunk - centre).sum(axis=axes) for chunk in chunks)
    std = np.sqrt(squares / (images.size / images.shape[1]))
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    std = np.where(std > 0.0, std / scale, 1.0)
    return torch.tensor(mean / scale, dtype=torch.float32), torch.tensor(std, dtype=torch.float32)


def to_tokens(split: Split, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Place sequences of tokens on a device: (n, length) and their labels, (n,) or (n, length), both int64."""
    return torch.tensor(split.images, device=device).long(), torch.tensor(split.labels, device=device)


def to_tensor(split: Split, mean: Tensor, std: Tensor, device: torch.device | str) -> tuple[Tensor, Tensor]:
    """Place a whole split on a device.

    Returns images (n, channels, *grid), float32, less ``mean`` (channels,) and over ``std`` (channels,), and labels
    (n,), int64. Raises UserError when the images have another number of channels.
    """
    channels = split.images.shape[1]
    if mean.shape != (channels,) or std.shape != (channels,):
        raise UserError(f"images of {channels} channels meet a normalisation for {mean.numel()}")
    # Bytes travel to the device as bytes and become floats there.
    images = torch.tensor(split.images, device=device).to(torch.float32)
    if split.images.dtype == np.uint8:
        images.div_(255.0)
    per_channel = (-1, *(1,) * (images.ndim - 2))
    images.sub_(mean.to(images.device).view(per_channel)).div_(std.to(images.device).view(per_channel))
    return images, torch.tensor(split.labels, device=device)


class Batches:
    """Serve an endless stream of batches in which each step is a pure function of the seed and the step.

    ``images`` is (n, channels, *grid), or tokens (n, length), and ``labels`` (n,), or at each position (n, length), on
    one device, where the batches stay. The stream is one
    shuffle of the n examples after another, cut into batches of ``batch_size``; a batch may span two shuffles, so
    all have the same size and none of the examples is left out. A run resumes by asking for its next step.

    The order of the examples is the same on every device; the augmentation's draws are those of the device's kind.
    A flip mirrors the last axis, with even odds; a shift moves every axis of the grid by up to an eighth of its size
    and fills in with the border's values, so it needs no value for black. Raises UserError for unfit arguments.
    """

    def __init__(
        self, images: Tensor, labels: Tensor, batch_size: int, seed: int = 0, augment: Augment = "none"
    ) -> None:
        if len(images) == 0 or len(images) != len(labels):
            raise UserError(f"{len(images)} images and {len(labels)} labels make no batches")
        if batch_size < 1:
            raise UserError(f"the batch size {batch_size} is not at least 1")
        if seed < 0:
            raise UserError(f"the seed {seed} is negative")
        if augment not in get_args(Augment):
            raise UserError(f"unknown augmentation '{augment}'", f"the choices are {', '.join(get_args(Augment))}")
        if augment != "none" and images.dim() < 3:
            raise UserError(f"data without a grid can't be augmented by '{augment}'", "the augmentation is 'none' then")
        self.images, self.labels = images, labels
        self.batch_size, self.seed, self.augment = batch_size, seed, augment
        # A batch rarely spans more than two shuffles, and steps mostly come in order.
        self._order = lru_cache(maxsize=2)(self._shuffle)

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Serve the batch of one step, counted from 0.

        Returns images (batch_size, channels, *grid) and labels (batch_size,). Raises UserError for a negative step.
        """
        if step < 0:
            raise UserError(f"the step {step} is negative")
        chosen = self._indices(step * self.batch_size, (step + 1) * self.batch_size)
        images = self.images.index_select(0, chosen)
        if self.augment != "none":
            generator = torch.Generator(images.device).manual_seed(_mix(self.seed, _AUGMENT, step))
            images = _move(images, "flip" in self.augment, "shift" in self.augment, generator)
        return images, self.labels.index_select(0, chosen)

    def _indices(self, start: int, stop: int) -> Tensor:
        n, parts = len(self.labels), []
        while start < stop:
            epoch, offset = divmod(start, n)
            part = self._order(epoch)[offset : offset + stop - start]
            parts.append(part)
            start += len(part)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _shuffle(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(_mix(self.seed, _ORDER, epoch))
        return torch.randperm(len(self.labels), generator=generator).to(self.labels.device)


def _mix(seed: int, stream: int, counter: int) -> int:
    return int(np.random.SeedSequence((seed, stream, counter)).generate_state(1, np.uint64)[0])


def _move(images: Tensor, flip: bool, shift: bool, generator: torch.Generator) -> Tensor:
    """Flip and shift each image by draws of its own, as one gather over the flattened grid."""
    batch, channels, *grid = images.shape
    device = images.device

    def draw(count: int) -> Tensor:
        return torch.randint(count, (batch, 1), generator=generator, device=device)

    places = torch.zeros((batch, 1), dtype=torch.int64, device=device)
    for axis, size in enumerate(grid):
        along = torch.arange(size, device=device).expand(batch, size)
        if shift:
            reach = size // _SHIFT_PARTS
            along = (along + draw(2 * reach + 1) - reach).clamp(0, size - 1)
        if flip and axis == len(grid) - 1:
            along = torch.where(draw(2) == 1, size - 1 - along, along)
        places = (places[:, :, None] * size + along[:, None, :]).flatten(1)
    return images.flatten(2).gather(2, places[:, None, :].expand(-1, channels, -1)).view_as(images)
