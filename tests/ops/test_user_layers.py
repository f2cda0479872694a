"""Layers that users add: they work everywhere, and what is wrong with one is told as its package's fault."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import smashdsl
from smashdsl import Arg, Flow, Weight
from smashdsl.lang.typed.printer import to_text
from smashdsl.ops.table import USER_LAYERS

SPACE = """smash 1
space s {{
  input image[4, 8, 8]
  output y(2)
  stem {{ {} }}
  head {{ global_avg_pool; linear(y) }}
}}
"""


def space(stem: str) -> smashdsl.Space:
    return smashdsl.loads(SPACE.format(stem), name="net.smash")


@pytest.fixture(autouse=True)
def _only_here() -> Iterator[None]:
    before = dict(USER_LAYERS)
    yield
    USER_LAYERS.clear()
    USER_LAYERS.update(before)


def mixing(version: int = 1) -> Any:
    """Declare a layer whose every rule branches on plain numbers, which no array would allow."""

    @smashdsl.layer("mixing", args=(Arg("out", "size"), Arg("window", "axes", 1)), version=version)
    def mixing(x: Tensor, weight: Tensor, scale: Tensor | None = None, *, out: int, window: tuple[int, int]) -> Tensor:
        y = F.conv2d(F.avg_pool2d(x, window) if max(window) > 1 else x, weight)
        return y if scale is None else y * scale.view(-1, 1, 1)

    @mixing.shape
    def _shape(flow: Flow, *, out: int, window: tuple[int, int]) -> Flow:
        smashdsl.expect(
            all(g % w == 0 for g, w in zip(flow.grid, window, strict=True)), "the window does not fit", "make it fit"
        )
        return Flow(out, tuple(g // w if w > 1 else g for g, w in zip(flow.grid, window, strict=True)))

    @mixing.weights
    def _weights(flow: Flow, *, out: int, window: tuple[int, int]) -> dict[str, Weight]:
        weights = {"weight": Weight((out, flow.channels, 1, 1), "kaiming")}
        if out > 4:
            weights["scale"] = Weight((out,), "ones")
        return weights

    @mixing.macs
    def _macs(flow: Flow, out_flow: Flow, *, out: int, window: tuple[int, int]) -> int:
        return 7 if out > 4 else out_flow.grid[0]

    return mixing


# -- it is a layer like any other -----------------------------------------------------------------


def test_rules_for_plain_numbers_are_applied_to_whole_batches() -> None:
    mixing()
    of = space("mixing({4, 8}, window = {1, 2, [1, 4]}, weights = generated)")
    assert of.count() == 6
    batch = of.sample(64, seed=1)
    costs = of.costs(batch)
    singly = [of.costs(architecture) for architecture in batch]
    assert costs.params.tolist() == [int(one.params[0]) for one in singly]
    assert costs.flops.tolist() == [int(one.flops[0]) for one in singly]
    assert of.decode(of.encode(batch)) == batch
    for architecture, params in zip(batch, costs.params, strict=True):
        module = of.module(architecture)
        assert module(torch.randn(3, 4, 8, 8)).shape == (3, 2)
        assert sum(p.numel() for p in module.parameters()) == params


def test_its_tensor_called_weight_can_be_generated_and_shared() -> None:
    mixing()
    of = space("mixing({4, 8}, weights = generated); mixing(4, weights = shared)")
    architecture = of.sample(seed=0)
    made = smashdsl.HyperNet(of)(of.encode(architecture))
    out = architecture.decisions()["stem.mixing[0].out"]
    assert {name: tuple(w.shape) for name, w in made.items()} == {"stem.mixing[0].weight": (out, 4, 1, 1)}
    assert {s.kind for s in of.weights(architecture).values()} == {"generated", "shared", "own"}


def test_it_computes_what_its_function_computes() -> None:
    layer = mixing()
    of = space("mixing(3, window = 2)")
    network, x = of.module(of.sample(seed=0)), torch.randn(2, 4, 8, 8)
    tensors = network.tensors()
    out = layer(x, tensors["stem.mixing.weight"], out=3, window=(2, 2)).mean((2, 3))
    assert torch.allclose(network(x), F.linear(out, tensors["head.linear.weight"], tensors["head.linear.bias"]))


def test_a_graph_with_it_is_a_module_of_torch() -> None:
    mixing()
    of = space("mixing(3)")
    graph = of.build(of.sample(seed=0))
    weights = {name: torch.randn(spec.shape) for name, spec in of.weights(of.sample(seed=0)).items()}
    assert graph(torch.randn(2, 4, 8, 8), weights).shape == (2, 2)


def test_its_version_is_part_of_the_hash() -> None:
    mixing()
    first = space("mixing(3)")
    mixing(version=2)
    assert space("mixing(3)").hash != first.hash
    assert [layer.name for layer in first.compiled.space.foreign] == ["mixing"]
    assert space("conv(3, 4)").compiled.space.foreign == ()


def test_its_text_is_printed_and_read_again() -> None:
    mixing()
    of = space("mixing({4, 8}, window = 2, weights = shared)")
    assert "mixing({4, 8}, 2, weights = shared)" in to_text(of.compiled.space)
    assert smashdsl.loads(to_text(of.compiled.space)).compiled.space == of.compiled.space


def test_a_spec_speaks_of_it_in_the_words_of_its_author() -> None:
    mixing()
    with pytest.raises(smashdsl.SmashError) as told:
        space("mixing(4, window = {2, 3})")
    message = str(told.value)
    assert "error[SD0207]: the window does not fit" in message
    assert "when stem.mixing.window = 3" in message
    assert "help: make it fit" in message


def test_words_of_its_arguments_may_be_defaults_of_ops() -> None:
    @smashdsl.layer("edge", args=(Arg("how", "word", "hard", words=("hard", "soft")),))
    def edge(x: Tensor, *, how: str) -> Tensor:
        return x.sign() if how == "hard" else x.tanh()

    text = SPACE.format("e; e(soft)").replace("  stem", "  op e(h = {hard, soft}) { edge(h) }\n  stem")
    of = smashdsl.loads(text)
    assert of.count() == 2
    assert all(of.module(one)(torch.randn(1, 4, 8, 8)).shape == (1, 2) for one in of.sample(8, seed=0))


def test_what_a_spec_declares_itself_takes_precedence() -> None:
    mixing()
    text = SPACE.format("mixing(3)").replace("  stem", "  op mixing(k) { conv(k) }\n  stem")
    assert smashdsl.loads(text).compiled.space.foreign == ()


def test_a_loop_can_not_be_called_as_its_argument() -> None:
    mixing()
    text = SPACE.format("mixing(4)").replace(
        "  head", "  block b { banks 4 of 4\n for window in 1..2 { op { read 0; mixing(4); write 0 } } }\n  head"
    )
    with pytest.raises(smashdsl.SmashError, match="`window` is the name of an argument"):
        smashdsl.loads(text)


def test_only_a_layer_with_a_tensor_called_weight_takes_weights() -> None:
    @smashdsl.layer("scaled")
    def scaled(x: Tensor, gain: Tensor) -> Tensor:
        return x * gain.view(-1, 1, 1)

    @scaled.weights
    def _weights(flow: Flow) -> dict[str, Weight]:
        return {"gain": Weight((flow.channels,), "ones")}

    assert space("scaled").module(space("scaled").sample(seed=0))(torch.randn(1, 4, 8, 8)).shape == (1, 2)
    with pytest.raises(smashdsl.SmashError, match="takes no argument `weights`"):
        space("scaled(weights = generated)")


@pytest.mark.parametrize(
    ("weights", "said"),
    [({"weight": Weight((4,), "ones")}, "a `weight` of one axis"), ({}, "no tensor `weight` here")],
)
def test_a_weight_that_can_not_be_generated_is_an_error_of_the_spec(weights: dict[str, Weight], said: str) -> None:
    @smashdsl.layer("thin")
    def thin(x: Tensor, weight: Tensor | None = None) -> Tensor:
        return x

    thin.weights(lambda flow: weights)
    assert space("thin").count() == 1
    with pytest.raises(smashdsl.SmashError, match=said):
        space("thin(weights = generated)")


# -- what is wrong with a layer --------------------------------------------------------------------


def same(x: Tensor, *, n: int = 1) -> Tensor:
    return x


def in_place(x: Tensor, *, n: int) -> Tensor:
    return x.mul_(2)


def data_dependent(x: Tensor, *, n: int) -> Tensor:
    return x * float(x.sum() > 0)


RULES: list[tuple[str, Callable[..., Any], str]] = [
    ("shape", lambda flow, n: (flow.channels, *flow.grid), r"its shape rule returns \(4, 8, 8\), which is no `Flow`"),
    ("shape", lambda flow, n: Flow(flow.channels / 2, flow.grid), "whose sizes are no whole numbers from 1"),
    ("shape", lambda flow, n: Flow(0, flow.grid), "whose sizes are no whole numbers from 1"),
    ("shape", lambda flow, n: Flow(flow.channels // (n - 1), flow.grid), "its shape rule raises ZeroDivisionError"),
    ("shape", lambda flow: flow, "its shape rule raises TypeError"),
    ("weights", lambda flow, n: [4], "which is no dict of weights"),
    ("weights", lambda flow, n: {"other": Weight((1,), "ones")}, "a weight `other`, which its function does not take"),
    ("macs", lambda flow, out, n: 1.5, "its macs rule returns 1.5, which is no whole number from 0"),
    ("macs", lambda flow, out, n: -1, "its macs rule returns -1"),
]


@pytest.mark.parametrize(("rule", "function", "said"), RULES)
def test_a_faulty_rule_is_the_fault_of_its_package(rule: str, function: Callable[..., Any], said: str) -> None:
    layer = smashdsl.layer("faulty", args=(Arg("n", "size", 1),))(same)
    getattr(layer, rule)(function)
    with pytest.raises(smashdsl.SmashError) as told:
        space("faulty")
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.code == "SD0211"
    assert diagnostic.message.startswith(f"layer `faulty` of module `{__name__}` is faulty: ")
    assert re.search(said, diagnostic.message)
    assert diagnostic.help == f"mend it at {__file__}:{function.__code__.co_firstlineno}"
    assert SPACE.format("faulty")[diagnostic.span.start : diagnostic.span.end] == "faulty"


FUNCTIONS: list[tuple[Callable[..., Any], str]] = [
    (lambda x, n: x[:, :, ::2], r"makes \[4, 4, 8\] out of \[4, 8, 8\], but its shape rule says \[4, 8, 8\]"),
    (lambda x, n: x[:1], r"makes a tensor \[1, 4, 8, 8\]"),
    (lambda x, n: x.sum(), r"makes a tensor \[\]"),
    (lambda x, n: x.shape, "returns Size, which is no tensor"),
    (lambda x, n: x > 0, "returns numbers of type torch.bool"),
    (lambda x, n: x / x.nothing, "raises AttributeError: 'Tensor' object has no attribute 'nothing'"),
    (in_place, "changes its input in place"),
]


@pytest.mark.parametrize(("function", "said"), FUNCTIONS)
def test_a_faulty_function_is_the_fault_of_its_package(function: Callable[..., Any], said: str) -> None:
    smashdsl.layer("faulty", args=(Arg("n", "size", 1),))(function)
    of = space("conv(1); faulty")
    with pytest.raises(smashdsl.UserError) as told:
        of.build(of.sample(seed=0))
    assert re.search(said, told.value.message)
    assert told.value.message.startswith(f"layer `faulty` of module `{__name__}` is faulty: ")
    assert told.value.help is not None
    assert re.fullmatch(f"mend it at {re.escape(__file__)}:\\d+", told.value.help)


def test_a_weight_that_is_changed_in_place_is_the_fault_of_its_package() -> None:
    @smashdsl.layer("renorm")
    def renorm(x: Tensor, weight: Tensor) -> Tensor:
        weight /= weight.norm()
        return F.conv2d(x, weight)

    renorm.weights(lambda flow: {"weight": Weight((flow.channels, flow.channels, 1, 1), "kaiming")})
    of = space("renorm")
    with pytest.raises(smashdsl.UserError, match=r"`renorm` of module .* changes its weight `weight` in place"):
        of.module(of.sample(seed=0))


def test_a_function_that_looks_at_values_is_tried_on_some() -> None:
    smashdsl.layer("dependent", args=(Arg("n", "size", 1),))(data_dependent)
    of = space("dependent")
    assert of.module(of.sample(seed=0))(torch.randn(1, 4, 8, 8)).shape == (1, 2)


def test_a_function_that_fails_while_a_network_runs_is_told_too() -> None:
    @smashdsl.layer("picky")
    def picky(x: Tensor) -> Tensor:
        if len(x) > 2:
            raise ValueError("two at most")
        return x

    of = space("conv(1); picky")
    network = of.module(of.sample(seed=0))
    assert network(torch.randn(2, 4, 8, 8)).shape == (2, 2)
    with pytest.raises(smashdsl.UserError, match=r"`picky` of module .* raises ValueError: two at most") as told:
        network(torch.randn(3, 4, 8, 8))
    assert 'File "net.smash", line 5, in stem.picky' in told.value.message


def test_a_function_is_tried_once_for_each_shape() -> None:
    tried = []

    @smashdsl.layer("counted")
    def counted(x: Tensor) -> Tensor:
        tried.append(tuple(x.shape))
        return x

    of = space("counted; counted; conv(1, 8); counted")
    for _ in range(3):
        of.build(of.sample(seed=0))
    assert tried == [(2, 4, 8, 8), (2, 8, 8, 8)]


SIGNATURES: list[tuple[str, Callable[..., Any], tuple[Arg, ...], str]] = [
    ("conv", lambda x: x, (), "`conv` is a layer of the language"),
    ("No Name", lambda x: x, (), "a layer is called by lower-case letters"),
    ("odd", lambda x, **rest: x, (), "takes what flows, then each weight and argument by its name"),
    ("odd", lambda: 1, (), "takes what flows, then each weight and argument by its name"),
    ("odd", lambda x: x, (Arg("n", "size"),), "its function takes no `n`"),
    ("odd", lambda x, flow: x, (Arg("flow", "size"),), "its function takes no `flow`, or can't"),
    ("odd", lambda x, n: x, (Arg("n", "weights"),), "is no argument: the kinds are"),
    ("odd", lambda x, n: x, (Arg("n", "word"),), "a word has its words"),
    ("odd", lambda x, n: x, (Arg("n", "word", "c", ("a", "b")),), "the default of `n`, 'c', is not of kind `word`"),
    ("odd", lambda x, n: x, (Arg("n", "size", 0.5),), "the default of `n`, 0.5, is not of kind `size`"),
    ("odd", lambda x, n: x, (Arg("n", "flag", 1),), "the default of `n`, 1, is not of kind `flag`"),
]


@pytest.mark.parametrize(("name", "function", "args", "said"), SIGNATURES)
def test_a_declaration_that_can_not_be_is_refused(
    name: str, function: Callable[..., Any], args: tuple[Arg, ...], said: str
) -> None:
    with pytest.raises(smashdsl.UserError, match=re.escape(said)):
        smashdsl.layer(name, args=args)(function)
    assert name not in USER_LAYERS


def test_a_name_that_another_module_has_is_refused() -> None:
    mixing()

    def other(x: Tensor) -> Tensor:
        return x

    other.__module__ = "elsewhere"
    with pytest.raises(smashdsl.UserError) as told:
        smashdsl.layer("mixing")(other)
    assert told.value.message.startswith("layer `mixing` of module `elsewhere` is faulty: module `")
    assert "has a layer `mixing` already" in told.value.message


# -- layers of installed packages --------------------------------------------------------------------

GOOD = """
import smashdsl

@smashdsl.layer("{name}")
def {name}(x):
    import torch
    return torch.relu(x)
"""


def install(
    at: Path, monkeypatch: pytest.MonkeyPatch, package: str, points: dict[str, str], code: str | None = None
) -> None:
    """Lay out an installed package of one module, with entry points."""
    module = package.replace("-", "_")
    (at / f"{module}.py").write_text(GOOD.format(name="gate") if code is None else code)
    info = at / f"{module}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[smashdsl.layers]\n{lines}\n")
    if str(at) not in sys.path:
        monkeypatch.syspath_prepend(str(at))
    monkeypatch.delitem(sys.modules, module, raising=False)


def test_a_layer_of_a_package_is_found_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, "smash-gate", {"gate": "smash_gate:gate"})
    assert space("conv(1)").count() == 1
    assert "smash_gate" not in sys.modules
    of = space("gate; gate")
    assert "smash_gate" in sys.modules
    assert of.module(of.sample(seed=0))(torch.randn(1, 4, 8, 8)).shape == (1, 2)
    with pytest.raises(smashdsl.SmashError, match="did you mean `gate`"):
        space("gatt")


BROKEN = [
    ("import nothing_of_this_name", "gate", "can't be imported: ModuleNotFoundError: No module named"),
    ("raise SystemExit(3)", "gate", "can't be imported: SystemExit: 3"),
    ("def gate(x:", "gate", "can't be imported: SyntaxError"),
    ("other = 1", "gate", "can't be imported: AttributeError"),
    ("gate = 1", "gate", "which is no layer"),
    (GOOD.format(name="gate"), "gates", "provides, as layer `gates`, <layer `gate`"),
]


@pytest.mark.parametrize(("code", "name", "said"), BROKEN)
def test_a_broken_package_breaks_only_specs_that_use_it(
    code: str, name: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "smash-gate", {name: "smash_gate:gate"}, code)
    assert space(f"conv(1); let {name} = relu; {name}").count() == 1
    with pytest.raises(smashdsl.SmashError) as told:
        space(f"conv(1); {name}; {name}(1)")
    (diagnostic,) = told.value.diagnostics
    assert diagnostic.code == "SD0211"
    assert "package `smash-gate`" in diagnostic.message
    assert said in diagnostic.message


def test_two_packages_with_one_name_are_an_error_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("smash-one", "smash-two"):
        install(tmp_path, monkeypatch, package, {"gate": f"{package.replace('-', '_')}:gate"})
    with pytest.raises(smashdsl.SmashError, match=r"packages `smash-(one|two)` and `smash-(one|two)` both provide"):
        space("gate")


def test_a_package_whose_name_a_module_took_is_an_error_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smashdsl.layer("gate")(same_shape)
    install(tmp_path, monkeypatch, "smash-gate", {"gate": "smash_gate:gate"})
    with pytest.raises(smashdsl.SmashError, match=f"`smash_gate` is faulty: module `{__name__}` has a layer `gate`"):
        space("gate")


def same_shape(x: Tensor) -> Tensor:
    return x


CHECK = """
import sys
sys.path.insert(0, {path!r})
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed.identity import space_hash
space_hash(compile_source(Source("net.smash", {text!r})).space)
print(*sorted({{name.split(".")[0] for name in sys.modules}} & {{"torch", "numpy", "smash_gate"}}))
"""


def test_checking_a_spec_with_a_layer_of_a_package_imports_no_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, "smash-gate", {"gate": "smash_gate:gate"})
    program = CHECK.format(path=str(tmp_path), text=SPACE.format("gate"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["smash_gate"]


def test_a_batch_of_weights_that_only_some_have_counts_right() -> None:
    mixing()
    of = space("mixing({4, 8})")
    params = of.costs(of.sample(100, seed=3)).params
    assert set(np.unique(params)) == {4 * 4 + 4 * 2 + 2, 8 * 4 + 8 + 8 * 2 + 2}
