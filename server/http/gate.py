"""The gate: every request goes through it, so that the server knows when none is left."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from sglc.server.errors import ApiError


class Gate:
    """Counts the requests that are being answered; ``close`` lets no new ones in.

    Requests that only look, and those that help others to an end, are let in even then: see
    ``Endpoint.while_draining``.
    """

    def __init__(self) -> None:
        self.num_inside = 0
        self.is_closed = False
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def wrap(self, app: ASGIApp) -> ASGIApp:
        """Return ``app`` with its requests counted, their replies included to the last byte."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            self.num_inside += 1
            self._is_empty.clear()
            try:
                await app(scope, receive, send)
            finally:
                self.num_inside -= 1
                if not self.num_inside:
                    self._is_empty.set()

        return counted

    def close(self) -> None:
        """Begin to refuse requests."""
        self.is_closed = True

    def check(self) -> None:
        """Refuse a request while the gate is closed.

        Raises:
            ApiError: 503: the server is shutting down.
        """
        if self.is_closed:
            raise ApiError(
                503,
                "the server is shutting down",
                code="shutting_down",
                headers={"Retry-After": "10"},
            )

    async def wait_empty(self, timeout_s: float) -> bool:
        """Wait until no request is inside; False when that took too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._is_empty.wait()
        except TimeoutError:
            return False
        return True
