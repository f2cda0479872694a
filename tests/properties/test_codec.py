"""Conditioning tensors and documents say the same architecture, and nothing else is taken for one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

import smashdsl
from smashdsl.space.architecture import Architectures
from tests.handmade import EXAMPLE_NAMES, NAMES, example, space
from tests.properties.specs import specs

GENERATED = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
MANY = {"smashv1": 12, "smashv2": 12, "densenet_bc": 1, "fashion": 24, "nas_bench_201": 24}


def drawn(name: str) -> Architectures:
    return space(name).sample(MANY.get(name, 40), seed=11)


def goes_round(of: smashdsl.Space, batch: Architectures) -> None:
    """Hold a batch to its encodings, together and one by one, and to its documents."""
    tensors = of.encode(batch)
    assert tensors.dtype == torch.bool
    assert of.decode(tensors) == batch
    for architecture, row in zip(batch, tensors, strict=True):
        one = of.encode(architecture)
        assert torch.equal(row[:, :, : one.shape[2]], one)
        assert not row[:, :, one.shape[2] :].any()
        assert one[:, :, -1].any()
        assert of.decode(one) == architecture
        assert of.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


@pytest.mark.parametrize("name", [*NAMES, *EXAMPLE_NAMES])
def test_what_is_encoded_is_decoded(name: str) -> None:
    goes_round(space(name), drawn(name))


@GENERATED
@given(specs(), st.integers(0, 2**32))
def test_what_is_encoded_is_decoded_in_generated_spaces(text: str, seed: int) -> None:
    of = smashdsl.loads(text)
    goes_round(of, of.sample(6, seed=seed))


def test_all_cells_of_nas_bench_201_go_round_and_differ() -> None:
    of = example("nas_bench_201")
    codes = np.array(list(product(range(5), repeat=6)), np.int64)
    assert len(codes) == of.count() == 15_625
    assert np.array_equal(of.validate(codes), codes)
    seen: set[bytes] = set()
    for start in range(0, len(codes), 625):
        part = codes[start : start + 625]
        tensors = of.encode_codes(part)
        assert np.array_equal(of.decode_tensor(tensors), part)
        seen.update(np.packbits(tensor).tobytes() for tensor in tensors)
    assert len(seen) == len(codes)


# -- what is no encoding --------------------------------------------------------------------------


def holds_or_refuses(of: Any, tensor: Tensor) -> bool:
    """Return whether a tensor is decoded; then it must be an encoding, else the message must name the place."""
    message = ""
    try:
        found = of.decode(tensor)
    except smashdsl.UserError as error:
        message = error.message
    if message:
        assert re.search(r"at slice \d+, feature \d+ \(`.+`\) is (on|off) in row \d+", message)
        return False
    encoded = of.encode(found)
    assert torch.equal(tensor[:, :, : encoded.shape[2]], encoded)
    assert not tensor[:, :, encoded.shape[2] :].any()
    return True


@pytest.mark.parametrize("name", [*NAMES, "fashion", "nas_bench_201", "densenet_bc"])
def test_a_flipped_bit_is_refused_or_another_architecture(name: str) -> None:
    of = space(name)
    rng = np.random.default_rng(3)
    for architecture in of.sample(4, seed=2):
        tensor = of.encode(architecture)
        for index in rng.choice(tensor.numel(), size=min(tensor.numel(), 12), replace=False):
            flipped = tensor.flatten().clone()
            flipped[index] ^= True
            holds_or_refuses(of, flipped.reshape(tensor.shape))


def test_flipping_what_a_choice_says_gives_the_other_choice() -> None:
    of = space("params")
    document = of.sample(seed=0).to_json()
    document["decisions"]["param.k"] = 3
    architecture = of.from_json(document)
    tensor = of.encode(architecture)
    field = of.layout.fields["param.k"]
    tensor[field.start : field.stop, :, 0] = ~tensor[field.start : field.stop, :, 0]
    assert of.decode(tensor).decisions() == {**architecture.decisions(), "param.k": 5}


@given(
    st.integers(0, 2**32), st.sampled_from(["lets", "blocks", "tied", "nas_bench_201"]), st.sampled_from([0.02, 0.5])
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_random_tensors_are_refused(seed: int, name: str, share: float) -> None:
    of = space(name)
    generator = torch.Generator().manual_seed(seed)
    tensor = torch.rand(of.layout.features, of.layout.rows, 1 + seed % 40, generator=generator) < share
    assert not holds_or_refuses(of, tensor)


def test_the_message_names_the_first_slice_and_feature() -> None:
    of = space("lets")
    tensor = of.encode(of.sample(seed=0))
    with pytest.raises(smashdsl.UserError) as told:
        of.decode(torch.zeros_like(tensor))
    assert told.value.message == (
        "this tensor is no encoding: at slice 0, feature 0 (`header`) is off in row 0, "
        "which no architecture of space `lets_space` gives"
    )
    field = of.layout.fields["stem.choose"]
    tensor[field.start : field.stop, :, 1] = True
    with pytest.raises(smashdsl.UserError, match=r"at slice 1, feature \d+ \(`stem.choose = \d`\) is on in row 0"):
        of.decode(tensor)


@pytest.mark.parametrize("slices", [0, 1, 3])
@pytest.mark.parametrize("name", ["lets", "densenet_bc"])
def test_empty_tensors_are_refused(name: str, slices: int) -> None:
    of = space(name)
    with pytest.raises(smashdsl.UserError, match=r"at slice 0, feature 0 \(`header`\) is off in row 0"):
        of.decode(torch.zeros(of.layout.features, of.layout.rows, slices, dtype=torch.bool))


def test_tensors_of_another_shape_are_refused() -> None:
    of = space("lets")
    good = of.encode(of.sample(seed=0))
    features, rows, slices = good.shape
    shapes = [(features + 1, rows, slices), (features, rows + 1, slices), (features, slices), (features,), ()]
    for shape in (*shapes, (1, 1, features, rows, slices)):
        with pytest.raises(smashdsl.UserError) as told:
            of.decode(torch.zeros(shape, dtype=torch.bool))
        shown = ", ".join(map(str, shape))
        assert told.value.message == (
            f"a conditioning tensor of space `lets_space` is ({features}, {rows}, slices), not ({shown})"
        )


def test_empty_batches_stay_empty() -> None:
    of = space("blocks")
    none = of.sample(0, seed=0)
    assert len(none) == 0
    assert of.encode(none).shape == (0, of.layout.features, of.layout.rows, 0)
    assert of.decode(of.encode(none)) == none
    assert of.costs(none).params.shape == (0,)


def test_one_wrong_tensor_of_a_batch_is_found() -> None:
    of = space("blocks")
    tensors = of.encode(of.sample(5, seed=0))
    tensors[3, 0, 0, 0] = False
    with pytest.raises(smashdsl.UserError, match="at slice 0, feature 0"):
        of.decode(tensors)


# -- the published layout ---------------------------------------------------------------------------


def read_field(field: dict[str, Any], bits: np.ndarray[Any, Any]) -> Any:
    """Return what a field of one slice says by the published rules, or None when it says nothing."""
    on = bits[field["start"] : field["start"] + field["width"]]
    match field["coding"]:
        case "flag":
            return bool(on[0])
        case "one-hot":
            assert on.sum() <= 1
            return field["values"][int(on.argmax())] if on.any() else None
        case "multi-hot":
            return [int(i) for i in np.flatnonzero(on)] or None
        case "binary":
            digits = on[1:]
            assert on[0] or not digits.any()
            return field["values"][int(digits @ (1 << np.arange(len(digits))))] if on[0] else None
        case "number":
            return int(on @ (1 << np.arange(len(on))))
    raise AssertionError(field)


def slices_of(data: dict[str, Any], tensor: Tensor) -> Iterator[dict[str, Any]]:
    """Yield what each slice of a tensor says, by field, with the number of rows that are on."""
    bits = tensor.numpy()
    for at in range(bits.shape[2]):
        column = bits[:, :, at]
        rows = column.any(0).sum()
        assert (column[:, :rows] == column[:, :1]).all()
        assert not column[:, rows:].any()
        yield {**{field["name"]: read_field(field, column[:, 0]) for field in data["fields"]}, "rows": int(rows)}


def spelled(value: Any) -> Any:
    if isinstance(value, list):
        return value
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


SLICE = ("header", "weight", "template", "region", "piece", "bank", "rows")


@pytest.mark.parametrize("name", [*NAMES, *EXAMPLE_NAMES])
def test_decisions_can_be_read_by_the_published_layout(name: str) -> None:
    of = space(name)
    data = json.loads(json.dumps(of.layout.as_data()))
    assert [f["start"] for f in data["fields"]] == list(np.cumsum([0, *(f["width"] for f in data["fields"])]))[:-1]
    assert sum(f["width"] for f in data["fields"]) == data["features"]
    template_of = {site.path: site.decision.template for site in of.sites.all}
    for architecture in drawn(name)[:6]:
        tensor = of.encode(architecture)
        assert tensor.shape[:2] == (data["features"], data["rows"])
        told: dict[str, list[Any]] = {}
        for one in slices_of(data, tensor):
            assert one["header"] != one["weight"]
            assert one["template"] is not None
            if one["header"]:
                assert one["rows"] == data["rows"]
                for field, value in one.items():
                    if field not in SLICE and value is not None:
                        told.setdefault(field, []).append(value)
        wanted: dict[str, list[Any]] = {}
        for path, value in architecture.decisions().items():
            wanted.setdefault(template_of[path], []).append(spelled(value))
        # what is decided once and used again is told again
        assert set(told) == set(wanted)
        for field, values in wanted.items():
            repeated = {json.dumps(value) for value in told[field]} == {json.dumps(value) for value in values}
            assert told[field] == values or (len(told[field]) > len(values) and repeated)


@pytest.mark.parametrize("name", [*NAMES, "fashion", "smashv1"])
def test_weight_slices_are_the_pieces_of_generated_weights(name: str) -> None:
    of = space(name)
    data = of.layout.as_data()
    tile = data["tile"]
    for architecture in drawn(name)[:6]:
        generated = [spec for spec in of.weights(architecture).values() if spec.kind == "generated"]
        pieces = [one for one in slices_of(data, of.encode(architecture)) if one["weight"]]
        at = 0
        for spec in generated:
            out, into = spec.shape[:2]
            count = -(-into // tile["unit_in"])
            own = pieces[at : at + count]
            assert [one["piece"] for one in own] == list(range(1, count + 1))
            assert {one["rows"] for one in own} == {-(-out // tile["unit_out"])}
            assert {one["template"] for one in own} == {spec.template}
            assert {one["region"] for one in own} == {spec.region or None}
            at += count
        assert at == len(pieces)


def test_weight_slices_say_what_their_op_decides_and_which_banks_they_take() -> None:
    of = space("fashion")
    data = of.layout.as_data()
    for architecture in drawn("fashion")[:6]:
        header: dict[str, Any] = {}
        for one in slices_of(data, of.encode(architecture)):
            if one["header"]:
                header = one
                continue
            assert {k: v for k, v in one.items() if k not in SLICE} == {
                k: v for k, v in header.items() if k not in SLICE
            }
            # banks of 8 channels, pieces of `unit_in`
            read, unit = header["mix.read"], data["tile"]["unit_in"]
            first, last = (one["piece"] - 1) * unit // 8, (one["piece"] * unit - 1) // 8
            assert one["bank"] == read[first : last + 1]
