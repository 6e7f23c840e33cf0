"""Streams that begin only when their request is known to be served."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import DONE, data_event, event_stream


async def streamed(request: Request, events: AsyncGenerator[bytes, None]) -> Response:
    """Return events as a reply; an error before the first one is that of the reply.

    Raises:
        ApiError: the request cannot be served.
    """
    first = await while_connected(request, _first(events))
    return event_stream(_with_errors(first, events))


async def _first(events: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(events)


async def _with_errors(
    first: bytes, events: AsyncGenerator[bytes, None]
) -> AsyncGenerator[bytes, None]:
    """Yield all events; an error is the last one, followed by the end."""
    try:
        yield first
        async for event in events:
            yield event
    except ApiError as error:
        yield data_event(error.to_data())
        yield DONE
    finally:
        await events.aclose()
