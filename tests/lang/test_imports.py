"""Checking a spec needs no tensors, and no folder imports from one that comes after it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# report before search: a search draws what it found
FLOW = (
    "errors",
    "files",
    "ops",
    "lang.text",
    "lang.syntax",
    "lang.typed",
    "lang.program",
    "lang.check",
    "lang.compile",
    "lang.diff",
    "lang.lint",
    "lang.schemas",
    "highlight",
    "lsp",
    "space",
    "graph",
    "api",
    "data",
    "hypernet",
    "report",
    "search",
    "cli",
    "__main__",
)
COMPILE = """
from pathlib import Path
from smashdsl.lang.compile import compile_source
from smashdsl.lang.typed.identity import space_hash
from smashdsl.lang.typed.printer import to_text
from smashdsl.lang.text.source import Source
space = compile_source(Source("net.smash", Path("examples/nas_bench_201.smash").read_text(encoding="utf-8"))).space
to_text(space), space_hash(space)
"""
ASK = "import sys; print(*sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'numpy'}))"


def heavy_modules(program: str, first: Path | None = None) -> str:
    """Return which of torch and numpy a program imports; modules in the folder ``first`` take precedence."""
    call = [sys.executable, "-c", f"{program}\n{ASK}"]
    env = os.environ | ({} if first is None else {"PYTHONPATH": str(first)})
    done = subprocess.run(call, cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_compiling_imports_neither_torch_nor_numpy() -> None:
    assert heavy_modules(COMPILE) == ""


COMMANDS = (
    ["check", "examples/nas_bench_201.smash"],
    ["fmt", "--check", "examples/nas_bench_201.smash"],
    ["explain", "SD0203"],
    ["ebnf"],
    ["lint", "examples/nas_bench_201.smash"],
    ["diff", "examples/nas_bench_201.smash", "examples/nas_bench_201.smash"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_tools_import_neither_torch_nor_numpy(command: list[str]) -> None:
    program = f"from smashdsl.cli.main import main\nassert main({command}) == 0\nprint('=====')"
    assert heavy_modules(program).rpartition("=====")[2] == ""


@pytest.mark.parametrize("module", ["numpy", "torch"])
def test_the_check_would_tell(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("")  # the real one takes seconds
    assert heavy_modules(f"{COMPILE}\nimport {module}", tmp_path) == module


def imports(text: str) -> Iterator[str]:
    """Yield the parts of smashdsl that a module imports."""
    for node in ast.walk(ast.parse(text)):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (part_of(module.split(".")[1:]) for module in modules if module.startswith("smashdsl."))


def part_of(path: Sequence[str]) -> str:
    """Return the place in the flow of a module: its folder, of `lang` the folder inside."""
    return ".".join(path[: 2 if path[0] == "lang" else 1])


def against_the_flow(part: str, text: str) -> list[str]:
    """Return what a module of a part imports although it comes later."""
    place = FLOW.index(part)
    return [name for name in imports(text) if name in FLOW and FLOW.index(name) > place]


SOURCES = sorted((ROOT / "smashdsl").rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "smashdsl")))
def test_imports_follow_the_flow(path: Path) -> None:
    part = part_of(path.relative_to(ROOT / "smashdsl").with_suffix("").parts)
    if not part.endswith("__init__"):
        assert part in FLOW, "a new folder has its place in the flow"
        assert against_the_flow(part, path.read_text(encoding="utf-8")) == []


def test_an_import_against_the_flow_is_seen() -> None:
    assert against_the_flow("ops", "def f():\n    from smashdsl.lang.typed.ir import Space") == ["lang.typed"]
    assert against_the_flow("lang.check", "from smashdsl import space") == ["space"]
    assert against_the_flow("lang.syntax", "from smashdsl.lang.typed import ir") == ["lang.typed"]
    assert against_the_flow("lang.typed", "from smashdsl.ops import LAYERS") == []
