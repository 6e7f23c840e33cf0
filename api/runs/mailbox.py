"""What the thread of an engine leaves for a program that waits: results, events."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from sglc.runs.waiting import current_waiter
from sglc.runtime.executor.open_run import Cell

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A queue with one reader, who waits as programs do: a thread, a row of a batch, a task."""

    def __init__(self) -> None:
        self._letters: deque[T] = deque()
        self._arrival = Cell()

    def put(self, letter: T) -> None:
        """Leave a letter; any thread may."""
        self._letters.append(letter)
        self._arrival.settle(None)

    def get(self) -> T:
        """Return the next letter, once it is there."""
        while not self._letters:
            cell = self._next_arrival()
            if not self._letters:
                current_waiter().wait(cell)
        return self._letters.popleft()

    async def aget(self) -> T:
        """Return the next letter, once it is there; the event loop goes on meanwhile."""
        from sglc.runs.tasks import until

        while not self._letters:
            cell = self._next_arrival()
            if not self._letters:
                await until(cell)
        return self._letters.popleft()

    def _next_arrival(self) -> Cell:
        """A letter that comes from now on settles this cell."""
        cell = self._arrival = Cell()
        return cell
