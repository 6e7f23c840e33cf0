"""A client of the native dialect that checks nothing but that the server took the request."""

from __future__ import annotations

import json
from typing import Any

import httpx2

FRANCE = "The capital of France is"


class NativeClient:
    """``/generate`` with fields as keywords; fails where the server refuses."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def __call__(self, **fields: Any) -> Any:
        """Return the reply, an object or a list."""
        reply = self.http.post("/generate", json=fields)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def greedy(self, text: str = FRANCE, max_new_tokens: int = 8, **fields: Any) -> Any:
        """Return the reply to one prompt without randomness; ``params`` are further ones."""
        params = {"temperature": 0, "max_new_tokens": max_new_tokens, **fields.pop("params", {})}
        return self(text=text, sampling_params=params, **fields)

    def error(self, **fields: Any) -> Any:
        """Return the error of a request that is refused."""
        reply = self.http.post("/generate", json=fields)
        assert reply.status_code == 400, reply.text
        return reply.json()["error"]

    def stream(self, **fields: Any) -> list[Any]:
        """Return the events of a stream, without the word that ends it."""
        with self.http.stream("POST", "/generate", json={**fields, "stream": True}) as reply:
            assert reply.status_code == 200, reply.read()
            assert reply.headers["content-type"].startswith("text/event-stream")
            lines = [line for line in reply.iter_lines() if line]
        assert all(line.startswith("data: ") for line in lines)
        assert lines.pop() == "data: [DONE]"
        return [json.loads(line.removeprefix("data: ")) for line in lines]
