"""``/v1/embeddings``."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.engine.messages import Vector
from sglc.server.http.body import Body, ReplyBody, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import json_reply
from sglc.server.openai.fields import Refused
from sglc.server.openai.prompts import Prompts, num_prompts, prompts_of
from sglc.server.operations.calls import check_calls
from sglc.server.operations.tenant import Tenant, tenant_of
from sglc.server.service import Service, service_of


class EmbeddingBody(Body):
    """The body of ``/v1/embeddings``.

    An embedding has as many numbers as the model's hidden state; ``dimensions`` is refused, since
    a model must be trained for embeddings that can be cut. ``user`` means nothing here.
    """

    model: str = Field(default="default", max_length=1024)
    input: Prompts
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Refused = None
    user: str | None = None


class EmbeddingItem(ReplyBody):
    """One vector of length 1: numbers, or the base64 text of little-endian float32."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class EmbeddingUsage(ReplyBody):
    """Tokens of a request."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingReply(ReplyBody):
    """The reply of ``/v1/embeddings``, in the order of the inputs."""

    object: Literal["list"]
    data: list[EmbeddingItem]
    model: str
    usage: EmbeddingUsage


async def embeddings(request: Request) -> Response:
    """Embed texts."""
    service, tenant = service_of(request), tenant_of(request)
    body = await read_body(request, EmbeddingBody)
    made = await while_connected(request, complete(service, tenant, body))
    return await asyncio.to_thread(json_reply, made)  # many numbers take their time


async def complete(service: Service, tenant: Tenant, body: EmbeddingBody) -> dict[str, Any]:
    """Return the reply to a body.

    Raises:
        ApiError: the request cannot be served.
    """
    check_calls(tenant, num_prompts(body.input), "input")
    prompts = await prompts_of(service, body.input, "input", specials=False)
    vectors: dict[int, Sequence[float]] = {}
    async with service.engine.embed([prompt.ids for prompt in prompts]) as job:
        async for reply in job:
            if isinstance(reply, Vector):
                vectors[reply.index] = reply.vector
    num_tokens = sum(len(prompt.ids) for prompt in prompts)
    return {
        "object": "list",
        "data": await asyncio.to_thread(_items, vectors, body.encoding_format == "base64"),
        "model": body.model,
        "usage": {"prompt_tokens": num_tokens, "total_tokens": num_tokens},
    }


def _items(vectors: Mapping[int, Sequence[float]], as_text: bool) -> list[dict[str, Any]]:
    return [
        {
            "object": "embedding",
            "index": i,
            "embedding": _base64(vectors[i]) if as_text else vectors[i],
        }
        for i in range(len(vectors))
    ]


def _base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
