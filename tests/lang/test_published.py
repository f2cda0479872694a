"""What is published beside the code: the grammar as EBNF and the JSON Schemas, current and true."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from lark import Lark

import smashdsl
from smashdsl.cli.main import main
from smashdsl.lang.schemas import SCHEMAS
from smashdsl.lang.syntax.ebnf import ebnf
from smashdsl.lang.syntax.grammar import text
from smashdsl.lang.typed.document import to_json
from tests.small import SPEC

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.smash"))


def fits(name: str, data: Any) -> bool:
    schema = SCHEMAS[name]()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema).is_valid(data)


def test_the_published_grammar_is_current() -> None:
    published = (ROOT / "docs" / "grammar.ebnf").read_text(encoding="utf-8")
    assert published == ebnf(), "write it anew: smashdsl ebnf > docs/grammar.ebnf"


def test_the_published_grammar_reads_the_examples() -> None:
    """Its rules, with the terminals of the Lark grammar, make a parser of the same language."""
    rules = re.sub(r"^[A-Z].*\n", "", ebnf().partition("*/\n")[2], flags=re.MULTILINE).replace(" ::= ", ": ")
    terminals = "\n".join(line for line in text().split("\n") if re.match(r"[A-Z%]", line))
    parser = Lark(f"{rules}\n{terminals}\n", parser="lalr", lexer="basic")
    for path in EXAMPLES:
        parser.parse(path.read_text(encoding="utf-8"))


def test_every_name_of_the_published_grammar_has_a_production() -> None:
    productions = dict(line.split(" ::= ") for line in ebnf().split("\n") if " ::= " in line)
    used = set(re.findall(r"[A-Za-z_]+", re.sub(r"\"[^\"]*\"|'[^']*'|\[[^\]]*\]", "", " ".join(productions.values()))))
    assert used - productions.keys() == set()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_published_schema_is_current(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    published = json.loads((ROOT / "docs" / "schemas" / f"{name}.json").read_text(encoding="utf-8"))
    made = json.loads(capsys.readouterr().out)
    assert published == made, f"write it anew: smashdsl schema {name} > docs/schemas/{name}.json"


def test_an_unknown_schema_is_a_wrong_call(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "diagnostic"]) == 2
    assert "did you mean `diagnostics`?" in capsys.readouterr().err


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_ir_fits_its_schema(path: Path) -> None:
    data = json.loads(json.dumps(to_json(smashdsl.load(path).compiled.space)))
    assert fits("ir", data)
    assert not fits("ir", data | {"blocks": 3})


def test_architectures_fit_their_schema() -> None:
    space = smashdsl.loads(SPEC)
    data = [architecture.to_json() for architecture in space.sample(20, seed=0)]
    assert all(fits("architecture", one) for one in data)
    assert not fits("architecture", data[0] | {"format": 2})
    assert not fits("architecture", data[0] | {"decisions": []})


def test_results_of_checking_fit_their_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.smash").write_text(SPEC.replace("conv(1x1, 8)", "conv(1x1, 6)").replace("norm; relu", "norm relu"))
    (tmp_path / "good.smash").write_text(SPEC)
    for files in (["bad.smash"], ["good.smash"], ["good.smash", "bad.smash"]):
        main(["check", "--format", "json", *(str(tmp_path / file) for file in files)])
        data = json.loads(capsys.readouterr().out)
        assert fits("diagnostics", data)
    assert not fits("diagnostics", data[0] | {"more": 1})
