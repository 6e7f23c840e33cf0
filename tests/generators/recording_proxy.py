"""A server before a server: hands requests on, made greedy, and keeps what was asked."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DEFAULTS = {
    "max_new_tokens": 128, "min_new_tokens": 0, "stop": [], "temperature": 1.0, "top_p": 1.0,
    "top_k": -1, "min_p": 0.0, "frequency_penalty": 0.0, "presence_penalty": 0.0,
    "ignore_eos": False, "regex": None,
}  # fmt: skip


class RecordingProxy:
    """Serves at ``url``. ``bodies`` are those of ``/generate`` in the order in which they came,
    ``chats`` those of ``/v1/chat/completions``."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.bodies: list[dict[str, Any]] = []
        self.chats: list[dict[str, Any]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._pass(None)

            def do_POST(self) -> None:
                self._pass(self.rfile.read(int(self.headers.get("content-length") or 0)))

            def _pass(self, data: bytes | None) -> None:
                if self.path == "/generate" and data is not None:
                    data = proxy.take(json.loads(data))
                if self.path == "/v1/chat/completions" and data is not None:
                    proxy.chats.append(json.loads(data))
                request = urllib.request.Request(
                    proxy.target + self.path, data, {"content-type": "application/json"},
                    method=self.command,
                )  # fmt: skip
                try:
                    with urllib.request.urlopen(request, timeout=60) as reply:
                        status, kind, body = reply.status, reply.headers, reply.read()
                except urllib.error.HTTPError as error:
                    status, kind, body = error.code, error.headers, error.read()
                self.send_response(status)
                self.send_header("content-type", kind.get("content-type", "application/json"))
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is written."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, body: dict[str, Any]) -> bytes:
        """Keep what is asked, and return what is handed on."""
        self.bodies.append(body)
        params = {**(body.get("sampling_params") or {}), "temperature": 0}
        return json.dumps({**body, "sampling_params": params}).encode()

    def generated(self) -> list[tuple[str, dict[str, Any]]]:
        """Return prompts and what was asked for them, once for each text that is written."""
        found = []
        for body in self.bodies:
            params = {**DEFAULTS, **body["sampling_params"]}
            params = {name: params[name] for name in DEFAULTS}
            if params["max_new_tokens"]:
                stop = params["stop"] or []
                params["stop"] = [stop] if isinstance(stop, str) else list(stop)
                params["regex"] = bool(params["regex"])
                found += [(body["text"], params)] * body["sampling_params"].get("n", 1)
        return found

    def scored(self) -> list[list[str]]:
        """Return the texts of the requests that score choices."""
        return [body["text"] for body in self.bodies if isinstance(body.get("text"), list)]

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
