"""A server of SGLang's dialect whose answers are a hash of the prompt: no model, no waiting."""

from __future__ import annotations

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_WORDS = (" Lima", " a cat", " 12", "\nYes.", " no no", " x<|y", "é!")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


class OracleStub:
    """Serves at ``url``; every character is a token. ``bodies`` are those of ``/generate``."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        stub = self
        found: dict[str, Any] = {
            "/get_model_info": {"model_path": "oracle", "is_generation": True},
            "/get_server_info": {"model_path": "oracle", "version": "0.4.1"},
            "/v1/models": {"object": "list", "data": [{"id": "oracle", "owned_by": "sglang"}]},
        }

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._say(found.get(self.path))

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stub.bodies.append(body)
                text = body["text"]
                one = [answer(each, body) for each in ([text] if isinstance(text, str) else text)]
                self._say(one[0] if isinstance(text, str) else one)

            def _say(self, content: Any) -> None:
                data = json.dumps(content).encode()
                self.send_response(404 if content is None else 200)
                self.send_header("content-type", "application/json")
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

    def take_texts(self) -> list[str]:
        """Return the prompts that asked for texts since the last time, sorted, and forget them."""
        bodies, self.bodies = self.bodies, []
        found: list[str] = []
        for body in bodies:
            params = body["sampling_params"]
            if isinstance(body["text"], list):
                found += body["text"]
            elif params["max_new_tokens"]:
                found += [body["text"]] * params.get("n", 1)
        return sorted(found)

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(prompt: str, body: dict[str, Any]) -> Any:
    """Return the reply to one prompt."""
    params = body["sampling_params"]
    is_asked = params["max_new_tokens"] > 0
    text = _WORDS[_number(prompt) % len(_WORDS)] if is_asked else ""
    stops = params.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    meta: dict[str, Any] = {
        "id": "1", "finish_reason": {"type": "stop", "matched": 2}, "prompt_tokens": len(prompt),
        "completion_tokens": len(text), "completion_tokens_wo_jump_forward": len(text),
        "cached_tokens": 0,
    }  # fmt: skip
    if body.get("return_logprob"):
        start = body.get("logprob_start_len", 0)
        rows = [
            [-(_number(prompt[: i + 1]) % 1000) / 100, ord(prompt[i]), prompt[i]]
            for i in range(start + 1, len(prompt))
        ]
        meta["input_token_logprobs"] = rows
        meta["output_token_logprobs"] = []
        meta["normalized_prompt_logprob"] = sum(row[0] for row in rows) / max(len(rows), 1)
    reply = {"text": text, "meta_info": meta}
    return [reply] * params["n"] if params.get("n", 1) > 1 else reply
