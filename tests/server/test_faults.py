"""A server whose engine dies or hangs: requests fail clearly, and service comes back."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer, start_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

LONG = {
    "text": "Once upon a time",
    "sampling_params": {"max_new_tokens": 1500, "ignore_eos": True},
}
BACK_S = 10.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose engine may be silent for 2 s, and has room for 4 calls."""
    running = start_server(
        tmp_path_factory.mktemp("faults"), "--watchdog-timeout", "2", "--max-queued-requests", "4"
    )
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


def back_after(http: httpx2.Client) -> float:
    """Wait until the server is back, and return how long that took in seconds."""
    began = time.monotonic()
    while http.get("/health").status_code != 200:
        assert time.monotonic() - began < BACK_S
        time.sleep(0.05)
    return time.monotonic() - began


def begin(http: httpx2.Client, replies: list[Any], **fields: Any) -> threading.Thread:
    """Ask in another thread."""

    def ask() -> None:
        reply = http.post("/generate", json=LONG | fields)
        replies.append((reply.status_code, reply.json()))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP])
def test_requests_fail_clearly_and_service_is_back(
    server: RunningServer, http: httpx2.Client, fault: signal.Signals
) -> None:
    replies: list[Any] = []
    thread = begin(http, replies)
    events: list[Any] = []
    before = server.engine_pid()
    with http.stream("POST", "/generate", json=LONG | {"stream": True}) as stream:
        for line in stream.iter_lines():
            if not events:
                os.kill(before, fault)
            if line:
                events.append(line.removeprefix("data: "))
    thread.join()
    assert http.get("/health").status_code in (200, 503)
    back_after(http)
    message = {
        signal.SIGKILL: "the engine's process has died",
        signal.SIGSTOP: "the engine has not answered for 2 s",
    }[fault]
    assert [(status, body["error"]["message"]) for status, body in replies] == [(503, message)]
    assert events.pop() == "[DONE]"
    assert json.loads(events[-1])["error"]["message"] == message
    assert server.engine_pid() != before
    reply = http.post("/generate", json={"text": "The capital of France is"})
    assert reply.json()["text"].startswith(" Paris")


def test_says_so_while_the_engine_is_away(server: RunningServer, http: httpx2.Client) -> None:
    os.kill(server.engine_pid(), signal.SIGKILL)
    health = http.get("/health")
    while health.status_code == 200:  # until it was noticed
        health = http.get("/health")
    refused = http.post("/generate", json=LONG)
    assert health.status_code == refused.status_code == 503
    assert refused.json()["error"]["code"] == "engine_down"
    assert int(refused.headers["Retry-After"]) > 0
    back_after(http)


def test_more_calls_than_may_wait_are_refused(http: httpx2.Client) -> None:
    with http.stream("POST", "/generate", json=LONG | {"stream": True}) as stream:
        lines = stream.iter_lines()
        assert next(lines)
        two = {"max_new_tokens": 4, "n": 2}
        assert http.post("/generate", json=LONG | {"sampling_params": two}).status_code == 200
        four = {"max_new_tokens": 4, "n": 4}
        refused = http.post("/generate", json=LONG | {"sampling_params": four})
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "queue_full"
        assert int(refused.headers["Retry-After"]) > 0
    five = {"max_new_tokens": 4, "n": 5}
    assert http.post("/generate", json=LONG | {"sampling_params": five}).status_code == 400
