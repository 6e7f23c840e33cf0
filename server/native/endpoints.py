"""The endpoints of the native dialect."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.http.endpoint import Endpoint
from sglc.server.http.replies import json_reply
from sglc.server.native.body import GenerateBody, GenerateReplies
from sglc.server.native.generate import generate
from sglc.server.native.tokens import (
    DetokenizeBody,
    DetokenizeReply,
    TokenizeBody,
    TokenizeReply,
    detokenize,
    tokenize,
)


async def health(request: Request) -> Response:
    """Say that the server is there."""
    return json_reply({"status": "ok"})


NATIVE: Sequence[Endpoint] = (
    Endpoint(
        path="/generate",
        handle=generate,
        methods=("POST", "PUT"),
        body=GenerateBody,
        reply=GenerateReplies,
        streams=True,
    ),
    Endpoint(path="/tokenize", handle=tokenize, body=TokenizeBody, reply=TokenizeReply),
    Endpoint(path="/detokenize", handle=detokenize, body=DetokenizeBody, reply=DetokenizeReply),
    Endpoint(path="/health", handle=health, methods=("GET",), is_open=True),
)
