"""The connection to a server, from threads that have no event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import aclosing, suppress
from typing import Any, Self, TypeVar

from sglc.runtime.remote.client import Client
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.loop import LoopThread, result_of
from sglc.runtime.remote.usage import Meter, Usage

Connect = Callable[[Meter], Client]
T = TypeVar("T")


class Connection:
    """Asks one server, from any thread. ``connect`` makes the client, in the event loop.

    ``close`` it at the end: what runs is given up, and the thread ends. From then on all that asks
    raises RuntimeError.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._meter = Meter()
        self._loop = LoopThread()
        self._client: Client | None = None

    @property
    def usage(self) -> Usage:
        """What the server has billed so far."""
        return self._meter.usage

    @property
    def client(self) -> Client:
        """What sends requests; of coroutines that ``start`` runs."""
        if self._client is None:
            self._client = self._connect(self._meter)
        return self._client

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine in the event loop; cancelling what is returned ends it."""
        return self._loop.start(work)

    def get(self, path: str) -> Any:
        """Return what the server has at a path, such as the name of its model; blocks.

        Raises:
            RemoteError: it is not there, or refuses.
        """

        async def get() -> Any:
            return await self.client.get(path)

        return self._loop.run(get())

    def first_of(self, *paths: str) -> Any:
        """Return what is at the first path that the server has; None if it has none; blocks.

        Raises:
            RemoteError: it is not there, or refuses.
        """
        for path in paths:
            try:
                return self.get(path)
            except RemoteError as error:
                if error.status != 404:
                    raise
        return None

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return what the server answers to a body; blocks.

        Raises:
            RemoteError: it is not there, or refuses.
        """

        async def post() -> Any:
            return await self.client.post(path, body)

        return self._loop.run(post())

    async def events(self, path: str, body: Mapping[str, Any]) -> AsyncIterator[Any]:
        """Yield the events of a streamed answer; of any event loop.

        Raises:
            RemoteError: the server is not there, refuses, or breaks off.
        """
        here = asyncio.get_running_loop()
        found: asyncio.Queue[Any] = asyncio.Queue()

        def put(event: Any) -> None:
            here.call_soon_threadsafe(found.put_nowait, event)

        async def read() -> None:
            async with aclosing(self.client.events(path, body)) as events:
                async for event in events:
                    put(event)

        def end(work: Future[None]) -> None:
            with suppress(RuntimeError):  # the other loop is over: nobody waits
                put(work)

        work = self.start(read())
        work.add_done_callback(end)
        try:
            while (event := await found.get()) is not work:
                yield event
            result_of(work)
        finally:
            work.cancel()

    def close(self) -> None:
        """Give up what runs and let go of the connections."""
        self._loop.close(self._let_go)

    async def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
