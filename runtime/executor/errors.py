"""What goes wrong in a run, and how it spreads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sglc.compiler.plan.plan import Loc

Code = Literal[
    "cancelled", "check", "data", "fail", "internal", "limit", "match", "model", "option", "parse",
    "tool",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunError:
    """A failure of one node.

    ``cause`` is the type and message of the exception behind it, if there is one; ``details`` its
    traceback, for those who ask. ``order`` places it in the program: errors compare as a
    sequential run would meet them.
    """

    code: Code
    message: str
    loc: Loc | None = None
    cause: str | None = None
    details: str | None = None
    order: tuple[int, ...] = ()

    def __str__(self) -> str:
        place = "" if self.loc is None else f"{self.loc}: "
        return f"{place}{self.message}"


@dataclass(frozen=True, slots=True)
class Poison:
    """Stands for the value of a node that failed, and of every node that needed it."""

    error: RunError


class OpError(Exception):
    """A node cannot be done; becomes a RunError at the node."""

    def __init__(
        self, code: Code, message: str, cause: str | None = None, details: str | None = None
    ) -> None:
        super().__init__(message)
        self.code: Code = code
        self.cause = cause
        self.details = details


class LimitError(Exception):
    """A run has used up its fuel; nothing in the program can catch it."""


class Scope:
    """Where the errors of a part of a run are gathered: of the run, a ``try``, a call."""

    __slots__ = ("errors",)

    def __init__(self) -> None:
        self.errors: list[RunError] = []

    def first(self) -> RunError | None:
        """Return the first error in program order, or None."""
        return min(self.errors, key=lambda error: error.order, default=None)
