"""Commands as a user types them: what they print, what they write, and how they fail."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from smashdsl.cli.main import main
from tests.small import SPEC, write_npz

FAST = ["--candidates", "5", "--steps", "12", "--batch", "8", "--growth", "3", "--layers", "2,1", "--seeds", "2"]
FAST += ["--retrain-steps", "12", "--retrain-batch", "8", "--device", "cpu"]


@pytest.fixture
def spec(tmp_path: Path) -> str:
    path = tmp_path / "small.smash"
    path.write_text(SPEC)
    return str(path)


def run(*argv: str) -> int:
    return main(list(argv))


def out(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_check_says_how_many(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "examples/nas_bench_201.smash", "examples/densenet_bc.smash") == 0
    assert out(capsys) == (
        "examples/nas_bench_201.smash: space `nas_bench_201` is well made: 15,625 architectures\n"
        "examples/densenet_bc.smash: space `densenet_bc` is well made: one architecture\n"
    )


def test_check_points_at_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.smash"
    path.write_text(SPEC.replace("max_pool(3)", "max_poll(3)").replace("conv(1x1, 8)", "conv(1x1, 6)"))
    assert run("check", str(path)) == 1
    shown = capsys.readouterr().err
    assert "error[SD0101]: there is no layer, op or cell `max_poll`" in shown
    assert "did you mean `max_pool`?" in shown
    assert f"{path}:10:" in shown
    assert run("check", str(path), "--format", "concise") == 1
    assert out(capsys).startswith(f"{path}:10:")
    assert run("check", str(path), "--json") == 1
    data = json.loads(out(capsys))
    assert data["ok"] is False
    assert data["diagnostics"][0]["code"] == "SD0101"
    assert data["diagnostics"][0]["line"] == 10


def test_check_tells_what_is_wrong_in_imported_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, common = tmp_path / "net.smash", tmp_path / "common.smash"
    path.write_text(
        'smash 1\nimport "common.smash"\nspace s {\n  input vector[4]\n  output classes(4)\n}\n', encoding="utf-8"
    )
    common.write_text("smash 1\nop a { conv3 }\n", encoding="utf-8")
    assert run("check", str(path), "--json") == 1
    found = json.loads(out(capsys))["diagnostics"]
    assert [(d["file"], d["line"], d["code"]) for d in found] == [
        (str(path), 3, "SD0107"),
        (str(common), 2, "SD0101"),
    ]


def test_params_are_set(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", spec, "--set", "width=2*8", "--json") == 0
    wide = json.loads(out(capsys))
    assert run("info", spec, "--json") == 0
    narrow = json.loads(out(capsys))
    assert wide["hash"] != narrow["hash"]
    assert run("info", spec, "--set", "widht=8") == 1
    assert "there is no param `widht` to set" in capsys.readouterr().err
    assert run("info", spec, "--set", "width") == 2
    assert run("info", spec, "--set", "width=((") == 1


def test_info_layout_names_every_feature_once(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", spec, "--layout", "--json") == 0
    layout = json.loads(out(capsys))["layout"]
    ends = [field["start"] + field["width"] for field in layout["fields"]]
    assert [field["start"] for field in layout["fields"]] == [0, *ends[:-1]]
    assert ends[-1] == layout["features"]
    assert run("info", spec, "--layout") == 0
    assert "mix.c" in out(capsys)


def test_sample_encode_decode_is_a_round_trip(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("sample", spec, "-n", "3", "--seed", "4", "--costs") == 0
    lines = [json.loads(line) for line in out(capsys).splitlines()]
    assert len(lines) == 3
    assert lines[0]["costs"]["params"] > 0
    architecture = tmp_path / "a.json"
    architecture.write_text(json.dumps(lines[1]))
    tensor = tmp_path / "c.npy"
    assert run("encode", spec, "--arch", str(architecture), "--out", str(tensor)) == 0
    capsys.readouterr()
    assert run("decode", spec, str(tensor)) == 0
    assert json.loads(out(capsys))["decisions"] == lines[1]["decisions"]
    bits = np.load(tensor)
    bits[1, 0, 0] ^= True
    np.save(tensor, bits)
    assert run("decode", spec, str(tensor)) == 1
    assert "no encoding: at slice 0, feature 1 (`weight`)" in capsys.readouterr().err
    tensor.write_bytes(b"junk")
    assert run("decode", spec, str(tensor)) == 1
    shown = capsys.readouterr().err
    assert "is no `.npy` file" in shown
    assert "pickle" not in shown
    assert run("decode", spec, str(tmp_path)) == 1
    assert capsys.readouterr().err == f"error: `{tmp_path}` can't be read: Is a directory\n"


def test_a_picture_is_an_svg_file(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("draw", spec, "--out", str(tmp_path / "net.pdf")) == 2
    assert "let its name end in `.svg`" in capsys.readouterr().err
    assert not (tmp_path / "net.pdf").exists()


CONSTRAINED = """smash 1
space s {
  input image[8, 8, 8]
  output y(4)
  body { repeat 4 { conv({1, 3}) } }
  require params < 1300
  head { global_avg_pool; linear(y) }
}
"""
TOO_MANY = CONSTRAINED.replace("repeat 4 { conv({1, 3}) }", "repeat 12 { conv({1, 3, 5, 7, 9, 11}, 1..60) }")


def test_info_counts_the_members_that_meet_the_constraints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.smash"
    path.write_text(CONSTRAINED)
    assert run("info", str(path)) == 0
    shown = out(capsys)
    assert "members    5 meet the constraints, of 16\n" in shown
    assert "meeting the constraints  " in shown
    assert run("info", str(path), "--json") == 0
    data = json.loads(out(capsys))
    assert (data["count"], data["members"], data["count_ignores_constraints"]) == (16, 5, True)


def test_info_says_where_the_constraints_can_not_be_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.smash"
    path.write_text(TOO_MANY.replace("params < 1300", "params < 1e6"))
    assert run("info", str(path), "--draws", "8") == 0
    shown = out(capsys)
    assert "members    about 4.738e30, constraints not considered: counting those takes too many states\n" in shown
    assert run("info", str(path), "--draws", "8", "--json") == 0
    assert json.loads(out(capsys))["members"] is None


def test_sample_draws_uniformly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.smash"
    path.write_text(CONSTRAINED)
    assert run("sample", str(path), "-n", "60", "--uniform", "--costs") == 0
    drawn = [json.loads(line) for line in out(capsys).splitlines()]
    assert len({json.dumps(one["decisions"]) for one in drawn}) == 5
    assert max(one["costs"]["params"] for one in drawn) < 1300


def test_compile_writes_every_form(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "one"
    assert run("compile", spec, "--seed", "3", "--out", str(folder), "--json") == 0
    assert sorted(json.loads(out(capsys))["files"]) == sorted(path.name for path in folder.iterdir())
    assert "def forward(self, x, weights)" in (folder / "network.py").read_text()
    ET.fromstring((folder / "picture.svg").read_text())
    assert np.load(folder / "conditioning.npy").dtype == bool
    assert run("draw", spec, "--seed", "3") == 0
    assert out(capsys).strip() == (folder / "picture.svg").read_text().strip()


def test_train_search_and_retrain(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = f"npz:{write_npz(tmp_path / 'd.npz')}"
    folder = tmp_path / "run"
    assert run("search", spec, "--data", data, "--out", str(folder), *FAST) == 0
    shown = capsys.readouterr()
    assert "winner" in shown.out
    assert "(median less winner, 95 % interval)" in shown.out
    assert shown.err == ""
    first = (folder / "result.json").read_bytes()
    assert run("search", spec, "--data", data, "--out", str(folder), *FAST, "--json") == 0
    assert json.loads(out(capsys)) == json.loads(first)
    again = tmp_path / "again"
    assert run("search", spec, "--data", data, "--out", str(again), *FAST, "--quiet") == 0
    assert (again / "result.json").read_bytes() == first
    capsys.readouterr()
    arguments = ["--arch", str(folder / "best/architecture.json"), "--retrain-steps", "12", "--retrain-batch", "8"]
    assert run("retrain", spec, "--data", data, "--out", str(tmp_path / "r"), "--seeds", "1", *arguments, "--json") == 0
    result = json.loads(out(capsys))
    assert result["test_errors"] == json.loads(first)["best"]["test_errors"][:1]
    small = ["--steps", "3", "--batch", "4", "--growth", "2", "--layers", "1"]
    assert run("train", spec, "--data", data, "--out", str(tmp_path / "t"), *small) == 0
    assert (tmp_path / "t/checkpoint.safetensors").exists()


WRONG_CALLS = {
    "no command": ([], "arguments are required: COMMAND"),
    "an unknown command": (["serach"], "invalid choice: 'serach'"),
    "an unknown flag": (["check", "a.smash", "--fast"], "unrecognized arguments: --fast"),
    "a seed that is no number": (["sample", "a.smash", "--seed", "x"], "`x` is not a whole number from 0"),
    "no samples": (["sample", "a.smash", "-n", "0"], "`0` is not a whole number from 1"),
    "a rate of nothing": (["train", "a.smash", "--lr", "nan"], "`nan` is not a positive number"),
}


def test_check_reads_stdin(spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(Path(spec).read_bytes())))
    assert run("check", "-") == 0
    assert capsys.readouterr().out.startswith("stdin: space ")


def test_a_value_from_outside_is_told_to_be_that(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wide = tmp_path / "wide.smash"
    wide.write_text(CONSTRAINED.replace("smash 1\n", "smash 1\nparam w = 8\n", 1))
    assert run("check", str(wide), "--set", "w=x") == 1
    assert "note: `w` is set from outside to this" in capsys.readouterr().err


def test_info_of_a_space_that_no_member_meets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    none = tmp_path / "none.smash"
    none.write_text(CONSTRAINED.replace("require ", "require params <= 1\n  require ", 1))
    assert run("info", str(none), "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["members"] == 0
    assert "params" not in data


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_call_ends_with_2(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    argv, message = WRONG_CALLS[case]
    with pytest.raises(SystemExit) as caught:
        run(*argv)
    assert caught.value.code == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: ")
    assert message in shown


def wrong_inputs(spec: str, tmp_path: Path) -> dict[str, tuple[list[str], str]]:
    garbage = tmp_path / "garbage.smash"
    garbage.write_bytes(bytes(range(256)) * 10)
    large = tmp_path / "large.smash"
    large.write_bytes(b"smash 1\n" + b"# x\n" * 2_000_000)
    binary = tmp_path / "null.smash"
    binary.write_bytes(b"smash 1\nspace a {\x00\x01}")
    junk = tmp_path / "junk.json"
    junk.write_text('{"decisions": ')
    npz = write_npz(tmp_path / "d.npz")
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    (run_folder / "run.json").write_text("{}")
    (run_folder / "study.jsonl").write_text("")
    torn = tmp_path / "torn"
    torn.mkdir()
    (torn / "checkpoint.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{")
    return {
        "no file": (["check", str(tmp_path / "no.smash")], "there is no file"),
        "a folder": (["check", str(tmp_path)], "is a folder"),
        "garbage": (["check", str(garbage)], "is not text: byte 128, on line 2, is not UTF-8"),
        "a large file": (["check", str(large)], "is larger than 4,000,000 bytes"),
        "control characters": (["check", str(binary)], "it holds a zero byte"),
        "a broken architecture": (["encode", spec, "--arch", str(junk), "--out", "c.npy"], "is no architecture"),
        "no architecture": (["encode", spec, "--arch", "none.json", "--out", "c.npy"], "there is no architecture at"),
        "missing data": (["train", spec, "--data", "npz:none.npz"], "none.npz"),
        "unknown data": (["train", spec, "--data", "fashion-minni"], "fashion-mini"),
        "images of another shape": (["search", spec, "--data", "fashion-mini"], "holds [1, 28, 28]"),
        "no such device": (
            ["train", spec, "--data", f"npz:{npz}", "--device", "tpu9"],
            "there is no device `tpu9` here",
        ),
        "another run": (
            ["search", spec, "--data", f"npz:{npz}", "--out", str(run_folder), *FAST],
            "belongs to another run",
        ),
        "a torn checkpoint": (
            ["train", spec, "--data", f"npz:{npz}", "--out", str(torn), "--steps", "2"],
            "is truncated or broken",
        ),
        "no layers": (["train", spec, "--layers", "8,x"], "is not a list of numbers of layers"),
        "a folder that can't be": (["compile", spec, "--out", f"{spec}/sub"], "can't be written"),
    }


CASES = [
    "no file",
    "a folder",
    "garbage",
    "a large file",
    "control characters",
    "a broken architecture",
    "no architecture",
    "missing data",
    "unknown data",
    "images of another shape",
    "no such device",
    "another run",
    "a torn checkpoint",
    "no layers",
    "a folder that can't be",
]


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_input_is_one_message_and_no_traceback(
    case: str, spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv, message = wrong_inputs(spec, tmp_path)[case]
    assert run(*argv) in {1, 2}
    shown = capsys.readouterr().err
    assert message in shown
    assert "Traceback" not in shown
    assert shown.startswith("error")


def start(spec: str, folder: Path, data: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "smashdsl", "search", spec, "--data", f"npz:{data}", "--out", str(folder), *FAST]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def wait_for(path: Path, lines: int, process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if process.poll() is not None or (path.exists() and len(path.read_bytes().splitlines()) >= lines):
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


@pytest.mark.parametrize(("how", "file", "lines"), [("KILL", "study.jsonl", 2), ("INT", "trainings.jsonl", 1)])
def test_a_run_that_is_killed_or_stopped_goes_on(spec: str, tmp_path: Path, how: str, file: str, lines: int) -> None:
    data, folder, whole = write_npz(tmp_path / "d.npz"), tmp_path / "run", tmp_path / "whole"
    process = start(spec, folder, data)
    wait_for(folder / file, lines, process)
    process.send_signal(getattr(signal, f"SIG{how}"))
    shown = process.communicate(timeout=60)[1]
    assert "Traceback" not in shown
    if how == "INT":
        assert process.returncode == 130
        assert "the same command goes on" in shown
    before = (folder / "study.jsonl").read_text()
    for target in (folder, whole):
        assert run("search", spec, "--data", f"npz:{data}", "--out", str(target), *FAST, "--quiet") == 0
    assert (folder / "result.json").read_bytes() == (whole / "result.json").read_bytes()
    assert (folder / "study.jsonl").read_text().startswith(before[: before.rfind("\n") + 1])


def test_a_refused_training_leaves_the_folder_as_it_was(spec: str, tmp_path: Path) -> None:
    data, folder = f"npz:{write_npz(tmp_path / 'd.npz')}", tmp_path / "t"
    small = ["--data", data, "--out", str(folder), "--steps", "2", "--batch", "4", "--growth", "2", "--layers", "1"]
    assert run("train", spec, *small) == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = tmp_path / "other.smash"
    other.write_text(SPEC.replace("1..3 of mix", "1..2 of mix"))
    assert run("train", str(other), *small) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
