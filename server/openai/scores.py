"""``/v1/score``: how probable each of some tokens is behind a query and an item; of SGLang."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.engine.merging import generated
from sglc.server.engine.messages import Generation, Sampled
from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import Body, ReplyBody, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import json_reply
from sglc.server.openai.prompts import Prompts, prompts_of
from sglc.server.operations.calls import check_calls
from sglc.server.operations.tenant import Tenant, tenant_of
from sglc.server.sampling import check_room, token_ids_of
from sglc.server.service import Service, service_of

MAX_SCORES = 2048  # of one request: items times labels


class ScoreBody(Body):
    """The body of ``/v1/score``.

    ``query`` and ``items`` are texts, or both token ids; an item stands behind the query, or before
    it with ``item_first``. A score is the probability of a label, with ``apply_softmax`` its share
    of that of all labels.
    """

    model: str = Field(default="default", max_length=1024)
    query: Prompts
    items: Prompts
    label_token_ids: list[int] = Field(min_length=1, max_length=MAX_SCORES)
    apply_softmax: bool = False
    item_first: bool = False


class ScoreUsage(ReplyBody):
    """Tokens of a request; those of the query count with each item."""

    prompt_tokens: int
    total_tokens: int


class ScoreReply(ReplyBody):
    """The reply of ``/v1/score``: one row per item, in the order of the labels."""

    object: Literal["scoring"]
    model: str
    scores: list[list[float]]
    usage: ScoreUsage


async def score(request: Request) -> Response:
    """Score labels behind a query and each item."""
    service = service_of(request)
    body = await read_body(request, ScoreBody)
    tenant = tenant_of(request)
    return json_reply(await while_connected(request, complete(service, tenant, body)))


async def complete(service: Service, tenant: Tenant, body: ScoreBody) -> dict[str, Any]:
    """Return the reply to a body.

    Raises:
        ApiError: the request cannot be served.
    """
    ready = service.engine.ready
    assert ready is not None
    labels = token_ids_of(body.label_token_ids, ready.vocab_size, "label_token_ids")
    prompts = await _prompts(service, body)
    if len(prompts) * len(labels) > MAX_SCORES:
        raise bad_request(
            f"{len(prompts)} items with {len(labels)} labels each are more than {MAX_SCORES} "
            "scores: ask for fewer at once",
            "items",
        )
    check_calls(tenant, len(prompts) * len(labels), "items")
    generations = [
        Generation(ids=(*ids, label), max_tokens=0, prompt_logprobs_from=len(ids))
        for ids in prompts
        for label in labels
    ]
    logprobs = [0.0] * len(generations)
    async with aclosing(generated(service.engine, generations)) as replies:
        async for place, reply in replies:
            if isinstance(reply, ApiError):
                raise reply
            if isinstance(reply, Sampled):
                assert reply.prompt is not None
                logprobs[place] = reply.prompt.logprobs[0]
    rows = [logprobs[i : i + len(labels)] for i in range(0, len(logprobs), len(labels))]
    num_tokens = sum(map(len, prompts))
    return {
        "object": "scoring",
        "model": body.model,
        "scores": [
            _shares(row) if body.apply_softmax else list(map(math.exp, row)) for row in rows
        ],
        "usage": {"prompt_tokens": num_tokens, "total_tokens": num_tokens},
    }


async def _prompts(service: Service, body: ScoreBody) -> list[tuple[int, ...]]:
    """Return a prompt for each item; texts are joined before they are encoded."""
    query, items = body.query, body.items
    is_text = isinstance(query, str)
    if not is_text and not isinstance(query[0], int):
        raise bad_request("query must be one text, or a list of token ids", "query")
    if isinstance(items, str) or isinstance(items[0], int):
        items = [items]
    if isinstance(items[0], str) != is_text:
        raise bad_request("query and items must be texts both, or token ids both", "items")
    joined = [item + query if body.item_first else query + item for item in items]
    prompts = await prompts_of(service, joined, "items", specials=True)
    for i, prompt in enumerate(prompts):
        check_room(len(prompt.ids) + 1, service.max_context, f"items[{i}]")
    return [prompt.ids for prompt in prompts]


def _shares(logprobs: Sequence[float]) -> list[float]:
    """Return what each has of the sum of all."""
    most = max(logprobs)
    weights = [math.exp(logprob - most) for logprob in logprobs]
    total = sum(weights)
    return [weight / total for weight in weights]
