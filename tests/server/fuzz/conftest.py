"""One server for all that is fuzzed: what it may generate is little, so that it takes no time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from generators.servers import RunningServer, start_server

FLAGS = ("--context-length", "40", "--max-total-tokens", "512", "--log-level", "warning")


@pytest.fixture(scope="session")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with a small context; at its end it has logged no traceback."""
    running = start_server(tmp_path_factory.mktemp("fuzzed"), *FLAGS)
    yield running
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text(), running.log.read_text()
