"""A host of webhooks, on a port of its own in a thread."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


class WebhookHost:
    """Answers `/lookup`; `/broken` says an error, `/away` redirects, `/slow` takes its time.

    ``requests`` are the bodies and headers that have come.
    """

    secret = "a secret of the two of us"

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, dict[str, str]]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                host.requests.append((body, dict(self.headers)))
                if self.path == "/away":
                    self.send_response(302)
                    self.send_header("Location", f"{host.url}/lookup")
                    self.end_headers()
                    return
                if self.path == "/slow":
                    time.sleep(1)
                self._reply(host.answer(self.path, json.loads(body)["arguments"]))

            def _reply(self, answer: dict[str, Any]) -> None:
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if path == "/broken":
            return {"error": "out of order"}
        return {"result": f"about {arguments['q']}"}

    def __enter__(self) -> WebhookHost:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
