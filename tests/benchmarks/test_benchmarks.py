"""Every benchmark runs; how fast is left to the machine."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.__main__ import main
from benchmarks.measure import TINY, race
from benchmarks.table import BENCHMARKS


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_returns_figures(name: str) -> None:
    rows = BENCHMARKS[name](TINY)
    assert rows
    assert all(row.benchmark == name and row.case and math.isfinite(row.figure) for row in rows)


def test_names_select_and_json_says_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checking", "--json", "--tiny"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {row["benchmark"] for row in said["rows"]} == {"checking"}
    assert {"processor", "python", "torch"} <= set(said["machine"])


def test_table_starts_with_the_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["checking", "--tiny"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("processor")
    assert any(line.startswith("checking") and " ms " in line for line in lines)


def test_unknown_name_is_an_error_that_lists_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["chekcing"])
    assert "there is no benchmark `chekcing`" in capsys.readouterr().err


def test_race_runs_cases_in_turn() -> None:
    ran: list[str] = []
    race({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, TINY)
    assert ran == ["a", "b"]
