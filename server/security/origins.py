"""Pages of other origins: what they may not read they may not do either.

A browser sends a page's simple requests without asking first, and only keeps the reply from it. On
a server without keys that would be enough to use it: so what changes something is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from sglc.server.errors import ApiError
from sglc.server.http.endpoint import Endpoint
from sglc.server.http.replies import error_reply

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})


class KnownOrigins:
    """Refuses requests of pages that are not ours, whose origin is not among ``origins``.

    ``*`` lets all through. Requests that only look are let through; an endpoint that takes GET and
    POST alike does not only look. Clients that are no browsers name no origin.
    """

    def __init__(self, app: ASGIApp, origins: Sequence[str], endpoints: Sequence[Endpoint]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._acting = [
            compile_path(each.path)[0] for each in endpoints if {"GET", "POST"} <= {*each.methods}
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] == "http" and "*" not in self._origins and self._acts(scope):
            stranger = self._stranger(Headers(scope=scope))
            if stranger is not None:
                error = ApiError(403, f"pages of {stranger[:200]!r} may not use this server")
                await error_reply(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _acts(self, scope: Scope) -> bool:
        if scope["method"] not in _LOOKING:
            return True
        return scope["method"] != "OPTIONS" and any(
            pattern.match(scope["path"]) for pattern in self._acting
        )

    def _stranger(self, headers: Headers) -> str | None:
        """Return the origin of a request if it is not known; browsers may say no more than that."""
        origin = headers.get("origin")
        if origin is None:
            site = headers.get("sec-fetch-site", "none")
            return "another site" if site in ("cross-site", "same-site") else None
        is_own = urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
        return None if is_own or origin in self._origins else origin
