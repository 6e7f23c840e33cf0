"""What came of a run of a program from a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sglc.errors import RunFailed

if TYPE_CHECKING:
    from sglc.runtime.executor.run import Result


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of all model calls of a run, those that failed included."""

    model_calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


class ProgramResult:
    """The outcome of a run: ``value`` is what the program returned, ``result["x"]`` a capture.

    ``text`` is the prompt at the end, ``messages`` its messages. A run that has failed has an
    ``error``; captures, text and messages are then those that there were. ``details`` is all that
    the executor knows of the run.
    """

    __slots__ = ("_value", "captures", "details", "error", "messages", "text", "usage")

    def __init__(self, details: Result, value: Any, captures: Mapping[str, Any]) -> None:
        self.details = details
        self.captures = dict(captures)
        self.text = details.text
        self.messages = details.messages
        self.error = None if details.error is None else RunFailed(details.error)
        self._value = value
        costs = details.stats.values()
        self.usage = Usage(
            model_calls=sum(cost.calls for cost in costs),
            prompt_tokens=sum(cost.prompt_tokens for cost in costs),
            cached_tokens=sum(cost.cached_tokens for cost in costs),
            completion_tokens=sum(cost.completion_tokens for cost in costs),
        )

    @property
    def value(self) -> Any:
        """What the program returned.

        Raises:
            RunFailed: the run has failed.
        """
        if self.error is not None:
            raise self.error
        return self._value

    def __getitem__(self, name: str) -> Any:
        """Return a capture.

        Raises:
            KeyError: there is none of this name; the message lists those that there are.
            RunFailed: the run has failed before it was there.
        """
        if name in self.captures:
            return self.captures[name]
        if self.error is not None:
            raise self.error
        known = ", ".join(map(repr, self.captures)) or "none"
        raise KeyError(f"there is no capture {name!r}; there are: {known}")

    def __contains__(self, name: object) -> bool:
        return name in self.captures

    def _repr_html_(self) -> str:
        from sglc.views.display import result_html

        return result_html(self)

    def __repr__(self) -> str:
        if self.error is not None:
            return f"<ProgramResult failed: {self.error}>"
        return f"<ProgramResult {self._value!r}>"
