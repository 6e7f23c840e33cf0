"""The two processes of a server: what each of them has loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from generators.servers import RunningServer


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_the_engine_has_loaded_torch(server: RunningServer) -> None:
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    mapped = [Path(f"/proc/{child}/maps").read_text() for child in children]
    assert any("libtorch" in maps for maps in mapped)
    assert "libtorch" not in Path(f"/proc/{pid}/maps").read_text()
