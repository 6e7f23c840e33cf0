"""One server with keys, isolation, metrics and a JSON log for all tests of operations."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
from generators.collector import Collector, collecting
from generators.operated import ORIGIN, Operated, Wait
from generators.servers import start_server

from sglc.server.operations.key_file import edited


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the server sends its spans."""
    with collecting() as found:
        yield found


@pytest.fixture(scope="session")
def operated(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Operated]:
    """A server with three keys: bob may do one thing at a time, dora make three calls with it."""
    folder = tmp_path_factory.mktemp("operated")
    file = folder / "keys.json"
    with edited(file) as found:
        limits = {"alice": {}, "bob": {"max_concurrent": 1}, "dora": {"max_model_calls": 3}}
        keys = {name: found.add(name, given) for name, given in limits.items()}
    flags = ("--log-format", "json", "--log-level", "debug", "--log-requests", "--isolate-cache")
    flags += ("--enable-metrics", "--otlp-traces-endpoint", collector.url)
    server = start_server(folder, "--api-keys", str(file), *flags, "--cors-origin", ORIGIN)
    yield Operated(server, keys, file)
    assert server.stop() == 0, server.log.read_text()


@pytest.fixture
def alice(operated: Operated) -> Iterator[httpx2.Client]:
    """A client with a key without limits."""
    with operated.client("alice") as client:
        yield client


@pytest.fixture
def stranger(operated: Operated) -> Iterator[httpx2.Client]:
    """A client without a key."""
    with httpx2.Client(base_url=operated.url, timeout=60) as client:
        yield client


@pytest.fixture
def eventually() -> Wait:
    """Wait until a claim is true."""

    def wait(claim: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not claim():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    return wait
