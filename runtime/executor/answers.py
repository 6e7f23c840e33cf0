"""What the tools of a run have given: a call with the same arguments is not made again.

Only of tools that change nothing, and only until a tool that may change something is called. A
failure is not kept, nor what was asked before such a call and answered behind it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple


class Question(NamedTuple):
    """A call of a tool: its ``key``, and how many effects there had been when it was made."""

    key: Hashable
    num_effects: int


class Answers:
    """What a run knows of its tools."""

    __slots__ = ("_known", "_num_effects")

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}
        self._num_effects = 0

    def question(self, tool: str, arguments: Mapping[str, Any]) -> Question | None:
        """Return what a call asks; None where its arguments cannot be compared."""
        try:
            return Question((tool, _key(arguments)), self._num_effects)
        except TypeError:
            return None

    def has(self, question: Question) -> bool:
        """Whether the answer is known."""
        return question.key in self._known

    def answer(self, question: Question) -> Any:
        """Return the answer, which is known."""
        return self._known[question.key]

    def keep(self, question: Question, answer: Any) -> None:
        """A tool has given an answer."""
        if question.num_effects == self._num_effects:
            self._known[question.key] = answer

    def forget(self) -> None:
        """Something may have changed, or is about to."""
        self._known.clear()
        self._num_effects += 1


def _key(value: Any) -> Hashable:
    """Return what tells a value from others: ``1``, ``1.0`` and ``true`` differ.

    Raises:
        TypeError: it is no data.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return type(value), repr(value)
    if isinstance(value, list | tuple):
        return list, tuple(map(_key, value))
    if isinstance(value, Mapping):
        return dict, tuple((key, _key(item)) for key, item in value.items())
    raise TypeError(f"no data: {type(value).__name__}")
