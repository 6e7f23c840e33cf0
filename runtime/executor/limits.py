"""Fuel: what one instance of a program may use up, and what it has."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Fuel:
    """What has been used up: model calls, generated tokens, turns of loops, blocks, data."""

    model_calls: int = 0
    tokens: int = 0
    turns: int = 0
    blocks: int = 0
    data: int = 0

    def copy(self) -> Fuel:
        """Return the same amounts, to be counted on from."""
        return Fuel(self.model_calls, self.tokens, self.turns, self.blocks, self.data)

    def add(self, other: Fuel, before: Fuel) -> None:
        """Count what ``other`` has used up since it was as ``before``."""
        self.model_calls += other.model_calls - before.model_calls
        self.tokens += other.tokens - before.tokens
        self.turns += other.turns - before.turns
        self.blocks += other.blocks - before.blocks
        self.data += other.data - before.data


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds per instance. Passing one ends the run with an error; ``try`` cannot catch it.

    ``max_tokens`` counts generated tokens; ``max_turns`` the turns of all ``for``, ``while``,
    ``map`` and ``filter`` regions, ``max_blocks`` these, branches, arms and calls; ``max_depth``
    calls inside calls. ``max_data`` is about what ops on data make, all together: characters of
    texts, and items of lists and records as if each was written out wherever it stands; None
    leaves it uncounted. ``tool_timeout_s`` is for tools that declare none.

    Raises:
        ValueError: a limit is not positive; the message names it.
    """

    max_model_calls: int = 10_000
    max_tokens: int = 10_000_000
    wall_time_s: float | None = None
    max_fork_width: int = 1_000
    max_turns: int = 1_000_000
    max_blocks: int = 10_000_000
    max_data: int | None = None
    max_depth: int = 10_000
    tool_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value > 0:
                raise ValueError(f"{field.name} must be positive, not {value!r}")

    def exceeded(self, fuel: Fuel) -> str | None:
        """Return what a run would need that has used up too much, or None."""
        if fuel.model_calls > self.max_model_calls:
            return f"more than {self.max_model_calls} model calls"
        if fuel.tokens > self.max_tokens:
            return f"more than {self.max_tokens} generated tokens"
        if fuel.turns > self.max_turns:
            return f"more than {self.max_turns} loop turns"
        if fuel.blocks > self.max_blocks:
            return f"more than {self.max_blocks} turns, branches, arms and calls"
        if self.max_data is not None and fuel.data > self.max_data:
            return f"more than {self.max_data} characters and items of data"
        return None


def out_of_time(limit_s: float) -> str:
    """Say that a run needs more time than it may take."""
    return f"the run needs more than {limit_s:g} s"
