"""Work for a client that may go away: what nobody waits for any more is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from sglc.server.errors import ApiError

T = TypeVar("T")


class ClientGone(ApiError):
    """The client of a request went away: nobody will read this."""

    def __init__(self) -> None:
        super().__init__(499, "the client went away")


class Connected:
    """A block that is cancelled when the client goes away, and raises ClientGone then.

    The body of the request must have been read. What the block awaits runs in its own task:
    nothing is left behind when it is over.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_gone = False
        self._is_over = False

    async def __aenter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._num_cancels = task.cancelling()
        self._watch = asyncio.create_task(self._wait())
        self._watch.add_done_callback(self._end)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        self._watch.cancel()
        if not self._is_gone:
            return
        is_ours = self._task.uncancel() <= self._num_cancels
        if is_ours and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise ClientGone from error

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _end(self, watch: asyncio.Task[None]) -> None:
        if not self._is_over and not watch.cancelled():
            self._is_gone = True
            self._task.cancel()


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``; cancel it when the client of the request, whose body was read, goes away.

    Raises:
        ClientGone: the client went away.
    """
    async with Connected(request.receive):
        return await work
