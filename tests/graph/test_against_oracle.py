"""Graphs compute what a plain interpretation of the language computes, in values, gradients and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import prod

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import smashdsl
from smashdsl.graph.build import Mode, Network, build
from smashdsl.graph.execute import Program
from tests.formulas import masked
from tests.handmade import EXAMPLE_NAMES, NAMES, space
from tests.oracle import Oracle
from tests.properties.specs import specs

FEW = {"densenet_bc": 1, "fractalnet": 1, "resnet20": 1, "wrn_40_4": 1, "smashv1": 1, "smashv2": 1, "mobilenet_v3": 1}


def members(of: smashdsl.Space, many: int) -> Iterator[smashdsl.Architecture]:
    yield from of.sample(many, seed=1)


def inputs(architecture: smashdsl.Architecture, batch: int = 2, dtype: torch.dtype = torch.float64) -> Tensor:
    source = architecture.space.compiled.space.input
    generator = torch.Generator().manual_seed(3)
    if source.kind == "tokens":
        return torch.randint(source.channels, (batch, *source.grid), generator=generator)
    return torch.randn(batch, source.channels, *source.grid, generator=generator, dtype=dtype)


def given_weights(network: Network, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Return weights of which none is special: scales are not one, shifts not zero."""
    generator = torch.Generator().manual_seed(5)

    def tensor(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    weights = {}
    for name, spec in network.weights.items():
        weights[name] = tensor(*spec.shape) / prod(spec.shape[1:]) ** 0.5 + (1.0 if spec.init == "ones" else 0.0)
    for name, channels in network.statistics.items():
        weights[f"{name}.mean"], weights[f"{name}.var"] = tensor(channels), tensor(channels).exp()
    return {name: w.to(dtype).requires_grad_(name in network.weights) for name, w in weights.items()}


def ready(architecture: smashdsl.Architecture, mode: Mode = "batch") -> Network:
    """Return a network whose dropout is the oracle's; in evaluation there must be none."""
    network = build(architecture, mode)
    for node in network.graph.nodes:
        if node.target is F.dropout:
            assert mode != "eval"
            node.target = masked
    return network


def close(left: Tensor, right: Tensor, within: float) -> None:
    torch.testing.assert_close(
        left, right, rtol=within, atol=within * float(right.detach().abs().max().clamp_min(1e-3))
    )


def agree(architecture: smashdsl.Architecture) -> None:
    """Hold a graph to the oracle: output, gradients, names and shapes of weights, decisions, costs."""
    network = ready(architecture)
    weights = given_weights(network)
    x = inputs(architecture)
    oracle = Oracle(architecture.space.compiled.space, architecture.decisions(), weights)
    expected = oracle.run(x)
    found = Program(network.graph)(x, weights)
    close(found, expected, 1e-9)
    assert set(oracle.asked) == set(architecture.decisions())
    assert {name: spec.shape for name, spec in network.weights.items()} == oracle.taken

    names = [name for name in weights if name in network.weights]
    direction = torch.randn(found.shape, generator=torch.Generator().manual_seed(9), dtype=found.dtype)
    mine = torch.autograd.grad(found, [weights[n] for n in names], direction, allow_unused=True)
    plain = torch.autograd.grad(expected, [weights[n] for n in names], direction, allow_unused=True)
    for name, left, right in zip(names, mine, plain, strict=True):
        assert (left is None) == (right is None), name
        if left is not None and right is not None:
            close(left, right, 1e-7)

    costs = architecture.space.costs(architecture)
    learned = [name for name in names if network.weights[name].kind != "fixed"]
    assert costs.params[0] == sum(weights[name].numel() for name in learned)
    assert costs.flops[0] == oracle.counts["flops"]
    assert costs.reads[0] == oracle.counts["reads"]
    assert {op: int(n[0]) for op, n in costs.uses.items() if n[0]} == {
        op: n for op, n in oracle.counts.items() if op not in {"flops", "reads"}
    }


@pytest.mark.parametrize("name", NAMES)
def test_members_of_handmade_spaces_agree_with_the_oracle(name: str) -> None:
    for architecture in members(space(name), 12):
        agree(architecture)


@pytest.mark.parametrize("name", EXAMPLE_NAMES)
def test_members_of_the_gallery_agree_with_the_oracle(name: str) -> None:
    for architecture in members(space(name), FEW.get(name, 3)):
        agree(architecture)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(specs(), st.integers(0, 2**32))
def test_members_of_generated_spaces_agree_with_the_oracle(text: str, seed: int) -> None:
    # the oracle sees one member, and not how many ops a budget has at most, which the names of later ops depend on
    assume(not re.search(r"ops while.*\n\s*(op|ops|for)\b", text))
    agree(smashdsl.loads(text).sample(seed=seed))


@pytest.mark.parametrize("name", [*NAMES, "fashion", "nas_bench_201"])
def test_float32_agrees_with_the_oracle(name: str) -> None:
    architecture = space(name).sample(seed=2)
    network = ready(architecture)
    weights = given_weights(network, torch.float32)
    x = inputs(architecture, dtype=torch.float32)
    expected = Oracle(architecture.space.compiled.space, architecture.decisions(), weights).run(x)
    close(Program(network.graph)(x, weights), expected, 1e-4)


@pytest.mark.parametrize("name", [*NAMES, "fashion"])
def test_running_statistics_are_used_as_given(name: str) -> None:
    architecture = space(name).sample(seed=4)
    network = ready(architecture, "eval")
    weights = given_weights(network)
    # one example: nothing may depend on the rest of a batch
    x = inputs(architecture, batch=1)
    spec = architecture.space.compiled.space
    expected = Oracle(spec, architecture.decisions(), weights, training=False).run(x)
    close(Program(network.graph)(x, weights), expected, 1e-9)


@pytest.mark.parametrize("name", [*NAMES, "fashion", "nas_bench_201"])
def test_a_graph_module_and_a_program_agree_bit_for_bit(name: str) -> None:
    architecture = space(name).sample(seed=6)
    network = ready(architecture)
    weights, x = given_weights(network), inputs(architecture)
    expected = network.module()(x, weights)
    assert torch.equal(Program(network.graph)(x, weights), expected)


@pytest.mark.parametrize("name", [*NAMES, "fashion", "nas_bench_201"])
def test_costs_are_those_that_torch_counts(name: str) -> None:
    for architecture in members(space(name), 2):
        network = ready(architecture)
        weights = given_weights(network)
        with FlopCounterMode(display=False) as counter:
            Program(network.graph)(inputs(architecture), weights)
        costs = architecture.space.costs(architecture)
        assert counter.get_total_flops() == 2 * 2 * costs.flops[0]
