"""A server that really runs: a process of its own on a port of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sglc.server.engine.process import WORKER


@dataclass
class RunningServer:
    """``url`` has no slash at its end; ``log`` is what the server writes."""

    url: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def engine_pid(self) -> int:
        """Return the id of the engine's process; only on Linux.

        Raises:
            ProcessLookupError: there is none now.
        """
        return engine_of(self.process.pid)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def engine_of(pid: int) -> int:
    """Return the id of the engine's process of a server, which may have others beside.

    Raises:
        ProcessLookupError: there is none now.
    """
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError):
            if WORKER[-1] in Path(f"/proc/{child}/cmdline").read_text().split("\0"):
                return int(child)
    raise ProcessLookupError(f"{pid} has no engine")


_CONFIGURED = """
from sglc.server.config import ConnectionLimits, ServerConfig
from sglc.runtime.executor.limits import Limits
from sglc.server.main import serve
from sglc.server.programs.config import ProgramsConfig, Webhook
serve(ServerConfig(port={port}, {config}))
"""


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_server(
    folder: Path, *flags: str, config: str = "", timeout_s: float = 60.0
) -> RunningServer:
    """Start ``sglc serve`` and wait until it answers; ``folder`` is its working directory.

    ``config``: arguments of ServerConfig, in Python, instead of flags.
    """
    port = free_port()
    command = ["-m", "sglc.cli.main", "serve", "--port", str(port), *flags]
    if config:
        command = ["-c", _CONFIGURED.format(port=port, config=config)]
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    server = RunningServer(f"http://127.0.0.1:{port}", port, process, log)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"{server.url}/health", timeout=1):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the server does not answer:\n{log.read_text()}")
