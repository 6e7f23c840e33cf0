"""``/open_session`` and ``/close_session``."""

from __future__ import annotations

from pydantic import Field, RootModel
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.http.body import Body, read_body
from sglc.server.http.replies import json_reply
from sglc.server.operations.tenant import tenant_of
from sglc.server.service import service_of


class OpenBody(Body):
    """``capacity_of_str_len``: how many characters prompts and outputs may have, 0 for any."""

    capacity_of_str_len: int = Field(default=0, ge=0)
    session_id: str | None = Field(default=None, min_length=1)


class OpenReply(RootModel[str]):
    """The name of the session."""


class CloseBody(Body):
    """The name that opening gave."""

    session_id: str


async def open_session(request: Request) -> Response:
    """Open a session and return its name."""
    service, tenant = service_of(request), tenant_of(request).name
    body = await read_body(request, OpenBody)
    return json_reply(service.sessions.open(tenant, body.capacity_of_str_len, body.session_id))


async def close_session(request: Request) -> Response:
    """Forget a session."""
    service, tenant = service_of(request), tenant_of(request).name
    body = await read_body(request, CloseBody)
    service.sessions.close(tenant, body.session_id)
    return json_reply({})
