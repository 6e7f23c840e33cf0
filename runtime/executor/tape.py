"""What may stand between a program and its tools: a tape that is played, and who listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from sglc.compiler.plan.plan import ToolSpec


class ToolSite(NamedTuple):
    """A call of a tool: of which one, in which instance, at which place of it (as of events).

    ``is_tentative``: it is made ahead of a decision, and may come to nothing.
    """

    tool: ToolSpec
    instance: int
    path: str
    arguments: Mapping[str, Any]
    is_tentative: bool = False


class Played(NamedTuple):
    """What a tape says that a call came to; ``error`` None: to ``value``."""

    value: Any = None
    error: Exception | None = None


class ToolTape(Protocol):
    """Knows what calls of tools come to."""

    def play(self, site: ToolSite) -> Played | None:
        """Return what a call comes to, which is then not made; None if it is to be made."""


class ToolListener(Protocol):
    """Is told what calls of tools came to."""

    def tool_ended(self, site: ToolSite, value: Any, error: BaseException | None) -> None:
        """A call has come to a value, or to an error; one that is tried again comes again."""

    def tool_cancelled(self, site: ToolSite) -> None:
        """Nobody waits any more for what a call comes to."""
