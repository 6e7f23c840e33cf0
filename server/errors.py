"""The one way in which a request is refused: a status and a message that names what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "method_not_allowed",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    415: "unsupported_media_type",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "request_too_large",
    499: "request_cancelled",
    503: "overloaded_error",
    504: "timeout_error",
    507: "storage_error",
}


class ApiError(Exception):
    """A request that is not served.

    ``param`` names the field (``messages[0].content``), ``code`` is a word for programs;
    ``headers`` go with the reply (``Retry-After``).
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = dict(headers or {})

    @property
    def type(self) -> str:
        """The kind of error, in OpenAI's words."""
        return _TYPES.get(self.status, "server_error" if self.status >= 500 else _TYPES[400])

    def to_data(self) -> dict[str, Any]:
        """Return the body that OpenAI's and SGLang's clients read."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code if self.code is not None else self.status,
            }
        }


def bad_request(message: str, param: str | None = None) -> ApiError:
    """Return a 400 about a field."""
    return ApiError(400, message, param=param)
