"""The functions that graphs call beside those of torch; pure, module-level, without state."""

from __future__ import annotations

import torch
from torch import Tensor


def unit(w: Tensor) -> Tensor:
    """Divide a generated weight by its Euclidean norm over the whole tensor (paper's code, weight norm).

    w: any shape; zero stays zero.
    """
    norm: Tensor = torch.linalg.vector_norm(w)
    return w / norm.clamp_min(1e-12)


def stretch_product(left: Tensor, right: Tensor) -> Tensor:
    """Multiply; a vector is stretched over the other's grid. left: (n, c, *grid), right: (n, c) or (n, c, *grid)."""
    while left.dim() < right.dim():
        left = left.unsqueeze(-1)
    while right.dim() < left.dim():
        right = right.unsqueeze(-1)
    return left * right


def mean_of(tensors: list[Tensor]) -> Tensor:
    """Return the mean of tensors of one shape."""
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor
    return total / len(tensors)


def running_mean(before: Tensor, tensor: Tensor, writes: int) -> Tensor:
    """Return the mean of ``writes`` tensors, given as their mean, and one more; all of one shape."""
    return before + (tensor - before) / (writes + 1)


def attend(tensors: list[Tensor], scores: Tensor, banks: list[int]) -> Tensor:
    """Return tensors weighted by the softmax of their banks' scores; scores: (banks,), ``banks`` the indices read."""
    if len(tensors) == 1:
        return tensors[0]
    weights = torch.softmax(scores[banks], 0)
    total = tensors[0] * weights[0]
    for i in range(1, len(tensors)):
        total = total + tensors[i] * weights[i]
    return total
