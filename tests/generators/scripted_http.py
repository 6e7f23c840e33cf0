"""A server that answers requests from a script: statuses, streams that break off, nonsense.

Each connection has one request. What it was asked is in ``requests`` and ``headers``; ``num_left``
counts the connections that whoever asked has closed before the answer was there.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self


@dataclass(frozen=True)
class Reply:
    """What is sent back. ``chunks`` are events of a stream, with a pause before each.

    ``breaks``: the connection is cut behind what is sent.
    """

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Sequence[Any] | None = None
    pause_s: float = 0.0
    breaks: bool = False


Answer = Callable[[str, Any], Reply]


class ScriptedServer:
    """Answers the next of ``replies``, or what ``answer`` makes of a path and a body."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.replies: list[Reply] = []
        self.answer: Answer | None = None
        self.num_left = 0
        self._socket = _listening()
        host, port = self._socket.getsockname()
        self.url = f"http://{host}:{port}"
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._is_over = False

    def __enter__(self) -> Self:
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._is_over = True
        with socket.create_connection(self._socket.getsockname()):
            pass  # wakes the listener
        self._listener.join()
        for thread in self._threads:
            thread.join(10)
        self._socket.close()

    def bodies(self, path: str) -> list[Any]:
        """Return the bodies of the requests to a path."""
        return [body for asked, body in self.requests if asked == path]

    def _listen(self) -> None:
        while not self._is_over:
            connection, _ = self._socket.accept()
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                asked = _read(stream)
                if asked is not None:
                    self._send(connection, self._reply(*asked))
        except (BrokenPipeError, ConnectionResetError):  # whoever asked has enough
            self.num_left += 1

    def _reply(self, path: str, headers: dict[str, str], body: Any) -> Reply:
        with self._lock:
            self.requests.append((path, body))
            self.headers.append(headers)
            reply = self.replies.pop(0) if self.replies else None
        if reply is None and self.answer is not None:
            reply = self.answer(path, body)
        return reply or Reply(500, {"error": {"message": "the script is over"}})

    def _send(self, connection: socket.socket, reply: Reply) -> None:
        head = [f"HTTP/1.1 {reply.status} X", "connection: close"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        if reply.chunks is None:
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            size = len(data) + (10 if reply.breaks else 0)
            head += ["content-type: application/json", f"content-length: {size}", "", ""]
            time.sleep(reply.pause_s)
            connection.sendall("\r\n".join(head).encode() + data)
            return
        head += ["content-type: text/event-stream", "transfer-encoding: chunked", "", ""]
        connection.sendall("\r\n".join(head).encode())
        for chunk in reply.chunks:
            time.sleep(reply.pause_s)
            text = chunk if isinstance(chunk, str) else json.dumps(chunk)
            data = f"data: {text}\n\n".encode()
            connection.sendall(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        if not reply.breaks:
            connection.sendall(b"0\r\n\r\n")


def _read(stream: BinaryIO) -> tuple[str, dict[str, str], Any] | None:
    """Return path, headers and body of a request; None if whoever asks has left before its end."""
    line, headers = stream.readline().decode(), dict[str, str]()
    while (header := stream.readline().decode()).strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    size = int(headers.get("content-length", 0))
    data = stream.read(size)
    if not header or len(data) < size:
        return None
    return line.split(" ")[1], headers, json.loads(data) if size else None


def _listening() -> socket.socket:
    """Return a socket at an address of this process alone, where the system has such.

    Else who asks again at a port that has been let go of, or waits for a server to begin there,
    may come here from another process that runs tests, and takes a reply.
    """
    number = os.getpid()
    try:
        return socket.create_server((f"127.1.{number // 250 % 250 + 1}.{number % 250 + 1}", 0))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))
