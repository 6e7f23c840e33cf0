"""One server with the embedded model for all tests that do not need their own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from browser.devtools import Browser, find_browser
from generators.servers import RunningServer, start_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A running server with no special flags."""
    running = start_server(tmp_path_factory.mktemp("server"))
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture(scope="session")
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    """A plain client of the server."""
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for all tests of the page."""
    binary = find_browser()
    if binary is None:
        pytest.skip("no Chromium or Chrome is installed")
    with Browser(binary, tmp_path_factory.mktemp("profile")) as made:
        yield made
