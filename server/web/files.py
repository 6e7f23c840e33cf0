"""The files of the page: read once, served by name, kept by browsers until they change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".sgl": "text/plain; charset=utf-8",
}
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The frame of the visualizer takes over a page that shows what somebody has written: it may run its
# own script, and reach nothing. Its origin is none, whoever opens it.
_FRAME_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
)
_POLICIES: Final = {"index.html": _PAGE_POLICY, "viewer.html": _FRAME_POLICY}


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file as it is sent; ``tag`` changes with its content."""

    data: bytes
    media_type: str
    tag: str


@cache
def web_files() -> Mapping[str, WebFile]:
    """Return all files of the page by their paths below ``/web/``."""
    return dict(_below(resources.files("sglc.server.web").joinpath("assets"), ""))


def serve_file(request: Request, name: str) -> Response:
    """Answer with a file, or with 304 where the client has it.

    Names are looked up, never joined to a folder: there is nothing to climb out of.

    Raises:
        ApiError: 404: there is no such file.
    """
    found = web_files().get(name)
    if found is None:
        raise ApiError(404, f"there is no file `{name[:80]}` of the page")
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}  # kept, and asked about
    if name in _POLICIES:
        headers["Content-Security-Policy"] = _POLICIES[name]
    if _is_known(request.headers.get("if-none-match", ""), found.tag):
        return Response(status_code=304, headers=headers)
    return Response(found.data, headers=headers | {"Content-Type": found.media_type})


def _is_known(given: str, tag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in given.split(",")]
    return tag in tags or tags == ["*"]


def _below(folder: Traversable, prefix: str) -> list[tuple[str, WebFile]]:
    found: list[tuple[str, WebFile]] = []
    for each in folder.iterdir():
        suffix = each.name[each.name.rfind(".") :]
        if each.is_dir():
            found += _below(each, f"{prefix}{each.name}/")
        elif suffix in _TYPES:
            data = each.read_bytes()
            tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
            found.append((prefix + each.name, WebFile(data, _TYPES[suffix], tag)))
    return found
