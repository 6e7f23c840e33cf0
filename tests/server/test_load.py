"""A thousand clients at once: nothing lost, nothing doubled, nothing left behind."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer, start_server

CLIENTS = Path(__file__).parents[2] / "bench" / "server_client.py"
GONE_S = 10.0  # two on a machine that does nothing else
PAGES_MIB = 1 << 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server on which equal requests have equal texts, whoever else is there."""
    running = start_server(tmp_path_factory.mktemp("load"), "--dtype", "float32")
    yield running
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text()


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


def clients(server: RunningServer, *words: str) -> dict[str, Any]:
    """Let clients ask from a process of their own, and return what they saw."""
    command = [sys.executable, str(CLIENTS), "--port", str(server.port), *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=240)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def left(http: httpx2.Client) -> dict[str, Any]:
    """Return what the engine has still to do."""
    state = http.get("/get_server_info").json()["internal_states"][0]
    return {name: state[name] for name in ("jobs", "running", "waiting", "held_slots")}


NOTHING = {"jobs": 0, "running": 0, "waiting": 0, "held_slots": 0}


@pytest.mark.parametrize("kind", ["stream", "deltas"])
def test_a_thousand_streams_are_whole(
    server: RunningServer, http: httpx2.Client, kind: str
) -> None:
    seen = clients(server, "--clients", "1000", "--tokens", "6", "--kind", kind, "--same")
    assert seen["errors"] == []
    assert seen["num_ok"] == 1000
    assert left(http) == NOTHING


def test_a_thousand_clients_that_vanish_leave_nothing(
    server: RunningServer, http: httpx2.Client
) -> None:
    clients(server, "--clients", "1000", "--tokens", "1000", "--vanish", "100")
    began = time.monotonic()
    while left(http) != NOTHING:
        assert time.monotonic() - began < GONE_S


def test_a_reader_that_stops_costs_its_text_and_holds_up_nobody(
    server: RunningServer, http: httpx2.Client
) -> None:
    """Its streams are generated to their end, and what it does not read is joined."""
    sampling = {"max_new_tokens": 1000, "ignore_eos": True}
    body = json.dumps({"text": "Once", "stream": True, "sampling_params": sampling}).encode()
    head = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(head + body)
        assert reader.recv(1) == b"H"
        assert clients(server, "--clients", "8", "--tokens", "16")["errors"] == []
        while left(http) != NOTHING:
            time.sleep(0.05)
        # all that the events say would be far more: each has the text and the ids so far
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        reader.settimeout(20)
        data = b"H"
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data += reader.recv(1 << 20)
    last = json.loads(data.split(b"data: ")[-2].partition(b"\n\n")[0])
    assert last["meta_info"]["completion_tokens"] == 1000
    assert data.count(b"data: ") < 700


def test_short_requests_leave_nothing_behind(server: RunningServer, http: httpx2.Client) -> None:
    clients(server, "--clients", "20", "--requests", "5", "--tokens", "2")
    before = memory(server)
    for kind in ("whole", "stream"):
        seen = clients(
            server, "--clients", "20", "--requests", "25", "--tokens", "2", "--kind", kind
        )
        assert seen["num_ok"] == 500
    assert left(http) == NOTHING
    if before:
        after = memory(server)
        assert all(b - a < 8 * PAGES_MIB for a, b in zip(before, after, strict=True))


def memory(server: RunningServer) -> list[int]:
    """Return the bytes that both processes hold; nothing where the system does not say."""
    if sys.platform != "linux":
        return []
    found = []
    for pid in (server.process.pid, server.engine_pid()):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        found.append(4096 * pages)
    return found
