"""What the IR's types say to pydantic, said without importing it.

Importing pydantic takes longer than most specs take to check, and only reading IR from JSON needs it. So the
annotations of the IR hold these marks, which pydantic asks for their meaning once it is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Matching:
    """A text that matches a pattern."""

    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core.core_schema import str_schema

        return str_schema(pattern=self.pattern)


@dataclass(frozen=True)
class Tagged:
    """A union whose members are told apart by one field."""

    field: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from typing import Annotated

        from pydantic import Field

        return handler.generate_schema(Annotated[source, Field(discriminator=self.field)])
