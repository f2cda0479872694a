"""The verifier refuses every graph that breaks a rule, and what fails while running names the line of the spec."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import fx

import smashdsl
from smashdsl.graph.build import Mode, build
from smashdsl.graph.execute import Program
from smashdsl.graph.verify import GraphError, known, verify
from tests.handmade import EXAMPLE_NAMES, NAMES, space


def graph() -> fx.Graph:
    return build(space("params").sample(seed=0)).graph


def node(of: fx.Graph, target: Any) -> fx.Node:
    return next(n for n in of.nodes if n.target is target)


def first(of: fx.Graph) -> fx.Node:
    return next(iter(of.nodes))


def changed(change: Callable[[fx.Graph], None]) -> fx.Graph:
    broken = graph()
    change(broken)
    return broken


def no_weights(g: fx.Graph) -> None:
    weights = list(g.nodes)[1]
    for user in list(weights.users):
        user.replace_all_uses_with(first(g))
        g.erase_node(user)
    g.erase_node(weights)


def third_placeholder(g: fx.Graph) -> None:
    with g.inserting_after(list(g.nodes)[1]):
        g.placeholder("extra")


def second_output(g: fx.Graph) -> None:
    g.output(first(g))


def late_node(g: fx.Graph) -> None:
    g.call_function(torch.relu, (first(g),))


def method(g: fx.Graph) -> None:
    with g.inserting_before(list(g.nodes)[-1]):
        g.call_method("relu", (first(g),))


def attribute(g: fx.Graph) -> None:
    with g.inserting_before(list(g.nodes)[-1]):
        g.get_attr("weight")


def foreign(g: fx.Graph) -> None:
    node(g, F.relu).target = eval


def in_place(g: fx.Graph) -> None:
    node(g, F.relu).target = torch.relu_


def placeless(g: fx.Graph) -> None:
    node(g, F.relu).stack_trace = None


def nameless(g: fx.Graph) -> None:
    del node(g, F.relu).meta["smash"]


def weight_by_number(g: fx.Graph) -> None:
    getitem = node(g, operator.getitem)
    getitem.args = (getitem.args[0], 0)


def item_of_input(g: fx.Graph) -> None:
    getitem = node(g, operator.getitem)
    getitem.args = (first(g), "x")


def all_weights(g: fx.Graph) -> None:
    relu = node(g, F.relu)
    relu.args = (list(g.nodes)[1],)


def used_before(g: fx.Graph) -> None:
    relu = node(g, F.relu)
    list(g.nodes)[2].append(relu)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (no_weights, "the placeholders x and weights come first"),
        (third_placeholder, "there are two placeholders"),
        (second_output, "one output comes last"),
        (late_node, "one output comes last"),
        (method, "is a call_method"),
        (attribute, "is a get_attr"),
        (foreign, "which is not on the list"),
        (in_place, "which is not on the list"),
        (placeless, "does not know its place in the spec"),
        (nameless, "does not know its place in the spec"),
        (weight_by_number, "takes something other than a weight by its name"),
        (item_of_input, "uses the weights other than by one name"),
        (all_weights, "uses the weights other than by one name"),
        (used_before, "was used before it has been defined"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_graph_that_breaks_a_rule_is_refused(change: Callable[[fx.Graph], None], rule: str) -> None:
    verify(graph())
    with pytest.raises(GraphError, match=rule):
        verify(changed(change))


@pytest.mark.parametrize("mode", ["batch", "track", "measure", "eval"])
@pytest.mark.parametrize("name", [*NAMES, *EXAMPLE_NAMES])
def test_every_built_graph_is_verified(name: str, mode: Mode) -> None:
    verify(build(space(name).sample(seed=8), mode).graph)


@pytest.mark.parametrize(
    "target", [eval, exec, open, print, torch.relu_, F.relu_, torch.Tensor, torch.save, "relu", None]
)
def test_only_pure_functions_of_torch_and_of_ops_may_be_called(target: Any) -> None:
    assert not known(target)


def test_an_error_while_running_names_the_site_and_the_line() -> None:
    of = smashdsl.loads(
        "smash 1\nspace s {\n  input image[3, 8, 8]\n  output y(2)\n  stem {\n    relu\n    conv(3x3, 8)\n  }\n"
        "  head { global_avg_pool; linear(y) }\n}\n",
        name="net.smash",
    )
    network = build(of.sample(seed=0))
    weights = {name: torch.zeros(spec.shape) for name, spec in network.weights.items()}
    wrong = torch.zeros(2, 4, 8, 8)
    place = 'File "net.smash", line 7, in stem.conv\n    conv(3x3, 8)'
    with pytest.raises(RuntimeError, match="expected input") as told:
        Program(network.graph)(wrong, weights)
    assert str(told.value).endswith(place)
    with pytest.raises(RuntimeError, match="expected input") as told:
        fx.Interpreter(network.module()).run(wrong, weights)
    assert place in str(told.value)
    with pytest.raises(RuntimeError, match="expected input") as told:
        of.module(of.sample(seed=0))(wrong)
    assert str(told.value).endswith(place)
    del weights["stem.conv.weight"]
    with pytest.raises(KeyError, match=r"stem\.conv\.weight"):
        Program(network.graph)(torch.zeros(2, 3, 8, 8), weights)


def test_every_node_names_the_site_that_made_it() -> None:
    drawn = space("blocks").sample(20, seed=0)
    sites = {n.meta["smash"] for a in drawn for n in build(a).graph.nodes if n.op == "call_function"}
    made = {"st[0].op[0].conv[0]", "st[0].op[0].sum", "st[0].op[2].read", "st[0].op[2].write", "st[1]", "head.linear"}
    assert made <= sites
