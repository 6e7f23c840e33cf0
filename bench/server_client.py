"""Many clients of a server, in a process of their own; what they saw is printed as JSON.

    python bench/server_client.py --port 30000 --clients 1000
    python bench/server_client.py --port 30000 --clients 64 --requests 4 --kind whole
    python bench/server_client.py --port 30000 --clients 1000 --vanish 200

Each client has one connection and sends its requests one after another; all are sent at once, and
``kind`` says which: ``stream`` and ``whole`` ask ``/generate``, ``deltas`` streams
``/v1/completions``. Every reply is checked: a whole text, or events that build it up, without one
missing or coming twice. Client i asks with prompt ``i % prompts``; where the server is
deterministic (``--dtype float32``), ``--same`` checks that equal prompts give equal texts. With
``--vanish N`` all clients break off, without a word, once N of them have seen an event.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import time
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop

PROMPTS = ["Once upon a time", "The capital of France is", "Q: What is 12 + 30?\nA:", "A list:\n1."]


@dataclass
class Seen:
    """What the clients saw."""

    num_ok: int = 0
    num_tokens: int = 0
    num_events: int = 0
    errors: list[str] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    texts: dict[int, set[str]] = field(default_factory=dict)


class Connection(asyncio.Protocol):
    """A connection that takes whole replies; ``first`` is when the first bytes of one came."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._data = bytearray()
        self._done: asyncio.Future[bytes] | None = None
        self.has_body = False  # an event was seen
        self.first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        """Send a request; the future gets the whole reply, with its head."""
        assert self._transport is not None
        self._data.clear()
        self.first = 0.0
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._done

    def vanish(self) -> None:
        """Break off."""
        assert self._transport is not None
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._data += data
        self.first = self.first or time.perf_counter()
        self.has_body |= b"data:" in data
        if self._is_complete() and self._done is not None and not self._done.done():
            self._done.set_result(bytes(self._data))

    def connection_lost(self, error: Exception | None) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(ConnectionError(f"closed after {len(self._data)} bytes"))

    def _is_complete(self) -> bool:
        if self._data.endswith(b"\r\n0\r\n\r\n"):
            return True
        head, mark, body = self._data.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        if not mark or at < 0:
            return False
        return len(body) == int(head[at + 15 :].split(b"\r\n", 1)[0])


def request_of(kind: str, prompt: str, num_tokens: int) -> bytes:
    """Return a whole request, its head included."""
    sampling = {"max_new_tokens": num_tokens, "ignore_eos": True, "temperature": 0.0}
    body: dict[str, Any] = {
        "text": prompt,
        "sampling_params": sampling,
        "stream": kind == "stream",
    }
    path = "/generate"
    if kind == "deltas":
        path = "/v1/completions"
        body = {
            "model": "embedded",
            "prompt": prompt,
            "max_tokens": num_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
            "logit_bias": {"0": -100, "2": -100},  # the ends of sequence: all are equally long
        }
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(data) + data


def check(kind: str, reply: bytes, num_tokens: int) -> tuple[str, int]:
    """Return the text of a reply and the number of its events.

    Raises:
        ValueError: it is no success, or an event is missing, broken or there twice.
    """
    head, _, body = reply.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        raise ValueError(f"{head.splitlines()[0].decode()}: {body[:200].decode()}")
    if kind == "whole":
        data = json.loads(body)
        if data["meta_info"]["completion_tokens"] != num_tokens:
            raise ValueError(f"not {num_tokens} tokens: {data['meta_info']}")
        return data["text"], 1
    events = _events(body)
    if events[-1] != "[DONE]" or events.count("[DONE]") != 1:
        raise ValueError(f"the stream does not end as it should: {events[-1]}")
    found = [json.loads(event) for event in events[:-1]]
    text = _built_up(found, num_tokens) if kind == "stream" else _joined(found, num_tokens)
    return text, len(events)


def _events(body: bytes) -> list[str]:
    data = bytearray()
    while body:  # chunk by chunk
        size, _, rest = body.partition(b"\r\n")
        data += rest[: int(size, 16)]
        body = rest[int(size, 16) + 2 :]
    parts = data.decode().split("\n\n")
    if parts.pop():
        raise ValueError("the last event is not complete")
    if not all(part.startswith("data: ") for part in parts):
        raise ValueError("there is something that is no event")
    return [part.removeprefix("data: ") for part in parts]


def _built_up(events: list[dict[str, Any]], num_tokens: int) -> str:
    """Check events with all the text so far."""
    ids: list[int] = []
    text = ""
    for event in events:
        if "error" in event:
            raise ValueError(event["error"]["message"])
        if not event["text"].startswith(text) or event["output_ids"][: len(ids)] != ids:
            raise ValueError(f"{event['text']!r} does not go on after {text!r}")
        text, ids = event["text"], event["output_ids"]
    finishes = [event["meta_info"]["finish_reason"] for event in events]
    if len(ids) != num_tokens or finishes[-1] is None or any(finishes[:-1]):
        raise ValueError(f"{len(ids)} tokens, then {finishes[-1]}")
    return text


def _joined(events: list[dict[str, Any]], num_tokens: int) -> str:
    """Check events with more of the text each."""
    texts: list[str] = []
    finishes: list[str | None] = []
    usage = None
    for event in events:
        if "error" in event:
            raise ValueError(event["error"]["message"])
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            texts.append(choice["text"])
            finishes.append(choice["finish_reason"])
    if finishes[-1] != "length" or any(finishes[:-1]):
        raise ValueError(f"the stream ends with {finishes[-1]}")
    if usage is None or usage["completion_tokens"] != num_tokens:
        raise ValueError(f"not {num_tokens} tokens: {usage}")
    return "".join(texts)


async def run(args: argparse.Namespace) -> Seen:
    """Let all clients ask; see the module."""
    seen = Seen()
    loop = asyncio.get_running_loop()
    connections: list[Connection] = []
    for _ in range(args.clients):  # one by one: connecting is not what is measured
        _, made = await loop.create_connection(Connection, "127.0.0.1", args.port)
        connections.append(made)

    async def client(number: int, connection: Connection) -> None:
        place = number % args.prompts
        prompt = PROMPTS[place % len(PROMPTS)] + " one" * (place // len(PROMPTS))
        request = request_of(args.kind, prompt, args.tokens)
        for _ in range(args.requests):
            began = time.perf_counter()
            try:
                reply = await connection.ask(request)
                seen.whole_s.append(time.perf_counter() - began)
                seen.first_s.append(connection.first - began)
                text, num_events = check(args.kind, reply, args.tokens)
            except (ConnectionError, ValueError, KeyError) as error:
                seen.errors.append(f"client {number}: {error}")
                return
            seen.num_ok += 1
            seen.num_tokens += args.tokens
            seen.num_events += num_events
            seen.texts.setdefault(place, set()).add(text)

    tasks = [asyncio.create_task(client(i, each)) for i, each in enumerate(connections)]
    if args.vanish:
        while sum(each.has_body for each in connections) < args.vanish:
            await asyncio.sleep(0.01)
        for each in connections:
            each.vanish()
        await asyncio.gather(*tasks)
        seen.errors.clear()  # they broke off themselves
        return seen
    await asyncio.gather(*tasks)
    if args.same:
        for place, texts in seen.texts.items():
            if len(texts) > 1:
                seen.errors.append(f"prompt {place} has {len(texts)} different texts")
    return seen


def main() -> None:
    """Run the clients that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kind", choices=("stream", "whole", "deltas"), default="stream")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--requests", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--same", action="store_true")
    parser.add_argument("--vanish", type=int, default=0)
    args = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = args.clients + 100
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    began, cpu = time.perf_counter(), time.process_time()
    seen = uvloop.run(run(args))
    result = {
        "seconds": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu,
        "num_ok": seen.num_ok,
        "num_tokens": seen.num_tokens,
        "num_events": seen.num_events,
        "first_ms": 1000 * statistics.median(seen.first_s or [0.0]),
        "whole_ms": 1000 * statistics.median(seen.whole_s or [0.0]),
        "fast_ms": 1000 * sorted(seen.whole_s or [0.0])[len(seen.whole_s) // 10],
        "num_errors": len(seen.errors),
        "errors": seen.errors[:5],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
