"""Requests get an id, and a line in the log when they are over."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sglc.server.operations.config import OperationsConfig
from sglc.server.operations.context import Served, serving
from sglc.server.operations.log_format import FIELDS
from sglc.server.operations.metrics import Metrics

log = logging.getLogger("sglc.server.requests")

_SANE = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_QUIET = ("/health", "/metrics")
_MAX_LOGGED = 4096
_PATH = "/:@!$&'()*+,;="  # what stands for itself in a path


class RequestLog:
    """Gives each request its id: that of its ``x-request-id`` if it is a sane one, else a new one.

    The id goes back with the reply, under the names that OpenAI's and Anthropic's clients read.
    """

    def __init__(
        self, app: ASGIApp, config: OperationsConfig, metrics: Metrics | None = None
    ) -> None:
        self._app = app
        self._config = config
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, log and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        about = Served(request_id=_id_of(scope))
        exchange = _Exchange(receive, send, about.request_id, keeps_body=self._config.log_bodies)
        begin = time.monotonic()
        with serving(about):
            try:
                await self._app(scope, exchange.receive, exchange.send)
            finally:
                took_s = time.monotonic() - begin
                self._log(scope, about, exchange, took_s)
                if self._metrics is not None:
                    self._metrics.served(about.endpoint or "none", exchange.status, took_s)

    def _log(self, scope: Scope, about: Served, exchange: _Exchange, took_s: float) -> None:
        level = logging.DEBUG if scope["path"].startswith(_QUIET) else logging.INFO
        if not log.isEnabledFor(level):
            return
        client = scope.get("client")
        fields: dict[str, Any] = {
            "status": exchange.status or "none",  # the client went away before there was one
            "ms": round(took_s * 1000, 1),
            "client": client[0] if client else "-",
        }
        if about.tenant.name:
            fields["tenant"] = about.tenant.name
        if self._config.log_requests:
            usage = about.usage
            fields |= {
                "bytes_in": exchange.bytes_in,
                "bytes_out": exchange.bytes_out,
                "model_calls": usage.num_jobs,
                "prompt_tokens": usage.prompt_tokens,
                "cached_tokens": usage.cached_tokens,
                "completion_tokens": usage.completion_tokens,
            }
            if usage.first_token_s is not None:
                fields["first_token_ms"] = round(usage.first_token_s * 1000, 1)
        if self._config.log_bodies:
            fields["body"] = bytes(exchange.body).decode("utf-8", "replace")
        path = quote(scope["path"], safe=_PATH)  # a space would let it end, and fields begin
        log.log(level, "%s %s", scope["method"], path, extra={FIELDS: fields})


class _Exchange:
    """What goes in and out of one request."""

    def __init__(self, receive: Receive, send: Send, number: str, *, keeps_body: bool) -> None:
        self._receive = receive
        self._send = send
        self._id = number.encode("ascii")
        self._keeps_body = keeps_body
        self.status = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.body = bytearray()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            data = message.get("body", b"")
            self.bytes_in += len(data)
            if self._keeps_body:
                self.body += data[: _MAX_LOGGED - len(self.body)]
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            ids = [(b"x-request-id", self._id), (b"request-id", self._id)]
            message = {**message, "headers": [*message.get("headers", ()), *ids]}
        elif message["type"] == "http.response.body":
            self.bytes_out += len(message.get("body", b""))
        await self._send(message)


def _id_of(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"x-request-id"]
    if len(given) == 1 and _SANE.fullmatch(given[0]):
        return str(given[0].decode("ascii"))
    return secrets.token_hex(16)
