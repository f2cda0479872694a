"""The language reference, compiled: every ```smash fence of the pages beside this file.

A fence is a whole file; ```smash space is what stands in a space, ```smash body in its body, ```smash block in a block
of four banks of eight channels; ```smash file NAME is a file that the next whole file imports. It must compile, unless
comments say what is wrong on their line, and exactly that: `# error[SD0203]: text … more text (when site = value)`.
`# label: 12 channels are made here` is what an error says on its line beside its place: a fence that has one has all.
`# count: 12` states the number of architectures, and `# members: 6` how many of them meet the constraints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from smashdsl.errors import UserError
from smashdsl.lang.check.count import count_members
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.diagnostics import Diagnostic, SmashError
from smashdsl.lang.text.source import Source, Sources
from tests.fences import AROUND, SPACE

Place = tuple[bool, str, int]  # whether in an imported file, which file, the line
FENCE = re.compile(r"^```smash ?(\w*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"# (error|warning)\[(SD\d{4})\]: (.*?)(?: \(when (.*)\))?$")
MEMBERS = re.compile(r"^ *# members: ([\d,]+)$", re.MULTILINE)
COUNT = re.compile(r"^ *# count: ([\d,]+)$", re.MULTILINE)
LABEL = re.compile(r"# label: (.*?)(?= # |$)")


class Fence(NamedTuple):
    name: str
    text: str
    files: dict[str, str]  # that it may import

    def read(self, path: str, max_bytes: int) -> Source:
        if path not in self.files:
            raise UserError(f"there is no file `{path}`")
        return Source(path, self.files[path])


def fences() -> list[Fence]:
    found = []
    for page in sorted(Path(__file__).parent.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        files: dict[str, str] = {}
        for match in FENCE.finditer(text):
            if match[1] == "file":
                files[match[2]] = match[3]
                continue
            before, after = AROUND[match[1]]
            line = text.count("\n", 0, match.start()) + 1
            found.append(Fence(f"{page.stem}:{line}", before + match[3] + after, files))
            files = {}
    return found


def expected(fence: Fence) -> list[tuple[Place, re.Match[str]]]:
    """Return what comments say is wrong, by place: the fence's own text first."""
    found = []
    for name, text in ((fence.name, fence.text), *fence.files.items()):
        lines = enumerate(text.split("\n"), 1)
        found += [((name != fence.name, name, i), match) for i, line in lines if (match := EXPECTED.search(line))]
    return sorted(found, key=lambda wanted: wanted[0])


def told(
    fence: Fence, sources: Source | Sources, diagnostics: tuple[Diagnostic, ...]
) -> list[tuple[Place, Diagnostic]]:
    found = []
    for diagnostic in diagnostics:
        source = sources.of(diagnostic.span)
        line, _ = source.position(diagnostic.span.start)
        found.append(((source.name != fence.name, source.name, line), diagnostic))
    return sorted(found, key=lambda one: (one[0], one[1].code))


def labels(sources: Source | Sources, found: list[tuple[Place, Diagnostic]]) -> Iterator[tuple[int, str]]:
    for _, diagnostic in found:
        for label in diagnostic.others:
            yield sources.of(label.span).position(label.span.start)[0], label.text


@pytest.mark.parametrize("fence", fences(), ids=lambda fence: fence.name)
def test_page(fence: Fence) -> None:
    source = Source(fence.name, fence.text)
    sources: Source | Sources = source
    wanted = expected(fence)
    rendered = ""
    try:
        compiled = compile_source(source, reader=fence.read)
        sources, diagnostics = compiled.sources, compiled.warnings
        for count in COUNT.findall(fence.text):
            assert compiled.facts.count == int(count.replace(",", ""))
        for members in MEMBERS.findall(fence.text):
            found = count_members(compiled.program, compiled.facts, compiled.limits)
            assert found == int(members.replace(",", ""))
    except SmashError as error:
        sources, diagnostics, rendered = error.sources, error.diagnostics, str(error)
    found = told(fence, sources, diagnostics)
    said = [(place, f"{diagnostic.severity}[{diagnostic.code}]") for place, diagnostic in found]
    assert said == [(place, f"{match[1]}[{match[2]}]") for place, match in wanted], rendered
    for (_, diagnostic), (_, match) in zip(found, wanted, strict=True):
        whole = f"{diagnostic.message} = help: {diagnostic.help}"
        for part in match[3].split(" … "):
            assert part in whole
        if match[4] is not None:
            assert match[4] == ", ".join(f"{path} = {value}" for path, value in diagnostic.when)
    wanted_labels = [(i, text) for i, line in enumerate(fence.text.split("\n"), 1) for text in LABEL.findall(line)]
    if wanted_labels:
        assert sorted(labels(sources, found)) == wanted_labels, rendered


def test_a_fence_that_is_wrong_fails() -> None:
    with pytest.raises(SmashError, match="conv2"):
        compile_source(Source("x", SPACE[0] + "stem { conv2 }" + SPACE[1]))
