"""What the server says of its interface: the OpenAPI document, and a page to read it."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sglc.server.http.endpoint import Endpoint
from sglc.server.http.openapi import document
from sglc.server.http.replies import dumps

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color-scheme:light dark}pre{overflow:auto;font-size:.85rem}code{font-size:.95rem}"
    "summary{cursor:pointer}"
)


def describing(endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
    """Return ``endpoints`` and two that describe all of them."""

    async def openapi(request: Request) -> Response:
        """Give the OpenAPI document of this server."""
        return Response(data, media_type="application/json")

    async def docs(request: Request) -> Response:
        """Show the OpenAPI document as a page."""
        return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})

    every = (
        *endpoints,
        Endpoint(path="/openapi.json", handle=openapi, methods=("GET",), tag="about"),
        Endpoint(path="/docs", handle=docs, methods=("GET",), tag="about"),
    )
    made = document(every, version("sglc"))
    data, page = dumps(made), _page(made)
    return every


def _page(made: dict[str, Any]) -> str:
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>sglc: the interface</title>",
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>",
        "<h1>The interface</h1><p>The same as data: <a href=/openapi.json>/openapi.json</a>.</p>",
    ]
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            title = html.escape(f"{method.upper()} {path}")
            summary = html.escape(operation["summary"])
            parts.append(f"<details><summary><code>{title}</code> {summary}</summary>")
            parts.append(_json(operation) + "</details>")
    parts.append("<h2>Schemas</h2>")
    for name, schema in made["components"]["schemas"].items():
        title = html.escape(name)
        parts.append(f"<details id='{title}'><summary><code>{title}</code></summary>")
        parts.append(_json(schema) + "</details>")
    return "\n".join(parts)


def _json(value: object) -> str:
    return f"<pre>{html.escape(json.dumps(value, indent=2))}</pre>"
