"""What changes the server: the cache is emptied, requests are aborted."""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import Body, ReplyBody, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import json_reply
from sglc.server.operations.tenant import tenant_of
from sglc.server.service import service_of


class AbortBody(Body):
    """``rid`` names a request, or the first part of those of its samples; or all are meant."""

    rid: str | None = None
    abort_all: bool = False


class AbortReply(ReplyBody):
    """How many prompts were cut short."""

    aborted: int


async def flush_cache(request: Request) -> Response:
    """Empty the prefix cache, unless requests run."""
    service = service_of(request)
    answer = await while_connected(request, service.engine.ask("flush"))
    if answer["freed"] is None:
        raise bad_request("the cache is not flushed while requests run; try again when none does")
    return PlainTextResponse(f"Cache flushed: {answer['freed']} tokens.\n")


async def abort_request(request: Request) -> Response:
    """End requests of the same key; they answer with what they have, finish_reason abort."""
    service, tenant = service_of(request), tenant_of(request).name
    body = await read_body(request, AbortBody)
    if body.abort_all:
        return json_reply({"aborted": service.running.abort_all(tenant)})
    if not body.rid:
        raise bad_request("give the rid of a request, or abort_all", "rid")
    return json_reply({"aborted": service.running.abort(tenant, body.rid)})


async def profile(request: Request) -> NoReturn:
    """Refuse: there is no profiler inside the server."""
    raise ApiError(
        400,
        "the server has no profiler; `sglc run --profile` and `sglc bench` measure programs",
        code="not_supported",
    )
