"""Programs on a running server: uploaded, run, and their events read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass(frozen=True)
class Event:
    """A server-sent event; 0 stands for none as the number."""

    number: int
    name: str
    data: Any


def upload(http: httpx2.Client, source: str, **more: Any) -> str:
    """Upload a program that has no errors, and return its id."""
    reply = http.post("/v1/programs", json={"source": source} | more)
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


def run(http: httpx2.Client, program: str, **body: Any) -> dict[str, Any]:
    """Run a program, and return the one reply."""
    reply = http.post(f"/v1/programs/{program}/run", json=body)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def run_source(http: httpx2.Client, source: str, **body: Any) -> dict[str, Any]:
    """Upload a program, run it, and return the one reply."""
    return run(http, upload(http, source), **body)


def events_of(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of a stream as they come; comments are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        elif "data" in fields:
            number = int(fields.get("id", 0))
            yield Event(number, fields.get("event", ""), json.loads(fields["data"]))
            fields = {}


def stream(http: httpx2.Client, program: str, **body: Any) -> list[Event]:
    """Run a program, and return all of its events."""
    body |= {"stream": True}
    with http.stream("POST", f"/v1/programs/{program}/run", json=body) as reply:
        assert reply.status_code == 200
        return list(events_of(reply.iter_lines()))


def converse(
    http: httpx2.Client, program: str, answers: Callable[[Event], dict[str, Any]], **body: Any
) -> list[Event]:
    """Run a program, and answer its calls as they come over the stream."""
    seen: list[Event] = []
    path = f"/v1/programs/{program}/run"
    with http.stream("POST", path, json=body | {"stream": True}) as reply:
        assert reply.status_code == 200, reply.read()
        location = reply.headers["location"]
        for event in events_of(reply.iter_lines()):
            seen.append(event)
            if event.name == "tool_call":
                call = f"{location}/tools/{event.data['call_id']}"
                answer = http.post(call, json=answers(event))
                assert answer.status_code == 200, answer.text
    return seen
