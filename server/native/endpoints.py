"""The endpoints of the native dialect."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.http.endpoint import Endpoint
from sglc.server.http.replies import json_reply
from sglc.server.native import control, embed, info, session_endpoints, tokens
from sglc.server.native.body import GenerateBody, GenerateReplies
from sglc.server.native.generate import generate
from sglc.server.service import service_of

_GET = ("GET",)
_EITHER = ("GET", "POST")
_WRITE = ("POST", "PUT")


async def health(request: Request) -> Response:
    """Say that requests can be served: with 503 that the engine is away or the server ends."""
    request.app.state.gate.check()
    service_of(request).engine.check()
    return json_reply({"status": "ok"})


NATIVE: Sequence[Endpoint] = (
    Endpoint(
        path="/generate",
        handle=generate,
        methods=_WRITE,
        body=GenerateBody,
        reply=GenerateReplies,
        streams=True,
    ),
    *(
        Endpoint(
            path=path,
            handle=embed.encode,
            methods=_WRITE,
            body=embed.EncodeBody,
            reply=embed.EncodeReplies,
        )
        for path in ("/encode", "/classify")
    ),
    Endpoint(
        path="/tokenize",
        handle=tokens.tokenize,
        body=tokens.TokenizeBody,
        reply=tokens.TokenizeReply,
    ),
    Endpoint(
        path="/detokenize",
        handle=tokens.detokenize,
        body=tokens.DetokenizeBody,
        reply=tokens.DetokenizeReply,
    ),
    *(
        Endpoint(path=path, handle=info.model_info, methods=_GET, reply=info.ModelInfo)
        for path in ("/get_model_info", "/model_info")
    ),
    *(
        Endpoint(path=path, handle=info.server_info, methods=_GET, reply=info.ServerInfo)
        for path in ("/get_server_info", "/server_info", "/get_server_args")
    ),
    Endpoint(
        path="/open_session",
        handle=session_endpoints.open_session,
        methods=_EITHER,
        body=session_endpoints.OpenBody,
        reply=session_endpoints.OpenReply,
    ),
    Endpoint(
        path="/close_session",
        handle=session_endpoints.close_session,
        methods=_EITHER,
        body=session_endpoints.CloseBody,
    ),
    Endpoint(path="/flush_cache", handle=control.flush_cache, methods=_EITHER),
    Endpoint(
        path="/abort_request",
        handle=control.abort_request,
        body=control.AbortBody,
        reply=control.AbortReply,
        while_draining=True,
    ),
    Endpoint(path="/start_profile", handle=control.profile, methods=_EITHER),
    Endpoint(path="/stop_profile", handle=control.profile, methods=_EITHER),
    Endpoint(path="/health", handle=health, methods=_GET, is_open=True),
    Endpoint(path="/health_generate", handle=info.health_generate, methods=_GET, is_open=True),
)
