"""The two ways a call can fail that are the caller's to mend."""

from __future__ import annotations


class UserError(Exception):
    """Something the user gave is wrong: a file, a flag, data, a checkpoint.

    ``message`` is one lower-case phrase that names the user's object and stands alone; ``help`` is the way out.
    ``exit_code`` is 1 when an input is wrong and 2 when the call itself is.
    """

    exit_code = 1

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message if help is None else f"{message}\n  = help: {help}")
        self.message = message
        self.help = help


class UsageError(UserError):
    """The call itself is wrong: an unknown flag, an impossible number."""

    exit_code = 2
