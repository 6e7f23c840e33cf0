"""The connection to a server: asked from any thread, closed while it is asked, closed for good."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from generators.scripted_http import Reply, ScriptedServer

from sglc.runtime.remote.client import Client
from sglc.runtime.remote.connection import Connection
from sglc.runtime.remote.policy import Policy

SLOW = Reply(chunks=[{"n": n} for n in range(9)], pause_s=0.1)


def connection(server: ScriptedServer) -> Connection:
    return Connection(partial(Client, server.url, Policy(max_retries=0)))


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sglc-remote"]


def test_threads_that_ask_at_once_share_a_loop(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.answer = lambda path, body: Reply(body=path)
    before, made = len(threads()), asyncio.new_event_loop

    def slowly() -> asyncio.AbstractEventLoop:
        time.sleep(0.02)
        return made()

    monkeypatch.setattr(asyncio, "new_event_loop", slowly)
    found: list[Any] = []
    with connection(scripted) as server:
        asking = [
            threading.Thread(target=lambda n=n: found.append(server.get(f"/{n}"))) for n in range(4)
        ]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
        assert len(threads()) == before + 1
    assert sorted(found) == ["/0", "/1", "/2", "/3"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda server: server.get("/a"),
        lambda server: server.post("/a", {}),
        lambda server: asyncio.run(anext(server.events("/a", {}))),
    ],
    ids=["get", "post", "events"],
)
def test_what_is_closed_asks_nothing_and_begins_no_thread(
    scripted: ScriptedServer, ask: Callable[[Connection], Any]
) -> None:
    before = len(threads())
    server = connection(scripted)
    server.close()
    with pytest.raises(RuntimeError, match="the backend is closed"):
        ask(server)
    server.close()
    assert len(threads()) == before
    assert not scripted.requests


def test_who_waits_for_an_answer_is_told_that_it_is_closed(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body={}, pause_s=0.3))
    server = connection(scripted)

    def close() -> None:
        while not scripted.requests:
            time.sleep(0.001)
        server.close()

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(RuntimeError, match="the backend is closed"):
        server.get("/a")
    closing.join()


def test_who_waits_for_an_event_is_told_that_it_is_closed(scripted: ScriptedServer) -> None:
    scripted.replies.append(SLOW)
    server = connection(scripted)

    events: list[Any] = []

    async def read() -> None:
        async for event in server.events("/a", {}):
            events.append(event)
            await asyncio.to_thread(server.close)

    with pytest.raises(RuntimeError, match="the backend is closed"):
        asyncio.run(asyncio.wait_for(read(), 10))
    assert events == [{"n": 0}]


def test_events_that_nobody_wants_any_more_end_their_request(scripted: ScriptedServer) -> None:
    scripted.replies.append(SLOW)

    async def first(server: Connection) -> Any:
        events = server.events("/a", {})
        try:
            return await anext(events)
        finally:
            await events.aclose()  # type: ignore[attr-defined]  # it is a generator

    with connection(scripted) as server:
        assert asyncio.run(first(server)) == {"n": 0}
        while not scripted.num_left:
            time.sleep(0.01)
