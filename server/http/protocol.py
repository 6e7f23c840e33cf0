"""The protocol of one connection: uvicorn's, with limits for clients that send slowly or too much.

The limits are those of ``ConnectionLimits``. Who is too slow gets a 408 and is cut off, unless it
is the application that does not take what comes.
"""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sglc.server.config import ConnectionLimits
from sglc.server.errors import ApiError

_SEND_BYTES = 256 << 10  # of a reply that wait in the system
_LINGER_S = 2.0  # for a client to read why it is cut off


class LimitedProtocol(HttpToolsProtocol):
    """One connection; ``limited`` gives the class its limits."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._is_lingering = False  # the reply is out, the rest of the body is thrown away
        self._num_heads = 0
        self._head_bytes = 0
        self._span_bytes = 0
        self._timer: asyncio.TimerHandle | None = None  # of the head, or of a span of the body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a head, from the start; uvicorn would do so for ever."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family != socket.AF_UNIX:
            # the system would let it grow to megabytes for each client that does not read
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BYTES)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the timer."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come, and measure it."""
        self._span_bytes += len(data)
        num_heads = self._num_heads
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.max_head_bytes:
                most = self.limits.max_head_bytes
                self._refuse(431, f"the head of the request is larger than {most} bytes")
                return
        is_stray = not self._is_busy and self._num_heads == num_heads
        if self._in_head or is_stray:
            self._expect_head()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self._in_head = True
        self._num_heads += 1
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Begin to read a body."""
        self._in_head = False
        self._stop()
        super().on_headers_complete()
        self._begin_span()

    def on_message_complete(self) -> None:
        """All of the request is there."""
        self._stop()
        super().on_message_complete()
        if self._is_lingering:
            self._is_lingering = False
            self.cycle.more_body = False
            super().on_response_complete()

    def on_response_complete(self) -> None:
        """Give the rest of a body that nobody will read a moment; close if there is more of it."""
        if self.cycle.more_body and not self.pipeline and not self.transport.is_closing():
            self._stop()
            self._is_lingering = True
            self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)
            self.flow.resume_reading()
        else:
            super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP, in the words of all errors."""
        self._refuse(400, msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Serve a request that asks for another protocol as if it did not."""

    @property
    def _is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.limits.head_timeout_s, self._head_is_late)

    def _head_is_late(self) -> None:
        limit_s = self.limits.head_timeout_s
        if not self._in_head and not self._num_heads:  # it has said nothing: nothing is answered
            self.transport.close()
            return
        self._refuse(408, f"the head of the request took longer than {limit_s:g} s")

    def _begin_span(self) -> None:
        self._span_bytes = 0
        self._timer = self.loop.call_later(self.limits.body_span_s, self._end_span)

    def _end_span(self) -> None:
        limits = self.limits
        least = limits.min_body_rate * limits.body_span_s
        is_held_up = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if self._span_bytes < least and not is_held_up:
            self._refuse(
                408, f"the body of the request comes at less than {limits.min_body_rate:g} bytes/s"
            )
        else:
            self._begin_span()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, message: str) -> None:
        """Say why, unless something else is being said, and close."""
        self._stop()
        if self.transport.is_closing():
            return
        if self.pipeline:  # an earlier request is being answered
            self.transport.abort()
            return
        cycle = self.cycle
        if not self._is_busy or not cycle.response_started:
            body = json.dumps(ApiError(status, message).to_data()).encode()
            lines = [
                STATUS_LINE[status],
                b"content-type: application/json\r\n",
                b"content-length: %d\r\n" % len(body),
                b"connection: close\r\n\r\n",
                body,
            ]
            self.transport.write(b"".join(lines))
        if self._is_busy:
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
        self.loop.call_later(_LINGER_S, self.transport.abort)


def limited(limits: ConnectionLimits) -> type[LimitedProtocol]:
    """Return the protocol with other limits."""
    return type("LimitedProtocol", (LimitedProtocol,), {"limits": limits})
