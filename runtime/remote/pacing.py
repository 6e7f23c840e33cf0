"""Tokens or requests per minute: a bucket that fills steadily, and who waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class TokenRate:
    """Lets requests begin so that they ask for ``per_minute`` tokens at most; used in one loop.

    A request that is larger than a minute's worth goes when the bucket is full. ``clock`` and
    ``sleep`` are those of the loop, but in tests.
    """

    def __init__(
        self,
        per_minute: int,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._per_s = per_minute / 60
        self._capacity = float(per_minute)
        self._level = self._capacity
        self._clock = clock
        self._sleep = sleep
        self._since = clock()
        self._turn = asyncio.Lock()  # first come, first served

    async def take(self, num_tokens: int) -> None:
        """Wait until so many tokens may be asked for."""
        wanted = min(float(num_tokens), self._capacity)
        async with self._turn:
            while True:
                self._fill()
                if self._level >= wanted:
                    self._level -= num_tokens
                    return
                await self._sleep(max((wanted - self._level) / self._per_s, 0.001))

    def correct(self, estimated: int, billed: int) -> None:
        """A request has cost another number of tokens than it was let go with."""
        self._level = min(self._capacity, self._level + estimated - billed)

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(self._capacity, self._level + (now - self._since) * self._per_s)
        self._since = now
