"""An endpoint as a declaration: what is routed, checked and described is one and the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.replies import error_reply

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path. ``body``, ``query`` and ``reply`` describe it in the OpenAPI document.

    ``is_multipart``: the body comes as a form with files. ``streams``: whether it may answer with
    server-sent events. ``is_open``: it needs no key. ``while_draining``: it is served
    while the server shuts down too, as requests that run need it to end; so is whatever is asked
    with GET. ``refuse`` makes replies of errors. The first line of the handler's docstring is the
    summary.
    """

    path: str
    handle: Handler
    methods: tuple[str, ...] = ("POST",)
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    reply: type[BaseModel] | None = None
    tag: str = "native"
    is_multipart: bool = False
    streams: bool = False
    is_open: bool = False
    while_draining: bool = False
    refuse: Callable[[ApiError], Response] = error_reply

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        return (self.handle.__doc__ or "").strip().split("\n", 1)[0]
