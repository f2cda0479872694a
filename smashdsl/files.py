"""Files written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smashdsl.errors import UserError


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a new file, then put it in the place of ``path``; the old one stays until then.

    Raises `UserError` when the disk is full or the folder can't be written.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole."""
    write_whole(path, lambda temporary: _fill(temporary, text))


def _fill(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write JSON whole, for people to read; equal data gives equal bytes."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file; raises `UserError` that calls it ``what`` when there is none or it is broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse, object_pairs_hook=_once)
    except FileNotFoundError:
        raise UserError(f"there is no {what} at `{path}`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"`{path}` is no {what}: {error}") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless a name stands in it twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"`{twice}` stands twice")
    return found


def append_line(path: Path, data: Any) -> None:
    """Append one JSON line and see it to the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(data, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from None


def read_lines(path: Path) -> list[Any]:
    """Read a file of JSON lines; a last line that was cut off while it was written is dropped, on disk too.

    Raises `UserError` for a broken line before the last.
    """
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        whole = text.rfind("\n") + 1
        if whole < len(text):
            with path.open("r+b") as file:
                file.truncate(len(text[:whole].encode()))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"`{path}` can't be read: {error}") from None
    lines = []
    for number, line in enumerate(text[:whole].splitlines(), 1):
        try:
            lines.append(json.loads(line, parse_constant=_refuse, object_pairs_hook=_once))
        except (ValueError, RecursionError):
            raise UserError(f"line {number} of `{path}` is broken", "restore the file, or start a new run") from None
    return lines


def unwritable(path: Path, error: OSError) -> UserError:
    """Return the error for a file that can't be written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return UserError(f"`{path}` was not written: the disk is full", "free some space, then run it again")
    if isinstance(error, FileExistsError | NotADirectoryError):
        return UserError(f"`{path}` can't be written: `{path.parent}` is a file", "name a folder, or a new one")
    return UserError(f"`{path}` can't be written: {error.strerror or error}")
