"""Files that import others, on a disk: what is read, from where, and how often."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smashdsl.api import load, loads
from smashdsl.errors import UserError
from smashdsl.lang.compile import compile_source
from smashdsl.lang.text.diagnostics import SmashError
from smashdsl.lang.text.limits import Limits
from smashdsl.lang.text.source import Source
from smashdsl.lang.typed.printer import to_text

COMMON = """smash 1
param width = 8
param depth = {1, 2}
op unit { conv(3x3, {width, 2*width}); relu }
op deep { repeat depth { unit } }
"""
NET = """smash 1
IMPORTS
space s {
  input image[3, 8, 8]
  output classes(4)
  stem { unit }
  head { global_avg_pool; linear(classes) }
}
"""


def net(*imports: str, use: str = "unit") -> str:
    lines = "\n".join(f'import "{path}"' for path in imports)
    return NET.replace("IMPORTS", lines).replace("stem { unit }", f"stem {{ {use} }}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "specs"
    inner.mkdir()
    (inner / "common.smash").write_text(COMMON, encoding="utf-8")
    (inner / "net.smash").write_text(net("common.smash"), encoding="utf-8")
    return inner


def test_only_what_is_used_of_an_imported_file_is_part_of_the_space(folder: Path) -> None:
    space = load(folder / "net.smash")
    in_place = net().replace("\nspace", "\nop unit { conv(3x3, {8, 16}); relu }\nspace")
    assert space.hash == loads(in_place).hash
    assert space.count() == 2
    assert [op.name for op in space.compiled.space.ops] == ["unit"]
    assert space.compiled.warnings == ()


def test_what_an_imported_op_uses_is_part_of_the_space(folder: Path) -> None:
    space = loads(net("common.smash", use="deep"), base=folder)
    assert [op.name for op in space.compiled.space.ops] == ["unit", "deep"]
    assert [param.name for param in space.compiled.space.params] == ["depth"]
    assert space.count() == 6


def test_params_of_an_imported_file_can_be_set(folder: Path) -> None:
    in_place = net().replace("\nspace", "\nop unit { conv(3x3, {16, 32}); relu }\nspace")
    assert load(folder / "net.smash", params={"width": 16}).hash == loads(in_place).hash
    with pytest.raises(SmashError, match=r"common\.smash:2"):
        load(folder / "net.smash", params={"width": "8 / 3"})


def test_a_space_that_imports_is_saved_as_a_text_that_compiles_alone(folder: Path) -> None:
    space = load(folder / "net.smash")
    alone = space.compiled.standalone()
    assert alone == to_text(space.compiled.space)
    assert loads(alone).hash == space.hash
    own = net().replace("\nspace", "\nop unit { relu }\nspace")
    assert loads(own).compiled.standalone() == own


def test_a_file_that_is_imported_on_two_ways_is_read_once(folder: Path) -> None:
    asked = []

    def read(path: str, max_bytes: int) -> Source:
        asked.append(path)
        return Source(path, {"common.smash": COMMON}.get(path, 'smash 1\nimport "common.smash"\n'))

    compiled = compile_source(Source("net.smash", net("a.smash", "b.smash", "./common.smash")), reader=read)
    assert sorted(asked) == ["a.smash", "b.smash", "common.smash"]
    assert [text.name for text in compiled.sources.texts[2:]] == ["a.smash", "common.smash", "b.smash"]


def test_a_file_that_imports_itself_is_told_the_cycle(folder: Path) -> None:
    (folder / "net.smash").write_text(net("common.smash", "net.smash"), encoding="utf-8")
    with pytest.raises(SmashError, match=r"`net\.smash` imports `net\.smash`, without end"):
        load(folder / "net.smash")


def test_a_text_without_a_folder_imports_nothing(folder: Path) -> None:
    with pytest.raises(SmashError, match=r"SD0007.*\n(.*\n)*.*base="):
        loads(net("common.smash"))


def told(folder: Path, *imports: str) -> str:
    with pytest.raises(SmashError) as error:
        loads(net("common.smash", *imports), base=folder)
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.span.file == 0
    return f"{diagnostic.code} {diagnostic.message}"


def test_what_can_not_be_read_is_told_at_the_import(folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "latin.smash").write_bytes(b"smash 1\n# caf\xe9\n")
    assert "is a folder" in told(folder, "parts")
    assert "there is no file" in told(folder, "parts/no.smash")
    assert "is not UTF-8" in told(folder, "latin.smash")
    (folder / "large.smash").write_text("smash 1\n" + "#" * 500, encoding="utf-8")
    with pytest.raises(SmashError, match=r"SD0007.*is larger than 500 bytes"):
        loads(net("large.smash"), base=folder, limits=Limits(bytes=500))


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    outside = folder.parent / "outside.smash"
    outside.write_text("smash 1\n", encoding="utf-8")
    try:
        (folder / "link.smash").symlink_to(outside)
        (folder / "inner.smash").symlink_to(folder / "common.smash")
        (folder / "loop.smash").symlink_to(folder / "loop.smash")
    except OSError:
        pytest.skip("this system makes no links")
    assert "is a link that leads out of the folder" in told(folder, "link.smash")
    assert told(folder, "loop.smash").startswith("SD0007")
    assert loads(net("inner.smash"), base=folder).count() == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_not_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe.smash")
    assert "is not a file" in told(folder, "pipe.smash")


def test_imports_have_limits() -> None:
    def read(path: str, max_bytes: int) -> Source:
        return Source(path, f'smash 1\nimport "x{int(path[1:-6]) + 1}.smash"\n')

    with pytest.raises(SmashError, match=r"SD0405.*more than 100 files"):
        compile_source(Source("net.smash", net("x0.smash")), reader=read)
    with pytest.raises(SmashError, match=r"SD0406.*more than 60 bytes"):
        compile_source(Source("net.smash", net("x0.smash")), limits=Limits(import_bytes=60), reader=read)


def test_any_failure_to_read_is_a_finding() -> None:
    def read(path: str, max_bytes: int) -> Source:
        raise UserError("the disk is on fire", "run")

    with pytest.raises(SmashError, match=r"SD0007.*the disk is on fire"):
        compile_source(Source("net.smash", net("a.smash")), reader=read)


def test_two_imported_files_that_share_a_name_are_both_shown(folder: Path) -> None:
    (folder / "more.smash").write_text("smash 1\n\nop unit { gelu }\n", encoding="utf-8")
    with pytest.raises(SmashError) as error:
        loads(net("common.smash", "more.smash"), base=folder)
    assert f"--> {folder / 'more.smash'}:3:4" in str(error.value)
    assert f"--> {folder / 'common.smash'}:4:1" in str(error.value)


def test_a_path_without_quotes_is_told_once_and_mended(folder: Path) -> None:
    text = net("common.smash").replace('"', "")
    with pytest.raises(SmashError) as error:
        loads(text, base=folder)
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.message == "the path of an import stands in quotes"
    (edit,) = diagnostic.fix
    mended = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert loads(mended, base=folder).count() == 2
