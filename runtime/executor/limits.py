"""Fuel: what one instance of a program may use up."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds per instance. Passing one ends the run with an error; ``try`` cannot catch it.

    ``max_tokens`` counts generated tokens; ``max_turns`` the turns of all ``for``, ``while``,
    ``map`` and ``filter`` regions; ``max_depth`` calls inside calls. ``tool_timeout_s`` is for
    tools that declare none.

    Raises:
        ValueError: a limit is not positive; the message names it.
    """

    max_model_calls: int = 10_000
    max_tokens: int = 10_000_000
    wall_time_s: float | None = None
    max_fork_width: int = 1_000
    max_turns: int = 1_000_000
    max_depth: int = 10_000
    tool_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"{field.name} must be positive, not {value!r}")
