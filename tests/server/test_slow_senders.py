"""Clients that send slowly, too much or nothing, over plain sockets."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import pytest
from generators.servers import RunningServer, start_server

BODY = json.dumps({"text": "The capital of France is", "sampling_params": {"max_new_tokens": 2}})
HEAD = (
    "POST /generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
)
_LENGTH = b"content-length:"
LIMITS = "max_head_bytes=4096, head_timeout_s=1.0, body_span_s=1.0, min_body_rate=64.0"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that is impatient."""
    config = f"connections=ConnectionLimits({LIMITS}), max_body_bytes=1 << 20"
    running = start_server(tmp_path_factory.mktemp("slow"), config=config)
    yield running
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text()


@contextlib.contextmanager
def connected(server: RunningServer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def drip(connection: socket.socket, data: bytes, pause_s: float) -> bytes:
    """Send byte by byte until all is sent or the other side answers; return the answer."""
    connection.settimeout(pause_s)
    for at in range(len(data)):
        try:
            connection.sendall(data[at : at + 1])
            return connection.recv(1 << 16, socket.MSG_PEEK) and rest(connection)
        except TimeoutError:
            continue
        except ConnectionError:
            return b"reset"
    return rest(connection)


def rest(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    connection.settimeout(20)
    data = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(1 << 16):
            data += chunk
    return data


def one(connection: socket.socket) -> bytes:
    """Read one reply of a known length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    (size,) = (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == _LENGTH)
    while len(body) < size:
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


def status(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1])


def error(reply: bytes) -> str:
    return str(json.loads(reply.partition(b"\r\n\r\n")[2])["error"]["message"])


def test_a_head_that_drips_is_cut_off(server: RunningServer) -> None:
    with connected(server) as connection:
        reply = drip(connection, HEAD.format(len(BODY)).encode(), 0.05)
    assert status(reply) == 408
    assert error(reply) == "the head of the request took longer than 1 s"


def test_a_body_that_drips_is_cut_off(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall((HEAD.format(len(BODY)) + "\r\n").encode())
        reply = drip(connection, BODY.encode(), 0.05)
    assert status(reply) == 408
    assert error(reply) == "the body of the request comes at less than 64 bytes/s"


def test_a_body_that_stops_is_cut_off(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall((HEAD.format(10_000) + "\r\n" + BODY).encode())
        assert status(rest(connection)) == 408


def test_a_slow_body_above_the_least_rate_is_served(server: RunningServer) -> None:
    body = BODY.encode() + b" " * 300
    with connected(server) as connection:
        head = HEAD.format(len(body)) + "Connection: close\r\n\r\n"
        connection.sendall(head.encode())
        for at in range(0, len(body), 50):
            connection.sendall(body[at : at + 50])
            time.sleep(0.3)
        assert status(rest(connection)) == 200


def test_a_connection_that_says_nothing_is_closed_without_a_word(server: RunningServer) -> None:
    with connected(server) as connection:
        assert rest(connection) == b""


def test_empty_lines_do_not_keep_a_connection(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status(one(connection)) == 200
        reply = drip(connection, b"\r\n" * 100, 0.05)
    assert status(reply) == 408


def test_a_second_request_that_drips_is_cut_off(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status(one(connection)) == 200
        reply = drip(connection, HEAD.encode(), 0.05)
    assert status(reply) == 408


def test_a_connection_may_wait_between_requests(server: RunningServer) -> None:
    with connected(server) as connection:
        for _ in range(2):
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert status(one(connection)) == 200
            time.sleep(1.5)


def test_a_head_that_does_not_end_is_refused(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX-Long: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(20):
                connection.sendall(b"a" * 1024)
                time.sleep(0.01)
        assert status(rest(connection)) == 431


def test_a_body_that_is_too_large_is_refused_and_may_be_sent_to_its_end(
    server: RunningServer,
) -> None:
    size = 3 << 20
    with connected(server) as connection:
        connection.sendall((HEAD.format(size) + "\r\n").encode() + b" " * size)
        assert status(one(connection)) == 413
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status(one(connection)) == 200


def test_a_body_without_end_is_not_read_for_ever(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall((HEAD.format(1 << 40) + "\r\n").encode())
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 15:
                connection.sendall(b" " * (1 << 16))
        assert time.monotonic() - began < 10


def test_what_is_not_http_gets_an_error_in_the_words_of_all_errors(server: RunningServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"what is this\r\n\r\n")
        reply = rest(connection)
    assert status(reply) == 400
    assert error(reply) == "Invalid HTTP request received."


def test_slow_clients_are_not_noticed_by_others(server: RunningServer) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(server)) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"POST /gen")
        with connected(server) as connection:
            head = HEAD.format(len(BODY)) + "Connection: close\r\n\r\n"
            connection.sendall((head + BODY).encode())
            assert status(rest(connection)) == 200
        assert {status(rest(connection)) for connection in slow} == {408}
