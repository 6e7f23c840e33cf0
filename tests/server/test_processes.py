"""The two processes of a server: what each of them has loaded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from generators.servers import RunningServer


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_only_the_engine_has_loaded_torch(server: RunningServer) -> None:
    assert "libtorch" in Path(f"/proc/{server.engine_pid()}/maps").read_text()
    assert "libtorch" not in Path(f"/proc/{server.process.pid}/maps").read_text()
