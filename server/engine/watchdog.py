"""A watchdog: an engine that says nothing for too long is taken for dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_TICKS = 8  # of a timeout; more of them notice a hang sooner and ask more often


class Watchdog:
    """Asks for a sign of life again and again; runs as a task.

    Silence is counted tick by tick, on the monotonic clock, and no tick counts for more than it
    was to last: if this process was itself stopped for a while, or the event loop late, the
    engine is not blamed for it.
    """

    def __init__(self, timeout_s: float, ask: Callable[[], None], hung: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._ask = ask
        self._hung = hung
        self._is_heard = False

    def heard(self) -> None:
        """The engine has said something."""
        self._is_heard = True

    async def run(self) -> None:
        """Watch until the engine hangs."""
        num_silent = 0
        while num_silent < _TICKS:
            self._is_heard = False
            self._ask()
            await asyncio.sleep(self._timeout_s / _TICKS)
            num_silent = 0 if self._is_heard else num_silent + 1
        self._hung()
