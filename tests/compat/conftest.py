"""Scripts as others have written them for SGLang, run as they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from generators.recording_proxy import RecordingProxy
from generators.servers import RunningServer


@pytest.fixture
def proxy(server: RunningServer) -> Iterator[RecordingProxy]:
    """A recording proxy before the one server."""
    made = RecordingProxy(server.url)
    yield made
    made.close()
