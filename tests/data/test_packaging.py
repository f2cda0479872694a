"""The package's list of packages, which is written out and so could fall behind."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_package_is_listed():
    listed = re.search(r"^packages = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    assert listed is not None
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "smashdsl").rglob("__init__.py")}
    assert found <= set(re.findall(r'"([\w.]+)"', listed.group(1)))


def test_the_shipped_data_comes_with_its_licence():
    licence = resources.files("smashdsl.data") / "fashion_mini" / "LICENSE"
    assert "Copyright © 2017 Zalando SE, https://tech.zalando.com" in licence.read_text(encoding="utf-8")


def test_every_file_beside_the_code_is_shipped():
    text = (ROOT / "pyproject.toml").read_text()
    section = text.partition("[tool.setuptools.package-data]")[2].partition("\n[")[0]
    patterns = {
        name: re.findall(r'"([^"]+)"', listed)
        for name, listed in re.findall(r'^"?([\w.]+)"? = \[(.*)\]', section, re.M)
    }
    shipped = {path for name, globs in patterns.items() for glob in globs for path in _folder(name).glob(glob)}
    beside = {
        path
        for folder in (ROOT / "smashdsl", ROOT / "grammar")
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert beside
    assert beside <= shipped


def _folder(package: str) -> Path:
    return ROOT / "grammar" if package == "smashdsl.grammar" else ROOT.joinpath(*package.split("."))
