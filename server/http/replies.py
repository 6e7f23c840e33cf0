"""Replies out: JSON, and streams of server-sent events that end with their client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sglc.server.errors import ApiError
from sglc.server.http.disconnect import ClientGone, Connected

DONE = b"data: [DONE]\n\n"


def dumps(value: object) -> bytes:
    """Return compact JSON; numbers that JSON does not have are an error of ours."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character of a request, given back: only escapes have it
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def json_reply(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a value as JSON."""
    return Response(dumps(value), status, dict(headers or {}), "application/json")


def error_reply(error: ApiError) -> Response:
    """Return an error in the words of its dialect."""
    return json_reply(error.to_data(), error.status, error.headers)


def data_event(value: object) -> bytes:
    """Return one event without a name."""
    return b"data: " + dumps(value) + b"\n\n"


def named_event(name: str, value: object, number: int | None = None) -> bytes:
    """Return one event with a name and, for clients that resume, a number."""
    head = b"" if number is None else b"id: %d\n" % number
    return head + b"event: " + name.encode() + b"\ndata: " + dumps(value) + b"\n\n"


class EventStream(Response):
    """A stream of events; it ends with its client, and so does what makes the events."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers({"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events as they come."""
        begin = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        try:
            async with Connected(receive):
                await send(begin)
                async for event in self._events:
                    await send({"type": "http.response.body", "body": event, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ClientGone:
            pass
        finally:
            close: Any = getattr(self._events, "aclose", None)
            if close is not None:
                await close()


def event_stream(events: AsyncIterator[bytes]) -> EventStream:
    """Return a stream of events; the iterator is closed when its client goes away."""
    return EventStream(events)
