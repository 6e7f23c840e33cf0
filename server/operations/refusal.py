"""Refusals before a request has reached its endpoint, in the words of the dialect of its path."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from sglc.server.anthropic.errors import refuse
from sglc.server.errors import ApiError
from sglc.server.http.replies import json_reply

_ANTHROPIC = "/v1/messages"


def refusal(path: str, error: ApiError) -> Response:
    """Return an error as the clients of a path read it.

    Anthropic's clients want the type on top, OpenAI's an object. SGLang's own clients look at the
    status alone, and its server answers a wrong key with the one word.
    """
    data: dict[str, Any] = error.to_data()
    if path == _ANTHROPIC or path.startswith(f"{_ANTHROPIC}/"):
        return refuse(error)
    if error.status == 401 and not path.startswith("/v1/"):
        data = {"error": "Unauthorized"}
    return json_reply(data, error.status, error.headers)
