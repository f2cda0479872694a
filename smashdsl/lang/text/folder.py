"""Where imported files are read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from smashdsl.errors import UserError
from smashdsl.lang.text.source import Source, read_source


class Reader(Protocol):
    """Reads the file of a path below the root file's folder, with `/` between its parts."""

    def __call__(self, path: str, max_bytes: int) -> Source:
        """Return the text; raises `UserError` when there is none or it is larger than ``max_bytes``."""
        ...


@dataclass(frozen=True)
class Folder:
    """Reads files of one folder and below; links that lead out of it are not followed."""

    path: Path

    def __call__(self, path: str, max_bytes: int) -> Source:
        """Read a file as text; raises `UserError` when it can't be read or stands elsewhere."""
        file = self.path.joinpath(*path.split("/"))
        try:
            inside = file.resolve().is_relative_to(self.path.resolve())
            special = file.exists() and not file.is_file() and not file.is_dir()
        except (OSError, RuntimeError):  # a link that leads to itself, a name that is too long
            raise UserError(f"`{file}` can't be read") from None
        if not inside:
            raise UserError(f"`{file}` is a link that leads out of the folder `{self.path}`", "copy the file instead")
        if special:
            raise UserError(f"`{file}` is not a file")
        return read_source(file, max_bytes)
