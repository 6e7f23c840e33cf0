"""The events of a run: each once and in order, however often its reader comes and goes."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, closing
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer
from generators.uploads import Event, events_of, run, stream, upload
from hypothesis import given
from hypothesis import strategies as st

from sglc.server.errors import ApiError
from sglc.server.programs.events import RunEvents

LONG = 'prompt f(n: int):\n    "Once{x = gen(max_tokens=40)}"\n    y = n\n'
ASK = "tool ask() -> int\nprompt f() -> int:\n    return ask()\n"


async def read(events: RunEvents, last: int, count: int) -> list[bytes]:
    """Read some events behind a number, then go away."""
    found: list[bytes] = []
    async with aclosing(events.since(last)) as stream:
        while len(found) < count:
            event = await anext(stream, None)
            if event is None:
                break
            found.append(event)
    return found


def told(event: Event) -> dict[str, Any]:
    """What an event says, but for the costs, which the cache changes."""
    return {key: value for key, value in event.data.items() if key != "stats"}


def number_of(event: bytes) -> int:
    return int(event.split(b"\n", 1)[0].removeprefix(b"id: "))


@given(st.lists(st.one_of(st.just("add"), st.integers(1, 5)), max_size=40))
def test_whoever_comes_back_gets_what_is_behind(actions: list[Any]) -> None:
    async def scenario() -> None:
        events, added, seen = RunEvents(1 << 20), 0, 0
        for action in [*actions, "add", 1000]:
            if action == "add":
                added += 1
                events.add("delta", {"text": str(added)})
                continue
            found = await read(events, seen, min(action, added - seen))
            assert [number_of(event) for event in found] == [
                *range(seen + 1, seen + 1 + len(found))
            ]
            seen += len(found)
        events.close()
        assert [number_of(event) for event in await read(events, seen, 1000)] == []
        assert seen == added

    asyncio.run(scenario())


@given(st.integers(1, 30), st.integers(100, 400))
def test_what_is_kept_is_bounded_and_what_is_gone_is_said(count: int, max_bytes: int) -> None:
    async def scenario() -> None:
        events = RunEvents(max_bytes)
        for number in range(count):
            events.add("delta", {"text": str(number)})
        events.close()
        assert events.num_bytes <= max_bytes
        assert events.last == count
        found = await read(events, 0, 1000)
        if number_of(found[0] if found[0].startswith(b"id") else b"id: 0\n") == 1:
            assert len(found) == count
            return
        assert b"event: error" in found[0]
        assert b"events_gone" in found[0]
        with pytest.raises(ApiError) as caught:
            events.check(0)
        assert caught.value.status == 410
        first = int(str(caught.value).partition("the first that is left is ")[2].split(".")[0])
        left = await read(events, first - 1, 1000)
        assert [number_of(event) for event in left] == [*range(first, count + 1)]

    asyncio.run(scenario())


def test_readers_at_once_get_the_same() -> None:
    async def scenario() -> None:
        events = RunEvents(1 << 20)

        async def follow() -> list[bytes]:
            return [event async for event in events.since(0)]

        readers = [asyncio.create_task(follow()) for _ in range(5)]
        for number in range(50):
            events.add("delta", number)
            if number % 7 == 0:
                await asyncio.sleep(0)
        events.close()
        first, *others = await asyncio.gather(*readers)
        assert len(first) == 50
        assert all(other == first for other in others)

    asyncio.run(scenario())


@pytest.mark.parametrize("cut", [1, 2, 5, 17])
def test_a_dropped_connection_loses_and_doubles_nothing(http: httpx2.Client, cut: int) -> None:
    program = upload(http, LONG)
    body = {"arguments": {"n": cut}, "seed": 4, "stream": True}
    seen: list[Event] = []
    with http.stream("POST", f"/v1/programs/{program}/run", json=body) as reply:
        location = reply.headers["location"]
        lines = events_of(reply.iter_lines())
        seen += [next(lines) for _ in range(cut)]
    while seen[-1].name != "done":
        last = {"Last-Event-ID": str(seen[-1].number)}
        with http.stream("GET", f"{location}/events", headers=last) as reply:
            lines = events_of(reply.iter_lines())
            seen += [event for _, event in zip(range(cut), lines, strict=False)]
    assert [event.number for event in seen] == [*range(1, len(seen) + 1)]
    whole = stream(http, program, **body)
    assert [told(event) for event in seen[1:]] == [told(event) for event in whole[1:]]
    with http.stream("GET", f"{location}/events") as reply:
        assert [*events_of(reply.iter_lines())] == seen


def test_a_number_that_is_none_is_refused(http: httpx2.Client) -> None:
    found = run(http, upload(http, LONG), arguments={"n": 1}, seed=1)
    path = f"/v1/runs/{found['id']}/events"
    for last in ("-1", "one", "9" * 30, "9" * 5000):
        assert http.get(path, headers={"Last-Event-ID": last}).status_code == 400
        assert http.get(path, params={"last_event_id": last}).status_code == 400
    assert http.get(path, headers={"Last-Event-ID": "1000"}).status_code == 400
    assert http.get(path, params={"last_event_id": "1"}).text.startswith("id: 2\n")


def test_a_run_is_cancelled_when_asked_to(http: httpx2.Client) -> None:
    program = upload(http, ASK)
    body = {"stream": True}
    with http.stream("POST", f"/v1/programs/{program}/run", json=body) as reply:
        location = reply.headers["location"]
        lines = events_of(reply.iter_lines())
        while (event := next(lines)).name != "tool_call":
            pass
        assert http.get(location).json()["status"] == "running"
        assert http.delete(location).json()["status"] == "cancelled"
        names = [event.name for event in lines]
    assert names == ["error", "done"]
    late = http.post(f"{location}/tools/{event.data['call_id']}", json={"result": 1})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "call_not_waiting")


def test_a_run_without_a_client_is_cancelled_after_a_while(short: RunningServer) -> None:
    with httpx2.Client(base_url=short.url, timeout=60) as http:
        program = upload(http, ASK)
        body = {"stream": True}
        with http.stream("POST", f"/v1/programs/{program}/run", json=body) as reply:
            location = reply.headers["location"]
            names = events_of(reply.iter_lines())
            assert next(names).name == "begin"
        # who follows it keeps it, for longer than it would go on alone
        with (
            http.stream("GET", f"{location}/events") as reply,
            closing(events_of(reply.iter_lines())) as lines,
        ):
            assert next(lines).name == "begin"
            assert next(lines).name == "tool_call"
            time.sleep(1.2)
            assert http.get(location).json()["status"] == "running"
        time.sleep(1.2)
        assert http.get(location).json()["status"] == "cancelled"
