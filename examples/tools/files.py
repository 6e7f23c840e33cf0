"""The tools of the agent example: a folder of files, and the tests in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent / "repo"


def read_file(path: str) -> str:
    """Return the text of a file of the sample folder.

    Raises:
        PermissionError: ``path`` leads out of the folder.
    """
    full = (ROOT / path).resolve()
    if not full.is_relative_to(ROOT.resolve()):
        raise PermissionError(f"{path} is outside of the folder")
    return full.read_text(encoding="utf-8")


def run_tests() -> str:
    """Run the tests of the sample folder and return what they print."""
    command = [sys.executable, "test_stats.py"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    return (done.stdout + done.stderr) or "all tests pass"
