"""The language reference, compiled: every ```smash fence of the pages beside this file.

A fence is a whole file; ```smash space is what stands in a space, ```smash body in its body, ```smash block in a block
of four banks of eight channels. It must compile, unless comments say what is wrong on their line, and exactly that:
`# error[SD0203]: text … more text (when site = value)`. `# count: 12` states the number of architectures, and
`# members: 6` how many of them meet the constraints.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from smashdsl.lang.check.count import count_members
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.diagnostics import Diagnostic, SmashError
from smashdsl.lang.text.source import Source

FENCE = re.compile(r"^```smash ?(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXPECTED = re.compile(r"# (error|warning)\[(SD\d{4})\]: (.*?)(?: \(when (.*)\))?$")
MEMBERS = re.compile(r"^ *# members: ([\d,]+)$", re.MULTILINE)
COUNT = re.compile(r"^ *# count: ([\d,]+)$", re.MULTILINE)
SPACE = (
    "smash 1\nspace s {\n  input image[8, 8, 8]\n  output classes(4)\n",
    "  head { global_avg_pool; linear(classes) }\n}\n",
)
AROUND = {
    "": ("", ""),
    "space": SPACE,
    "body": (f"{SPACE[0]}body {{\n", f"}}\n{SPACE[1]}"),
    "block": (f"{SPACE[0]}block b {{\n  banks 4 of 8\n", f"}}\n{SPACE[1]}"),
}


class Fence(NamedTuple):
    name: str
    text: str


def fences() -> list[Fence]:
    found = []
    for page in sorted(Path(__file__).parent.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            before, after = AROUND[match[1]]
            line = text.count("\n", 0, match.start()) + 1
            found.append(Fence(f"{page.stem}:{line}", before + match[2] + after))
    return found


def told(source: Source, diagnostics: tuple[Diagnostic, ...]) -> list[tuple[int, str, Diagnostic]]:
    return sorted((source.position(d.span.start)[0], f"{d.severity}[{d.code}]", d) for d in diagnostics)


@pytest.mark.parametrize("fence", fences(), ids=lambda fence: fence.name)
def test_page(fence: Fence) -> None:
    source = Source(fence.name, fence.text)
    wanted = [(i, found) for i, line in enumerate(fence.text.split("\n"), 1) if (found := EXPECTED.search(line))]
    rendered = ""
    try:
        compiled = compile_source(source)
        diagnostics = compiled.warnings
        for count in COUNT.findall(fence.text):
            assert compiled.facts.count == int(count.replace(",", ""))
        for members in MEMBERS.findall(fence.text):
            found = count_members(compiled.program, compiled.facts, compiled.limits)
            assert found == int(members.replace(",", ""))
    except SmashError as error:
        diagnostics, rendered = error.diagnostics, str(error)
    found = told(source, diagnostics)
    assert [(line, code) for line, code, _ in found] == [(i, f"{m[1]}[{m[2]}]") for i, m in wanted], rendered
    for (_, _, diagnostic), (_, match) in zip(found, wanted, strict=True):
        said = f"{diagnostic.message} = help: {diagnostic.help}"
        for part in match[3].split(" … "):
            assert part in said
        if match[4] is not None:
            assert match[4] == ", ".join(f"{path} = {value}" for path, value in diagnostic.when)


def test_a_fence_that_is_wrong_fails() -> None:
    with pytest.raises(SmashError, match="conv2"):
        compile_source(Source("x", SPACE[0] + "stem { conv2 }" + SPACE[1]))
