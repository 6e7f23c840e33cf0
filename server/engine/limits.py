"""Admission: how many model calls the engine is given at once, and when to come back."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sglc.server.errors import ApiError

_WINDOW_S = 30.0
_MOST_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """What a process of the engine is given, and how long it is waited for.

    ``max_queued``, ``request_timeout_s`` and ``restart_timeout_s`` as in ``ServerConfig``. A
    process that has not lived for ``stable_s`` died early.
    """

    max_queued: int = 4096
    request_timeout_s: float | None = None
    restart_timeout_s: float = 300.0
    backoff_s: float = 0.5
    max_backoff_s: float = 30.0
    stable_s: float = 60.0

    def delay_s(self, num_early: int) -> float:
        """Return how long to wait for the next start after ``num_early`` early deaths in a row.

        Nothing after the first, then ``backoff_s``, twice as long each time, up to
        ``max_backoff_s``.
        """
        if num_early < 2:
            return 0.0
        return min(self.max_backoff_s, self.backoff_s * 2.0 ** min(num_early - 2, 30))


class Admission:
    """Counts model calls that wait or run, by their samples; refuses those above ``most``."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._ended: deque[tuple[float, int]] = deque()  # when, how many; of the last seconds
        self.num_open = 0

    def check(self, count: int) -> None:
        """Say whether there can ever be room for ``count`` calls at once.

        Raises:
            ApiError: 400: there never is.
        """
        if count > self._most:
            raise ApiError(
                400,
                f"the request makes {count} model calls, the server takes {self._most} at once "
                "(max_queued)",
                param="n",
            )

    def take(self, count: int) -> None:
        """Let ``count`` calls in.

        Raises:
            ApiError: 429, with the time after which there may be room; 400: there never is.
        """
        self.check(count)
        if self.num_open + count > self._most:
            raise ApiError(
                429,
                f"the server is busy: {self.num_open} model calls wait or run, "
                f"and {self._most} are the limit (max_queued)",
                code="queue_full",
                headers={"Retry-After": str(self._wait_s(count))},
            )
        self.num_open += count

    def give(self, count: int) -> None:
        """``count`` calls are over."""
        self.num_open -= count
        self._ended.append((self._clock(), count))
        self._forget()

    def _forget(self) -> None:
        since = self._clock() - _WINDOW_S
        while self._ended and self._ended[0][0] < since:
            self._ended.popleft()

    def _wait_s(self, count: int) -> int:
        """Seconds, at least 1, until as many have ended as are too many, at the pace of late."""
        self._forget()
        num_ended = sum(ended for _, ended in self._ended)
        if not num_ended:
            return _MOST_S
        pace = num_ended / max(1.0, self._clock() - self._ended[0][0])
        return min(_MOST_S, max(1, math.ceil((self.num_open + count - self._most) / pace)))
