"""Characters of a text file as sequences of tokens, each with the character that comes next at every position."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from smashdsl.data.source import Dataset, Split, last_part, make_dataset
from smashdsl.errors import UserError

TEST_FRACTION = 0.1
MOST_BYTES = 2**30


def read_text(path: Path, name: str, length: int) -> Dataset:
    """Read a UTF-8 text as windows of ``length`` characters that stand side by side.

    Images are tokens (n, length), int64: the places of characters in the sorted alphabet of the whole file, which the
    classes are; labels (n, length) are the tokens one further. The last tenth of the windows is the test split. Raises
    UserError for a file that can't be read, is no text, or is shorter than three windows.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"'{path}' is larger than a gibibyte", "take a part of it")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"'{path}' cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"'{path}' is no text: byte {error.start:,} is not UTF-8", "save it as UTF-8") from error
    count = (len(text) - 1) // length
    if count < 3:
        least = 3 * length + 1
        raise UserError(
            f"'{path}' has {len(text):,} characters, too few for three windows of {length}",
            f"give a text of at least {least:,} characters, or declare a shorter length",
        )
    # as numbers first: a list of characters would take fifty times the memory of the text
    points = np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
    alphabet, tokens = np.unique(points, return_inverse=True)
    tokens = tokens.reshape(-1).astype(np.int64)
    here = tokens[: count * length].reshape(count, length)
    following = tokens[1 : count * length + 1].reshape(count, length)
    train, test = last_part(Split(here, following), TEST_FRACTION)
    return make_dataset(name, train, test, tuple(map(chr, alphabet)))
