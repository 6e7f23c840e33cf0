"""What was answered, by content: equal questions have their answers in the order they came."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Entry(Generic[T]):
    __slots__ = ("answer", "is_used", "site")

    def __init__(self, site: Hashable, answer: T) -> None:
        self.site = site
        self.answer = answer
        self.is_used = False


class Answers(Generic[T]):
    """Answers by their questions.

    A ``site`` says which one of several equal questions is asked. It need not be the same as when
    it was recorded, but where it is, the answer is that one.
    """

    def __init__(self) -> None:
        self._entries: dict[Hashable, list[_Entry[T]]] = {}

    def add(self, question: Hashable, site: Hashable, answer: T) -> None:
        """Add the next answer to a question."""
        self._entries.setdefault(question, []).append(_Entry(site, answer))

    def take(self, question: Hashable, site: Hashable, *, again: bool = True) -> T | None:
        """Return the answer whose turn it is, None if there is none.

        The next one at the site, else the next one anywhere; when all are used up, with ``again``
        the last one at the site once more, else the last one.
        """
        entries = self._entries.get(question, [])
        here = [entry for entry in entries if entry.site == site]
        fresh = [entry for entry in (*here, *entries) if not entry.is_used]
        if not fresh and not (again and entries):
            return None
        found = fresh[0] if fresh else (here or entries)[-1]
        found.is_used = True
        return found.answer

    @property
    def num_unused(self) -> int:
        """How many answers nobody has asked for."""
        return sum(not e.is_used for entries in self._entries.values() for e in entries)
