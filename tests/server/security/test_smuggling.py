"""Requests that two servers would read differently are refused, and nothing behind them is served.

Each case holds a request for ``/smuggled``: a server that reads the first one otherwise answers it.
"""

from __future__ import annotations

import re
import socket

import pytest
from generators.servers import RunningServer

HEAD = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HIDDEN = b"GET /smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CASES = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN),
    "two equal lengths": b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 0\r\n\r\n",
    "a length with a sign": b"Content-Length: +0\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a hexadecimal length": b"Content-Length: 0x0\r\n\r\n",
    "a length beyond 64 bits": b"Content-Length: 18446744073709551616\r\n\r\n",
    "a length and chunks": b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks and a length": CHUNKED + b"Content-Length: 5\r\n\r\n0\r\n\r\n",
    "chunked, then not": CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding behind a tab": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a folded coding": b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "a space before a name": b" X: a\r\nContent-Length: 0\r\n\r\n",
    "no name": b": a\r\nContent-Length: 0\r\n\r\n",
    "a bare line feed": b"X: a\nContent-Length: 0\r\n\r\n",
    "bare line feeds at the end": b"Content-Length: 0\n\n",
    "a bare carriage return": b"X: a\rContent-Length: 0\r\n\r\n",
    "a NUL": b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "line feeds around chunks": CHUNKED + b"\r\n2\n{}\n0\n\n",
    "a negative chunk": CHUNKED + b"\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a chunk with a prefix": CHUNKED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk beyond 64 bits": CHUNKED + b"\r\n10000000000000002\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": CHUNKED + b"\r\n2\r\n{}xx\r\n0\r\n\r\n",
    "two hosts": b"Host: y\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN),
}


def exchange(server: RunningServer, data: bytes) -> bytes:
    """All that the server says until it closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(data)
        said = b""
        while chunk := connection.recv(65536):
            said += chunk
        return said


def statuses(said: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_can_be_read_in_two_ways_is_refused(case: bytes, server: RunningServer) -> None:
    said = exchange(server, HEAD + case + HIDDEN)
    assert statuses(said) == [400]
    assert b"smuggled" not in said


def test_a_request_without_a_host_is_refused(server: RunningServer) -> None:
    said = exchange(server, b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert statuses(said) == [400]
    assert b"one `Host` header" in said


def test_a_request_behind_a_sound_one_is_served(server: RunningServer) -> None:
    """So the cases above show something: what they hide would have been answered."""
    for first in (b"Content-Length: 2\r\n\r\n{}", CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n"):
        said = exchange(server, HEAD + first + HIDDEN)
        assert statuses(said) == [400, 404]  # an empty body, and no such path
        assert b"GET /smuggled" in said
