"""One host per request: who reads another one than we do can be led to mix up answers."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from sglc.server.errors import ApiError
from sglc.server.http.replies import error_reply


class OneHost:
    """Refuses requests of HTTP/1.1 that name no host, or several: RFC 9112, section 3.2."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] == "http" and scope["http_version"] == "1.1":
            count = sum(name == b"host" for name, _ in scope["headers"])
            if count != 1:
                error = ApiError(400, f"a request has one `Host` header, not {count}")
                await error_reply(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)
