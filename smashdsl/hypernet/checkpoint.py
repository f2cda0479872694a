"""Checkpoints: tensors and the JSON that says what they are, in one safetensors file."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn, optim

from smashdsl.errors import UserError
from smashdsl.files import write_whole

KEY = "smashdsl"
SEPARATOR = "|"  # occurs in no name of a parameter


def save(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Write tensors and what they are, whole or not at all."""

    def write(temporary: Path) -> None:
        whole = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
        try:
            save_file(whole, temporary, {KEY: json.dumps(about, sort_keys=True, allow_nan=False)})
        except SafetensorError as error:
            full = "No space left" in str(error)
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from None

    write_whole(path, write)


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save` wrote; raises `UserError` for a missing, truncated or foreign file."""
    if not path.is_file():
        raise UserError(f"there is no checkpoint at `{path}`")
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            about = (file.metadata() or {}).get(KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"checkpoint `{path}` is truncated or broken: {error}", "delete it to start again") from None
    if about is None:
        raise UserError(f"`{path}` holds tensors, but not a checkpoint of smashdsl")
    try:
        return tensors, json.loads(about)
    except ValueError:
        raise UserError(f"checkpoint `{path}` does not say what it is") from None


def state_of(model: nn.Module, optimiser: optim.Optimizer) -> dict[str, Tensor]:
    """Return everything that training goes on from, by name."""
    tensors = {f"model{SEPARATOR}{name}": tensor for name, tensor in model.state_dict().items()}
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            tensors[f"optimiser{SEPARATOR}{name}{SEPARATOR}{key}"] = value
    return tensors


def restore(model: nn.Module, optimiser: optim.Optimizer | None, tensors: dict[str, Tensor], path: Path) -> None:
    """Put a saved state back; raises `UserError` when it does not fit the model."""
    prefix = f"model{SEPARATOR}"
    state = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise UserError(f"checkpoint `{path}` does not fit this model: {reason}") from None
    if optimiser is None:
        return
    for name, parameter in model.named_parameters():
        start = f"optimiser{SEPARATOR}{name}{SEPARATOR}"
        found = {key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)}
        if found:
            # Adam counts its steps on the CPU; moments live with the parameter
            optimiser.state[parameter] = {
                key: t if key == "step" else t.to(parameter.device) for key, t in found.items()
            }
