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
