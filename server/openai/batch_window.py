"""How many requests of batches run at once: fewer while others ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_PAUSE_S = 0.05


class BatchWindow:
    """Up to ``size`` places, shared by all batches; others' jobs take places away, all but one.

    ``num_others`` returns how many jobs the engine has that are not of batches.
    """

    def __init__(self, size: int, num_others: Callable[[], int]) -> None:
        self._size = size
        self._num_others = num_others
        self._num_taken = 0
        self._left = asyncio.Event()

    async def enter(self) -> None:
        """Wait for a place, and take it."""
        while self._num_taken >= self._num_places():
            self._left.clear()
            try:
                # jobs of others come and go without a word
                await asyncio.wait_for(self._left.wait(), _PAUSE_S)
            except TimeoutError:
                continue
        self._num_taken += 1

    def leave(self) -> None:
        """Give a place back."""
        self._num_taken -= 1
        self._left.set()

    def _num_places(self) -> int:
        return max(1, self._size - self._num_others())
