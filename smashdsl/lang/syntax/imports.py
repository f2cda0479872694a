"""The files that a file imports, and those that they import, each read and parsed once."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from smashdsl.errors import UserError
from smashdsl.lang.syntax import nodes as s
from smashdsl.lang.syntax.parser import parse
from smashdsl.lang.text.diagnostics import Diagnostic, Label, Sink
from smashdsl.lang.text.folder import Reader
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source, Sources

DRIVE = re.compile(r"[A-Za-z]:")


def read_imports(tree: s.File, sources: Sources, sink: Sink, limits: Limits, reader: Reader | None) -> list[s.File]:
    """Return the trees of all files that a file imports, each after those that it imports itself.

    What is wrong with them is told to ``sink``, each text is added to ``sources``.
    """
    root = re.split(r"[\\/]", sources.texts[0].name)[-1]
    reading = _Reading(sources, sink, limits, reader, stack=[root])
    reading.follow(tree, root)
    return reading.trees


@dataclass
class _Reading:
    sources: Sources
    sink: Sink
    limits: Limits
    reader: Reader | None
    stack: list[str]  # the files that are being followed, the root first
    known: set[str] = field(default_factory=set)
    trees: list[s.File] = field(default_factory=list)
    bytes: int = 0

    def follow(self, tree: s.File, path: str) -> None:
        """Read what a tree imports; paths are relative to the folder of the root file."""
        for node in imports(tree):
            target = self.target(node, path)
            if target in self.stack:
                self.cycle(node, target)
                continue
            if target is None or target in self.known:
                continue
            self.known.add(target)
            found = self.read(node, target)
            if found is None:
                continue
            self.stack.append(target)
            self.follow(found, target)
            self.stack.pop()
            self.trees.append(found)

    def target(self, node: s.Import, path: str) -> str | None:
        """Return the path that an import names, or None after reporting that it names none of this folder."""
        text = node.path.value
        place, help = node.path.span, 'write a relative path, such as `import "common.smash"`'
        if self.reader is None:
            help = "load the file itself, or give `loads` the folder as `base=`"
            self.sink.error("SD0007", "a text without a folder can't import files", place, help=help)
            return None
        if "://" in text:
            self.sink.error("SD0009", "an import names a file, not an address on the network", place, help=help)
        elif "\\" in text:
            self.sink.error("SD0009", "a path is written with `/`", place, help=f"write `{text.replace(chr(92), '/')}`")
        elif text.startswith(("/", "~")) or DRIVE.match(text):
            self.sink.error("SD0009", "an import is relative to the file it stands in", place, help=help)
        elif not text.strip() or not text.isprintable():
            self.sink.error("SD0009", "this import names no file", place, help=help)
        else:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), text))
            if target != ".." and not target.startswith("../"):
                return target
            message = "this import leads out of the folder of the file that is compiled"
            self.sink.error("SD0009", message, place, help="copy the file into that folder, or compile one above both")
        return None

    def cycle(self, node: s.Import, target: str) -> None:
        names = [*self.stack[self.stack.index(target) :], target]
        shown = " imports ".join(f"`{name}`" for name in names)
        help = "move what both use into a third file"
        self.sink.error("SD0008", f"{shown}, without end", node.path.span, help=help)

    def read(self, node: s.Import, target: str) -> s.File | None:
        """Read and parse one file."""
        assert self.reader is not None
        place = node.path.span
        if len(self.known) > self.limits.imports:
            help = "import fewer files, or raise the limit: `load(…, limits=Limits(imports=…))`"
            self.sink.error("SD0405", f"more than {self.limits.imports} files are imported", place, help=help)
            return None
        try:
            source = self.reader(target, self.limits.bytes)
        except UserError as error:
            self.sink.error("SD0007", error.message, place, help=error.help)
            return None
        self.bytes += len(source.text.encode("utf-8", "surrogatepass"))
        if self.bytes > self.limits.import_bytes:
            message = f"imported files hold more than {self.limits.import_bytes:,} bytes"
            help = "import less, or raise the limit: `load(…, limits=Limits(import_bytes=…))`"
            self.sink.error("SD0406", message, place, help=help)
            return None
        return self.parsed(node, source)

    def parsed(self, node: s.Import, source: Source) -> s.File | None:
        file = self.sources.add(source, node.span)
        own = Sink(source)
        tree = parse(source, own, self.limits)
        for diagnostic in own.found:
            self.sink.add(diagnostic.in_file(file))
        if tree is None:
            return None
        placed: s.File = s.in_file(tree, file)
        for space in placed.items:
            if isinstance(space, s.SpaceDef):
                message = f"an imported file holds no space: `{space.name.id}` stands in `{source.name}`"
                label = Label(node.span, "imported here")
                help = "move the ops, cells and params that both use into a file of their own"
                self.sink.add(Diagnostic("SD0107", message, space.span, others=(label,), help=help))
        return placed


def imports(tree: s.File) -> Iterator[s.Import]:
    """Yield the imports of a file in text order."""
    yield from (item for item in tree.items if isinstance(item, s.Import))
