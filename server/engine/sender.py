"""Sending replies: at once where the socket takes them, through a thread where it does not."""

from __future__ import annotations

import queue
import socket
import threading
from contextlib import suppress

from sglc.server.engine import frames
from sglc.server.engine.messages import Reply


class Sender:
    """Hands replies over in their order, and never waits for the other side.

    ``send`` is for one thread, which has to wake no other as long as the other side keeps up.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._late: queue.SimpleQueue[bytes | list[Reply] | None] = queue.SimpleQueue()
        self._num_late = 0  # put into the queue; counted by the thread of `send`
        self._num_done = 0  # sent of it; counted by the thread below
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, replies: list[Reply]) -> None:
        """Send replies, or see to it that they are sent."""
        if self._num_late > self._num_done:
            self._put(replies)
            return
        data = frames.pack(replies)
        try:
            size = self._connection.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            size = 0
        except OSError:  # the other side is gone; whoever reads from it will say so
            return
        if size < len(data):
            self._put(data[size:])

    def close(self, timeout_s: float) -> None:
        """Wait until all is sent, or the time is over."""
        self._late.put(None)
        self._thread.join(timeout_s)

    def _put(self, item: bytes | list[Reply]) -> None:
        self._num_late += 1
        self._late.put(item)

    def _run(self) -> None:
        """Send what is late; lists that pile up meanwhile go as one frame."""
        with suppress(OSError):
            item = self._late.get()
            while item is not None:
                count, is_last = 1, False
                if isinstance(item, list):
                    replies = list(item)
                    while not is_last and not self._late.empty():
                        more = self._late.get()
                        assert not isinstance(more, bytes)  # those are put when nothing is late
                        is_last = more is None
                        count += not is_last
                        replies += more or []
                    item = frames.pack(replies)
                self._connection.sendall(item)
                self._num_done += count
                item = None if is_last else self._late.get()
