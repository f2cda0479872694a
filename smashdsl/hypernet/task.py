"""A data set and a space brought together on a device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from smashdsl.data.batches import normalise, to_tensor, to_tokens
from smashdsl.data.source import Dataset, Split, holdout
from smashdsl.errors import UsageError, UserError
from smashdsl.lang.typed.ir import NEXT_TOKEN
from smashdsl.lang.typed.printer import input_text

if TYPE_CHECKING:
    from smashdsl.api import Space

Pair = tuple[Tensor, Tensor]


@dataclass
class Task:
    """Images x: (n, channels, *grid) and labels y: (n,) of each split, normalised, whole on the device.

    Tokens are x: (n, length), and y may have one label at each position, (n, length). ``validation`` is held out of the
    training images and is what a search sees; ``test`` is read once, at the end.
    """

    data: Dataset
    device: torch.device
    scale: Pair | None  # mean and standard deviation of each channel of the training images, (channels,); not of tokens
    train: Pair
    validation: Pair
    test: Pair


def whole_training_set(task: Task) -> Pair:
    """Return all training images, those held out for the search among them, in the order of the data."""
    return _placed(task.data.train, task.scale, task.device)


def _placed(split: Split, scale: Pair | None, device: torch.device) -> Pair:
    return to_tokens(split, device) if scale is None else to_tensor(split, *scale, device)


def channels_last(x: Tensor) -> Tensor:
    """Return images laid out with channels last, which convolutions of few channels and many groups run fastest on.

    x: (n, channels, *grid) of two or three axes; others are returned as they are.
    """
    if x.dim() not in {4, 5}:
        return x
    layout = torch.channels_last if x.dim() == 4 else torch.channels_last_3d
    # copied rather than asked for: an image of one channel counts as both layouts, and would keep its strides
    return torch.empty_like(x, memory_format=layout).copy_(x)


def choose_device(name: str = "auto") -> torch.device:
    """Return a device by name; "auto" is the GPU when there is one. Raises `UsageError` for one that is not there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UsageError(f"there is no device `{name}` here", "use `cpu`, `cuda` or `auto`") from None
    return device


def make_task(space: Space, data: Dataset, device: torch.device, validation: float = 0.1, seed: int = 0) -> Task:
    """Bring data to a device for a space.

    Raises `UserError` that shows both shapes when the data does not fit the space.
    """
    check_fit(space, data)
    train, held = holdout(data, validation, seed)
    scale = None if data.train.tokens else normalise(data)
    parts = [_placed(split, scale, device) for split in (train, held, data.test)]
    return Task(data, device, scale, *parts)


def check_batch(task: Task, batch_size: int) -> None:
    """Raise `UserError` for a batch that is larger than the training set."""
    images = len(task.train[1])
    if batch_size > images:
        raise UserError(
            f"a batch of {batch_size:,} is larger than the {images:,} training images", "lower the batch size"
        )


@contextmanager
def explained() -> Iterator[None]:
    """Say what to do where torch refuses to take statistics of a single value."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise UserError(
            "batch norm met a batch with a single value in each channel", "use batches of more than one image"
        ) from None


def input_shape(space: Space) -> tuple[int, ...]:
    """Return what a space takes, (channels, *grid), or of tokens (length,)."""
    source = space.compiled.space.input
    return source.grid if source.kind == "tokens" else (source.channels, *source.grid)


def check_fit(space: Space, data: Dataset) -> None:
    """Raise `UserError` unless data has the shape and the number of classes that a space declares."""
    source, output = space.compiled.space.input, space.compiled.space.output
    if source.kind == "tokens" or data.train.tokens:
        _check_tokens(space, data)
        return
    wanted, found = input_shape(space), tuple(data.train.images.shape[1:])
    if wanted != found:
        shape = _listed(found)
        raise UserError(
            f"space `{space.name}` takes `{source.kind}[{_listed(wanted)}]`, but data `{data.name}` holds [{shape}]",
            f"write `input {source.kind}[{shape}]` in the spec, or choose other data",
        )
    if output.size != data.classes:
        raise UserError(
            f"space `{space.name}` tells {output.size} classes apart, but data `{data.name}` has {data.classes}",
            f"write `output {output.name}({data.classes})` in the spec, or choose other data",
        )


def _check_tokens(space: Space, data: Dataset) -> None:
    source, output = space.compiled.space.input, space.compiled.space.output
    length = data.train.images.shape[1]
    most = 1 + int(max(data.train.images.max(), data.test.images.max())) if data.train.tokens else 0
    if not data.train.tokens or source.kind != "tokens" or length != source.grid[0] or most > source.channels:
        wanted = f"takes `{input_text(source)}`"
        holds = f"tokens[{length}] of {most}" if data.train.tokens else f"[{_listed(data.train.images.shape[1:])}]"
        help = f"write `input {holds}` in the spec, or choose other data"
        if not data.train.tokens:
            help = "tokens are whole numbers (n, length) of a type such as int64, or a text: `--data text:FILE`"
        raise UserError(f"space `{space.name}` {wanted}, but data `{data.name}` holds {holds}", help)
    by_position = data.train.labels.ndim > 1
    if by_position != (output.name == NEXT_TOKEN):
        what = "a label at each position" if by_position else "one label for each sequence"
        help = (
            f"write `output {NEXT_TOKEN}({source.channels})`"
            if by_position
            else f"write `output classes({data.classes})`"
        )
        raise UserError(f"data `{data.name}` has {what}, which is not what `{output.name}` tells", help)
    if data.classes > output.size or (not by_position and data.classes < output.size):
        message = f"space `{space.name}` tells {output.size} classes apart, but data `{data.name}` has {data.classes}"
        raise UserError(message, f"write `output {output.name}({data.classes})` in the spec, or choose other data")


def _listed(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes))
