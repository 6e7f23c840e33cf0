"""The endpoints of the page: open to all, as it asks for a key itself."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.http.endpoint import Endpoint
from sglc.server.web.files import serve_file


async def playground(request: Request) -> Response:
    """Show the page on which programs are written and run."""
    return serve_file(request, "index.html")


async def status(request: Request) -> Response:
    """Show the page on which the engine is watched."""
    return serve_file(request, "index.html")


async def asset(request: Request) -> Response:
    """Give a file that the page is made of."""
    return serve_file(request, request.path_params["name"])


WEB: Sequence[Endpoint] = (
    Endpoint(path="/", handle=playground, methods=("GET",), tag="web", is_open=True),
    Endpoint(path="/status", handle=status, methods=("GET",), tag="web", is_open=True),
    Endpoint(path="/web/{name:path}", handle=asset, methods=("GET",), tag="web", is_open=True),
)
