"""A server of SGLang's dialect, release 0.4.1, whose model sees: it keeps what it is asked."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "It is a cat."


class SeeingStub:
    """Serves at ``url``; each text is ``ANSWER``. ``bodies`` are those of ``/generate``."""

    def __init__(self, model_path: str = "lmms-lab/llama3-llava-next-8b") -> None:
        self.bodies: list[dict[str, Any]] = []
        stub = self
        found = {
            "/get_model_info": {"model_path": model_path, "is_generation": True},
            "/get_server_info": {"model_path": model_path, "version": "0.4.1"},
            "/v1/models": {"object": "list", "data": [{"id": model_path, "owned_by": "sglang"}]},
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._say(found.get(self.path), "application/json")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stub.bodies.append(body)
                if not body.get("stream"):
                    self._say(_reply(ANSWER, is_over=True), "application/json")
                    return
                events = [_reply(ANSWER[: n + 4], is_over=False) for n in range(0, 8, 4)]
                events.append(_reply(ANSWER, is_over=True))
                lines = [f"data: {json.dumps(each)}\n\n" for each in events]
                self._say("".join([*lines, "data: [DONE]\n\n"]), "text/event-stream")

            def _say(self, content: Any, kind: str) -> None:
                data = (content if isinstance(content, str) else json.dumps(content)).encode()
                self.send_response(404 if content is None else 200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is written."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _reply(text: str, *, is_over: bool) -> dict[str, Any]:
    reason = {"type": "stop", "matched": 2} if is_over else None
    meta = {
        "id": "1", "finish_reason": reason, "prompt_tokens": 600, "completion_tokens": 5,
        "completion_tokens_wo_jump_forward": 5, "cached_tokens": 0,
    }  # fmt: skip
    return {"text": text, "meta_info": meta}
