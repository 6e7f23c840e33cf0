"""Streams that begin only when their request is known to be served."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import DONE, data_event, event_stream


def _failure(error: ApiError) -> bytes:
    return data_event(error.to_data()) + DONE


async def streamed(
    request: Request,
    events: AsyncGenerator[bytes, None],
    failure: Callable[[ApiError], bytes] = _failure,
) -> Response:
    """Return events as a reply; an error before the first one is that of the reply.

    ``failure`` says what ends the events when there is an error behind some.

    Raises:
        ApiError: the request cannot be served.
    """
    first = await while_connected(request, _first(events))
    return event_stream(_with_errors(first, events, failure))


async def _first(events: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(events)


async def _with_errors(
    first: bytes, events: AsyncGenerator[bytes, None], failure: Callable[[ApiError], bytes]
) -> AsyncGenerator[bytes, None]:
    """Yield all events; an error ends them."""
    try:
        yield first
        async for event in events:
            yield event
    except ApiError as error:
        yield failure(error)
    finally:
        await events.aclose()
