"""The door: nothing gets to an endpoint without a key that opens it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from sglc.server.errors import ApiError
from sglc.server.http.endpoint import Endpoint
from sglc.server.operations.context import served
from sglc.server.operations.key_store import KeyStore
from sglc.server.operations.refusal import refusal
from sglc.server.operations.tenant import Tenant

_MAX_KEY_BYTES = 1024


class Guard:
    """Lets requests through that have a key, and says whose it is: ``scope["state"]["tenant"]``.

    Preflight requests of browsers (OPTIONS), what is open, and all paths that start with
    ``/health`` need none.
    """

    def __init__(self, app: ASGIApp, keys: KeyStore, endpoints: Sequence[Endpoint]) -> None:
        self._app = app
        self._keys = keys
        self._open = [
            (compile_path(each.path)[0], _with_head(each.methods))
            for each in endpoints
            if each.is_open
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or hand on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            tenant = self._admit(scope)
        except ApiError as error:
            await refusal(scope["path"], error)(scope, receive, send)
            return
        if tenant is not None:
            scope.setdefault("state", {})["tenant"] = tenant
            served().tenant = tenant
        await self._app(scope, receive, send)

    def _admit(self, scope: Scope) -> Tenant | None:
        """Return whose key a request has, None for one that needs none.

        Raises:
            ApiError: 401: it has no key, or a wrong one.
        """
        given = _keys_in(scope["headers"])
        tenant = None
        if len(given) == 1:
            tenant = self._keys.find(given[0])
        if tenant is None and not self._is_open(scope["method"], scope["path"]):
            raise ApiError(
                401,
                "the API key is wrong"
                if given
                else "an API key is needed: `Authorization: Bearer KEY` or `x-api-key: KEY`",
                code="invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return tenant

    def _is_open(self, method: str, path: str) -> bool:
        if method == "OPTIONS" or path.startswith("/health"):
            return True
        return any(method in methods and pattern.match(path) for pattern, methods in self._open)


_BEARER = re.compile(rb"bearer +(.*\S) *", re.IGNORECASE)


def _keys_in(headers: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the different keys that a request comes with: more than one is none."""
    found: list[bytes] = []
    for name, value in headers:
        if name == b"authorization":
            match = _BEARER.fullmatch(value)
            found.append(match[1] if match else b"")
        elif name == b"x-api-key":
            found.append(value.strip())
    return [key if len(key) <= _MAX_KEY_BYTES else b"" for key in dict.fromkeys(found)]


def _with_head(methods: Sequence[str]) -> frozenset[str]:
    return frozenset(methods) | ({"HEAD"} if "GET" in methods else set())
