"""A recording that was read: its runs, calls and tool calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sglc.runtime.executor.tap import Answer
from sglc.runtime.recording.values import num_tokens_of


class RecordingError(ValueError):
    """A file is no recording, is broken, or is not of what is to be replayed."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A model call: ``answer``, or why it ``failed``, or neither, if it was cancelled.

    ``op`` is the op as data. Of the sequence in front of it the first ``shared`` tokens are those
    of call ``base`` (its prompt, and what it kept of its answer); the others are ``tail``.
    """

    number: int
    key: str
    label: str
    site: str
    op: Mapping[str, Any]
    base: int
    shared: int
    tail: tuple[int, ...]
    answer: Answer | None = None
    failed: str | None = None


class RecordedTool(NamedTuple):
    """A tool call; ``outcome`` is as of ``tool_outcomes.outcome_of``, or says ``cancelled``."""

    name: str
    row: int
    path: str
    arguments: Mapping[str, Any]
    outcome: Mapping[str, Any]


@dataclass(slots=True)
class RecordedRun:
    """A run; ``outcome`` is None if it had not ended. ``arguments`` is None if JSON has none."""

    number: int
    plan: int | None
    row: int
    seed: int
    arguments: Mapping[str, Any] | None
    outcome: Mapping[str, Any] | None = None
    is_timeout: bool = False


@dataclass(slots=True)
class Recording:
    """What stands in a file. ``plans`` are as data, by number; ``is_whole``: it has its end."""

    path: Path
    about: Mapping[str, Any]
    plans: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    runs: dict[int, RecordedRun] = field(default_factory=dict)
    calls: dict[int, RecordedCall] = field(default_factory=dict)
    tools: list[RecordedTool] = field(default_factory=list)
    is_whole: bool = False

    @property
    def num_tokens(self) -> int:
        """How many tokens were written by the calls."""
        return sum(num_tokens_of(call.answer) for call in self.calls.values())

    def prompt(self, number: int) -> Sequence[int]:
        """Return the tokens in front of a call."""
        parts: list[Sequence[int]] = []
        call, size = self.calls[number], None
        while True:  # from the end: of each call in the chain its first ``size`` tokens
            kept = () if size is None else _kept(call)
            own = (*call.tail, *kept)
            parts.append(own if size is None else own[: max(0, size - call.shared)])
            size = call.shared if size is None else min(size, call.shared)
            if not size:
                break
            call = self.calls[call.base]
        return [token for part in reversed(parts) for token in part]


def _kept(call: RecordedCall) -> Sequence[int]:
    ids: tuple[int, ...] = getattr(call.answer, "ids", ())
    return ids[: getattr(call.answer, "num_kept", 0)]
