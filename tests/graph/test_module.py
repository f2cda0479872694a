"""An architecture as a module: training moves running statistics, evaluation uses them, nothing else differs."""

from __future__ import annotations

import copy
import io
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import smashdsl
from smashdsl.graph.build import Mode, build
from smashdsl.graph.execute import Program
from smashdsl.graph.module import ArchitectureModule
from tests.graph.test_against_oracle import close, inputs
from tests.handmade import NAMES, space
from tests.oracle import Oracle

STATIC = [name for name in NAMES if name != "blocks"]  # no dropout
TWO = """smash 1
space two {
  input image[2, 6, 6]
  output y(3)
  stem { conv(3x3, 4); norm; relu; conv(1x1, 4, weights = generated); norm; dropout(0.5) }
  head { global_avg_pool; linear(y) }
}
"""


def shuffled(architecture: smashdsl.Architecture) -> ArchitectureModule:
    """Return a module in float64 with nothing at its initial value."""
    module = architecture.space.module(architecture, seed=3).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            tensor.add_(0.1 * torch.rand(tensor.shape, generator=generator, dtype=torch.float64))
    return module


@pytest.mark.parametrize("name", STATIC)
def test_training_and_evaluation_agree_with_the_oracle(name: str) -> None:
    architecture = space(name).sample(seed=5)
    module = shuffled(architecture)
    spec, x = architecture.space.compiled.space, inputs(architecture, batch=3)
    oracle = Oracle(spec, architecture.decisions(), module.tensors())
    close(module.train()(x), oracle.run(x), 1e-9)
    oracle = Oracle(spec, architecture.decisions(), module.tensors(), training=False)
    close(module.eval()(x), oracle.run(x), 1e-9)
    assert architecture.space.costs(architecture).params[0] == sum(p.numel() for p in module.parameters())


def test_training_moves_running_statistics_as_torch_does() -> None:
    of = smashdsl.loads(TWO)
    module = shuffled(of.sample(seed=0))
    x = torch.randn(4, 2, 6, 6, dtype=torch.float64)
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    module.train()(x)
    y = F.conv2d(x, module.weights["stem/conv[0]/weight"], padding=1)
    mean = 0.9 * before["stem/norm[0]/mean"] + 0.1 * y.mean((0, 2, 3))
    var = 0.9 * before["stem/norm[0]/var"] + 0.1 * y.var((0, 2, 3), unbiased=True)
    torch.testing.assert_close(module.get_buffer("stem/norm[0]/mean"), mean)
    torch.testing.assert_close(module.get_buffer("stem/norm[0]/var"), var)
    after = {name: buffer.clone() for name, buffer in module.named_buffers()}
    module.eval()(x)
    assert all(torch.equal(buffer, after[name]) for name, buffer in module.named_buffers())


def test_measuring_stores_the_statistics_of_the_batch() -> None:
    of = smashdsl.loads(TWO.replace("; dropout(0.5)", ""))
    architecture = of.sample(seed=0)
    module = shuffled(architecture)
    x = torch.randn(4, 2, 6, 6, dtype=torch.float64)
    tensors = module.tensors()
    measured = Program(build(architecture, "measure").graph)(x, tensors)
    close(measured, Program(build(architecture).graph)(x, tensors), 1e-12)
    y = F.conv2d(x, module.weights["stem/conv[0]/weight"], padding=1)
    torch.testing.assert_close(tensors["stem.norm[0].mean"], y.mean((0, 2, 3)))


@pytest.mark.parametrize(("mode", "drops"), [("batch", 1), ("track", 1), ("measure", 0), ("eval", 0)])
def test_dropout_is_torchs_where_the_network_trains_and_nothing_elsewhere(mode: Mode, drops: int) -> None:
    of = smashdsl.loads(TWO)
    nodes = [n for n in build(of.sample(seed=0), mode).graph.nodes if n.target is F.dropout]
    assert len(nodes) == drops
    assert all(n.args[1:] == (0.5,) and not n.kwargs for n in nodes)


def test_a_generated_layer_keeps_its_norm() -> None:
    of = smashdsl.loads(TWO)
    module = of.module(of.sample(seed=0)).eval()
    x = torch.randn(2, 2, 6, 6)
    before = module(x)
    with torch.no_grad():
        module.weights["stem/conv[1]/weight"].mul_(17)
    torch.testing.assert_close(module(x), before)


def test_a_module_begins_alike_for_one_seed_and_can_be_copied_saved_and_compiled() -> None:
    of = space("on_2")
    architecture = of.sample(seed=1)
    module = of.module(architecture, seed=4).eval()
    x = torch.randn(2, 2, 8, 4)
    expected: Tensor = module(x)
    assert torch.equal(of.module(architecture, seed=4).eval()(x), expected)
    assert not torch.equal(of.module(architecture, seed=5).eval()(x), expected)
    assert torch.equal(copy.deepcopy(module)(x), expected)
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    file.seek(0)
    other = of.module(architecture, seed=6).eval()
    other.load_state_dict(torch.load(file))
    assert torch.equal(other(x), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its own parts
        compiled = torch.compile(module, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(x), expected)
        torch.testing.assert_close(torch.export.export(module, (x,)).module()(x), expected)
    assert other.train()(x).requires_grad
