"""The examples of the documentation, as they stand there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from generators.servers import RunningServer

DOCS = Path(__file__).parents[3] / "docs" / "server.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples call curl")
def test_the_examples_run(server: RunningServer, tmp_path: Path) -> None:
    section = DOCS.read_text().partition("\n## Programs\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 3
    script = "\n".join(blocks).replace("localhost:30000", f"127.0.0.1:{server.port}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for words in (
        '"value":"Paris',  # one reply
        '"value":"Lima',  # of a batch
        'event: delta\ndata: {"t":"delta","name":"answer"',
        "id: 3\nevent: ",  # what is behind Last-Event-ID
        '"accepted":true',
        '"value":"7 apples"',
    ):
        assert words in done.stdout, f"{words}\n{done.stdout}"
