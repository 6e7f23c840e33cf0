"""The message of a state that is open, if one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sglc.errors import StateError

if TYPE_CHECKING:
    from sglc.compiler.plan.plan import Loc


@dataclass(slots=True)
class Turn:
    """Whose message is open, since where, and whether anything stands in it.

    Outside of messages ``role`` is None, and ``has_text`` speaks of the text there.
    """

    role: str | None = None
    loc: Loc | None = None
    has_text: bool = False

    def copy(self) -> Turn:
        """Return the same, to go on from by itself."""
        return Turn(self.role, self.loc, self.has_text)

    def begin(self, role: str, loc: Loc | None) -> None:
        """A message begins.

        Raises:
            StateError: another one is open.
        """
        if self.role is not None:
            raise StateError(
                f"{_a(role)} message cannot begin inside of {_a(self.role)} one, open since "
                f"{self.loc}: end that before, with {self.role}_end()"
            )
        self.role, self.loc, self.has_text = role, loc, False

    def end(self, role: str) -> None:
        """A message ends.

        Raises:
            StateError: it is not open.
        """
        if self.role != role:
            inside = f"{_a(self.role)} one" if self.role else "none"
            raise StateError(
                f"{_a(role)} message ends, but {inside} is open: begin it before, with "
                f"{role}_begin()"
            )
        self.role, self.has_text = None, False


def _a(role: str) -> str:
    return f"an {role}" if role == "assistant" else f"a {role}"
