"""Files that import others, as an editor holds them: what is not saved yet counts."""

from __future__ import annotations

from pathlib import Path

from smashdsl.lsp.analysis import Analysis, analyse
from smashdsl.lsp.project import Project
from smashdsl.lsp.rename import rename

COMMON = "smash 1\nop unit { conv(3x3, 8) }\n"
NET = """smash 1
import "common.smash"
space s {
  input image[3, 8, 8]
  output classes(4)
  stem { unit }
  head { global_avg_pool; linear(classes) }
}
"""


def opened(folder: Path, common: str) -> tuple[Project, str]:
    """Return a project whose imported file differs on the disk from what the editor holds."""
    (folder / "common.smash").write_text("smash 1\n", encoding="utf-8")
    project = Project()
    project.edit(str(folder / "common.smash"), common)
    project.edit(str(folder / "net.smash"), NET)
    return project, str(folder / "net.smash")


def analysed(project: Project, file: str) -> Analysis:
    return analyse(file, project.open[file].text, reader=project.reader(file))


def test_an_imported_file_is_read_as_the_editor_holds_it(tmp_path: Path) -> None:
    project, file = opened(tmp_path, COMMON)
    assert analysed(project, file).compiled is not None
    project.close(str(tmp_path / "common.smash"))
    assert [d.code for d in analysed(project, file).diagnostics] == ["SD0101"]


def test_what_is_wrong_in_an_imported_file_is_told_at_its_import(tmp_path: Path) -> None:
    project, file = opened(tmp_path, COMMON.replace("conv", "conv3"))
    (found,) = analysed(project, file).diagnostics
    assert NET[found.span.start : found.span.end] == 'import "common.smash"'
    assert found.message.endswith("common.smash:2:11: there is no layer, op or cell `conv3`")


def test_the_place_in_the_imported_file_is_told_too(tmp_path: Path) -> None:
    project, file = opened(tmp_path, COMMON.replace("conv", "conv3"))
    ((place,),) = analysed(project, file).related
    assert place.source.text[place.span.start : place.span.end] == "conv3"
    assert place.source.name == str(tmp_path / "common.smash")


def test_a_file_of_ops_may_import_others(tmp_path: Path) -> None:
    project, _ = opened(tmp_path, COMMON)
    library = str(tmp_path / "more.smash")
    project.edit(library, 'smash 1\nimport "common.smash"\nop two { unit; unit }\n')
    assert analysed(project, library).diagnostics == ()
    project.edit(library, 'smash 1\nimport "none.smash"\nop two { unit }\n')
    assert [d.code for d in analysed(project, library).diagnostics] == ["SD0007"]


def test_an_imported_op_is_renamed_in_both_files(tmp_path: Path) -> None:
    project, file = opened(tmp_path, COMMON)
    places = rename(project, file, NET.index("unit"), "part")
    assert {Path(name).name: len(spans) for name, spans in places.items()} == {"net.smash": 1, "common.smash": 1}
