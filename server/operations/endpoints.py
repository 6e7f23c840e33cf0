"""The endpoint of operations."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.endpoint import Endpoint
from sglc.server.operations.metrics import CONTENT_TYPE
from sglc.server.service import service_of

_PATIENCE_S = 2.0  # a scrape is not to wait for an engine that hangs


async def metrics(request: Request) -> Response:
    """Return what is counted, in the text format of Prometheus."""
    service = service_of(request)
    found, engine = service.operations.metrics, service.engine
    if found is None:
        raise ApiError(404, "metrics are off: start the server with --enable-metrics")
    life = engine.num_restarts
    try:
        stats = await asyncio.wait_for(engine.ask("stats"), _PATIENCE_S)
    except (ApiError, TimeoutError):
        found.miss_engine()
    else:
        if engine.num_restarts == life:
            found.observe_engine(stats, life, time.monotonic())
    return Response(found.text(), headers={"Content-Type": CONTENT_TYPE})


OPERATIONS: Sequence[Endpoint] = (
    Endpoint(path="/metrics", handle=metrics, methods=("GET",), tag="operations"),
)
