"""Errors in Anthropic's form."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.replies import json_reply
from sglc.server.operations.context import served

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def error_data(error: ApiError) -> dict[str, Any]:
    """Return the body of an error, which is the data of an event in a stream too."""
    kind = "api_error" if error.status >= 500 else "invalid_request_error"
    return {
        "type": "error",
        "error": {"type": _TYPES.get(error.status, kind), "message": error.message},
        "request_id": served().request_id or None,
    }


def refuse(error: ApiError) -> Response:
    """Return an error as a reply."""
    return json_reply(error_data(error), error.status, error.headers)
