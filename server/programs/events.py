"""The numbered events of a run: kept for those who come back, within bounds."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from sglc.server.errors import ApiError
from sglc.server.http.replies import named_event

_HEARTBEAT = b": still here\n\n"
_HEARTBEAT_S = 15.0  # of silence, after which a client that went away is found out


class RunEvents:
    """Events from number 1 on. Of more than ``max_bytes`` the oldest are let go of.

    Whoever has read up to an event gets those behind it, each once and in order, whenever and
    however often it asks.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._kept: deque[bytes] = deque()
        self._first = 1  # the number of the first that is kept
        self._news = asyncio.Event()
        self.num_bytes = 0
        self.is_closed = False

    @property
    def last(self) -> int:
        """The number of the last event, 0 if there is none."""
        return self._first + len(self._kept) - 1

    def add(self, name: str, data: Any) -> int:
        """Append an event; return its size in bytes."""
        event = named_event(name, data, self.last + 1)
        self._kept.append(event)
        self.num_bytes += len(event)
        while self.num_bytes > self._max_bytes and len(self._kept) > 1:
            self.num_bytes -= len(self._kept.popleft())
            self._first += 1
        self._wake()
        return len(event)

    def close(self) -> None:
        """Nothing comes any more."""
        self.is_closed = True
        self._wake()

    def check(self, last: int) -> None:
        """Say whether all events behind number ``last`` are there, or to come.

        Raises:
            ApiError: 400: there is no such event yet; 410: some are gone.
        """
        if last > self.last:
            raise ApiError(400, f"Last-Event-ID: there is no event {last}: the last is {self.last}")
        if last + 1 < self._first:
            raise self._gone(last)

    async def since(self, last: int) -> AsyncIterator[bytes]:
        """Yield the events behind number ``last``, to the end of the run.

        A reader who is so slow that events are gone is told, and has to ask for the result.
        """
        while True:
            news = self._news
            if last + 1 < self._first:
                yield named_event("error", self._gone(last).to_data()["error"])
                return
            while last < self.last and last + 1 >= self._first:
                last += 1
                yield self._kept[last - self._first]
            if last < self.last:
                continue
            if self.is_closed:
                return
            if news is self._news:
                try:
                    # not `wait_for`, which loses a cancellation that comes together with news
                    async with asyncio.timeout(_HEARTBEAT_S):
                        await news.wait()
                except TimeoutError:
                    yield _HEARTBEAT

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _gone(self, last: int) -> ApiError:
        return ApiError(
            410,
            f"the events behind number {last} are gone; the first that is left is {self._first}. "
            "GET /v1/runs/ID has the result",
            code="events_gone",
        )
