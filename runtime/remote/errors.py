"""What goes wrong between us and a server."""

from __future__ import annotations


class RemoteError(Exception):
    """A request failed: the message says what, where and what to do.

    ``is_transient``: the same request may well succeed later; ``retry_after_s`` is when, if the
    server says so. ``status`` is that of its answer, None without one.
    """

    def __init__(
        self,
        message: str,
        *,
        is_transient: bool = False,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.is_transient = is_transient
        self.retry_after_s = retry_after_s
        self.status = status
