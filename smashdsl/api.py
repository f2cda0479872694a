"""The Python API: load a space, then count, sample, encode, build."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smashdsl.lang.compile import ParamValue, compile_source
from smashdsl.lang.text.folder import Folder
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, read_source, with_plain_ends
from smashdsl.space.architecture import Architecture, Architectures
from smashdsl.space.space import SearchSpace

if TYPE_CHECKING:
    from torch import Tensor, fx

    from smashdsl.graph.build import Mode, WeightSpec
    from smashdsl.graph.module import ArchitectureModule


class Space(SearchSpace):
    """A checked space, with networks: what `load` and `loads` return."""

    def encode(self, architecture: Architecture | Architectures | Sequence[Architecture]) -> Tensor:
        """Return the conditioning tensor of an architecture, or of a batch.

        c: (features, rows, slices) bool, or (n, features, rows, slices) with slices that are off behind shorter ones.
        """
        import torch

        tensor = torch.from_numpy(self.encode_codes(self._codes(architecture)))
        return tensor[0] if isinstance(architecture, Architecture) else tensor

    def decode(self, tensor: Tensor) -> Any:
        """Return the architecture whose encoding a tensor is, or the batch of them.

        Raises `UserError` that names the first slice and feature of a tensor which is no encoding.
        """
        bits = np.asarray(tensor.detach().cpu().bool().numpy())
        single = bits.ndim == 3
        codes = self.decode_tensor(bits[None] if single else bits)
        return Architecture(self, codes[0]) if single else Architectures(self, codes)

    def build(self, architecture: Architecture, mode: Mode = "batch") -> fx.GraphModule:
        """Return the network of an architecture as `module(x, weights)`, weights a dict of tensors by name."""
        from smashdsl.graph.build import build

        return build(architecture, mode).module()

    def weights(self, architecture: Architecture) -> dict[str, WeightSpec]:
        """Return what tensors the network of an architecture takes."""
        from smashdsl.graph.build import build

        return build(architecture).weights

    def module(self, architecture: Architecture, seed: int = 0) -> ArchitectureModule:
        """Return the network of an architecture as a module with parameters of its own."""
        from smashdsl.graph.module import ArchitectureModule

        return ArchitectureModule(architecture, seed)


def load(path: str | Path, params: Mapping[str, ParamValue] | None = None, limits: Limits | None = None) -> Space:
    """Load a space from a `.smash` file, with params overridden by name.

    Raises `SmashError` with every diagnostic when the spec is wrong, `UserError` when the file can't be read.
    """
    limits = limits or Limits()
    source = read_source(path, limits.bytes)
    return Space(compile_source(source, params, limits, reader=Folder(Path(path).parent)))


def loads(
    text: str,
    params: Mapping[str, ParamValue] | None = None,
    name: str = "<text>",
    limits: Limits | None = None,
    base: str | Path | None = None,
) -> Space:
    """Load a space from text; what it imports is read from the folder ``base``."""
    reader = None if base is None else Folder(Path(base))
    return Space(compile_source(Source(name, with_plain_ends(text)), params, limits, reader=reader))
