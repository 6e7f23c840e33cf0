"""A running server with keys, and its log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from generators.servers import RunningServer

ORIGIN = "https://pages.example"
Wait = Callable[[Callable[[], bool]], None]


class Operated:
    """The server, the keys of its tenants, and its log."""

    def __init__(self, server: RunningServer, keys: dict[str, str], file: Path) -> None:
        self.server = server
        self.url = server.url
        self.keys = keys
        self.file = file

    def client(self, name: str) -> httpx2.Client:
        """A client with the key of a tenant."""
        headers = {"Authorization": f"Bearer {self.keys[name]}"}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)

    def log_of(self, request_id: str) -> list[dict[str, Any]]:
        """The records about a request; waits for the one at its end."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            records = [json.loads(line) for line in self.server.log.read_text().splitlines()]
            found = [each for each in records if each.get("request_id") == request_id]
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"the log has nothing about {request_id}")
