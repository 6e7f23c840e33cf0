"""A client of the one server for all tests that do not need their own, and a browser."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from browser.devtools import Browser, find_browser
from generators.servers import RunningServer


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
