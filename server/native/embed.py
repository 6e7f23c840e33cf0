"""``/encode`` and ``/classify``: what the model makes of a text, as a vector."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, RootModel
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.engine.messages import Vector
from sglc.server.errors import bad_request
from sglc.server.http.body import Body, ReplyBody, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import json_reply
from sglc.server.native.batch import batch_of
from sglc.server.native.body import GenerateBody, NoEmbeds, NoMedia, refuse
from sglc.server.native.output import finish_reason
from sglc.server.native.prompt import encode_item
from sglc.server.operations.calls import check_calls
from sglc.server.operations.tenant import tenant_of
from sglc.server.sampling import check_room
from sglc.server.service import Service, service_of


def _nothing(value: object) -> None:
    """Let pass the ``sampling_params`` that clients send and that ask for nothing."""
    if value not in ({}, {"max_new_tokens": 0}):
        refuse("nothing is sampled for an embedding", value)


class EncodeBody(Body):
    """One text, or a list, as ``text`` or as ``input_ids``."""

    text: str | list[str] | None = None
    input_ids: list[int] | list[list[int]] | None = None
    rid: str | list[str] | None = None
    input_embeds: NoEmbeds = None
    image_data: NoMedia = None
    sampling_params: Annotated[None, BeforeValidator(_nothing)] = None


class EncodeReply(ReplyBody):
    """The vector has length 1."""

    embedding: list[float]
    meta_info: dict[str, Any]


class EncodeReplies(RootModel[EncodeReply | list[EncodeReply]]):
    """A list where the texts are one."""


async def encode(request: Request) -> Response:
    """Return the embedding of a text, or of each of a list.

    It is the hidden state of the last token. A model without a head of its own for classes gives
    the same to ``/classify``.
    """
    service = service_of(request)
    body = await read_body(request, EncodeBody)
    # the rules of prompts and names are those of /generate
    batch = batch_of(
        GenerateBody(text=body.text, input_ids=body.input_ids, rid=body.rid),
        service.config.max_queued,
    )
    check_calls(tenant_of(request), len(batch.items))
    prompts: list[tuple[int, ...]] = []
    for item in batch.items:
        ids = await encode_item(service, item)
        if not ids:
            raise bad_request("there is no token to embed", item.place)
        check_room(len(ids), service.max_context, item.place)
        prompts.append(tuple(ids))
    vectors = await while_connected(request, _embed(service, prompts))
    replies = [
        {
            "embedding": vector.vector,
            "meta_info": {
                "id": item.rids[0],
                "finish_reason": finish_reason(None),
                "prompt_tokens": len(ids),
                "completion_tokens": 0,
                "cached_tokens": vector.stats.cached_tokens,
            },
        }
        for item, ids, vector in zip(batch.items, prompts, vectors, strict=True)
    ]
    return json_reply(replies if batch.is_list else replies[0])


async def _embed(service: Service, prompts: list[tuple[int, ...]]) -> list[Vector]:
    found: dict[int, Vector] = {}
    async with service.engine.embed(prompts) as job:
        async for reply in job:
            if isinstance(reply, Vector):
                found[reply.index] = reply
    return [found[index] for index in range(len(prompts))]
