"""Names that mean something to Python reach neither the code of a graph nor a file of weights as anything but names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import smashdsl

NAMES = ("self", "forward", "None", "__class__", "lambda", "torch", "del", "print", "_", "x", "weights")


@pytest.mark.parametrize("name", NAMES)
def test_any_name_goes_all_the_way(name: str, tmp_path: Path) -> None:
    text = f"""smash 1
space {name}_space {{
  param {name}_width = {{8, 16}}
  input image[3, 8, 8]
  output {name}_classes(4)
  op {name} {{ read last; conv(3x3, 8); norm; relu; write 0 by add }}
  stem {{ conv(3x3, 8, bias = true) }}
  block {name}_block {{ banks 1 of 8
    ops 2 of {name}
    transition {{ relu }}
  }}
  head {{ conv(1x1, {name}_width); global_avg_pool; linear({name}_classes) }}
}}
"""
    space = smashdsl.loads(text)
    architecture = space.sample(seed=0)
    ast.parse(space.build(architecture).code)
    module = space.module(architecture)
    assert module(torch.zeros(2, 3, 8, 8)).shape == (2, 4)
    state = module.state_dict()
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "w.safetensors")
    module.load_state_dict(load_file(tmp_path / "w.safetensors"))
    assert space.from_json(architecture.to_json()) == architecture
