"""What is said of a layer that breaks the rules for layers: whose it is, and where."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from smashdsl.errors import UserError
from smashdsl.ops.op import Args, Flow, ShapeError

CODE = "SD0211"


class Fault(ShapeError, UserError):
    """A layer of another package is wrong: a fault of that package, never of a spec.

    While a spec is checked it is a diagnostic at the layer's place; anywhere else an error by itself.
    """

    def __init__(self, message: str, help: str | None = None) -> None:
        UserError.__init__(self, message, help)
        self.code = CODE


def place(function: Callable[..., Any], error: BaseException | None = None) -> str:
    """Return the file and line of a function; of an error, the last line of the function's file that led to it."""
    code = function.__code__
    line = code.co_firstlineno
    for frame in traceback.extract_tb(None if error is None else error.__traceback__):
        if frame.filename == code.co_filename and frame.lineno is not None:
            line = frame.lineno
    return f"{code.co_filename}:{line}"


def told(error: BaseException) -> str:
    """Return an error of somebody else's code as a phrase on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def on(flow: Flow, args: Args) -> str:
    """Return what a layer was given, as a phrase."""
    given = ", ".join(f"{name} = {value}" for name, value in args.items())
    return f"{flow} with {given}" if given else str(flow)
