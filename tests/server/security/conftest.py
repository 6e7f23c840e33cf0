"""A net for fetchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from generators.net import PUBLIC, Net

Run = Callable[[Net, Callable[[], Awaitable[Any]]], Any]


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run something while the net is there, and connect public addresses to its server."""
    original = asyncio.open_connection

    @asynccontextmanager
    async def serving(net: Net) -> AsyncIterator[None]:
        async with await asyncio.start_server(net.serve, "127.0.0.1", 0) as server:
            net.port = server.sockets[0].getsockname()[1]
            yield

    def run(net: Net, work: Callable[[], Awaitable[Any]]) -> Any:
        async def connect(host: str, port: int, **options: Any) -> Any:
            net.connected.append(host)
            assert not options.pop("ssl", None), "there is no certificate here"
            return await original("127.0.0.1" if host == PUBLIC else host, net.port)

        monkeypatch.setattr(asyncio, "open_connection", connect)

        async def main() -> Any:
            async with serving(net):
                return await work()

        return asyncio.run(main())

    return run
