"""Every example of the gallery, whoever wrote it, is short, cited, right, counted, and runs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from smashdsl.data.source import Split, make_dataset
from smashdsl.hypernet.hypernet import HyperNetConfig
from smashdsl.hypernet.task import make_task
from smashdsl.hypernet.train import TrainConfig, train_supernet
from smashdsl.lang.syntax.format import format_text
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Sink
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed import ir
from smashdsl.lang.typed.printer import to_text
from smashdsl.lang.typed.resolve import resolve
from tests.gallery.record import EXAMPLES, line, load, recorded
from tests.handmade import example

LONGEST = 60
YEAR = re.compile(r"\b(19|20)\d\d\b")


def header(text: str) -> str:
    """Return the first comment."""
    lines = [part.strip() for part in text.splitlines()[1:]]
    while lines and not lines[0]:
        lines.pop(0)
    found = []
    for part in lines:
        if not part.startswith("#"):
            break
        found.append(part.removeprefix("#").strip())
    return " ".join(found)


def resolved(text: str) -> ir.Space | None:
    """Return the typed IR of a text; whether its members are right is not asked again."""
    source = Source("again", text)
    sink = Sink(source)
    tree, nothing = parse(source, sink, Limits()), parse(Source("none", "smash 1"), sink, Limits())
    assert tree is not None
    assert nothing is not None
    space = resolve(tree, (), nothing, sink, Limits(), {})
    sink.raise_if_failed()
    return space


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_it_is_short_and_says_what_it_is_and_where_it_comes_from(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    about = header(text)
    assert len(about) > 60
    assert YEAR.search(about), "the header cites no source with its year"
    assert f"space {path.stem} {{" in text


def test_it_is_laid_out_as_specs_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_text(text) == text


def test_it_compiles_without_warnings_and_survives_text(path: Path) -> None:
    compiled = load(path).compiled
    assert compiled.warnings == ()
    assert resolved(to_text(compiled.space)) == compiled.space


def test_members_and_hash_are_recorded(path: Path) -> None:
    assert line(path) == recorded().get(path.stem), "if this is meant: python -m tests.gallery.record"


def test_nothing_else_is_recorded() -> None:
    assert list(recorded()) == [path.stem for path in EXAMPLES]


def test_members_are_encoded_and_decoded(path: Path) -> None:
    space = load(path)
    architectures = space.sample(4, seed=2)
    assert list(space.decode(space.encode(architectures))) == list(architectures)
    one = architectures[0]
    assert space.decode(space.encode(one)) == one
    assert space.from_json(one.to_json()) == one


def test_a_member_is_built_and_runs(path: Path) -> None:
    space = example(path.stem)
    architecture = space.sample(seed=7)
    module = space.module(architecture)
    source, output = space.compiled.space.input, space.compiled.space.output
    x, shape = torch.randn(2, source.channels, *source.grid), (2, output.size)
    if source.kind == "tokens":
        x, shape = torch.randint(source.channels, (2, *source.grid)), (2, output.size, *source.grid)
    for mode in (True, False):
        y = module.train(mode)(x)
        assert y.shape == shape
        assert torch.isfinite(y).all()
    graph = space.build(architecture)
    assert graph(x, module.tensors()).shape == shape


def test_the_weights_of_the_space_are_trained_for_a_few_steps(path: Path) -> None:
    space = example(path.stem)
    source, output = space.compiled.space.input, space.compiled.space.output
    rng = np.random.default_rng(0)
    if source.kind == "tokens":
        tokens = rng.integers(0, source.channels, (12, 1 + source.grid[0]))
        split = Split(tokens[:, :-1], tokens[:, 1:])
    else:
        labels = np.arange(12) % min(3, output.size)
        split = Split(rng.integers(0, 256, (12, source.channels, *source.grid), dtype=np.uint8), labels)
    data = make_dataset("noise", split, split, tuple(str(i) for i in range(output.size)))
    config = TrainConfig(steps=3, batch_size=4, hypernet=HyperNetConfig(3, (2, 1), 3))
    supernet, losses = train_supernet(space, make_task(space, data, torch.device("cpu"), 0.25), config)
    assert np.isfinite(losses).all()
    assert all(torch.isfinite(tensor).all() for tensor in supernet.parameters())
