"""``/tokenize`` and ``/detokenize``, in the forms of SGLang 0.5."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import bad_request
from sglc.server.http.body import Body, ReplyBody, read_body
from sglc.server.http.replies import json_reply
from sglc.server.sampling import token_ids_of
from sglc.server.service import Service, service_of

_FEW = 1000  # tokens; more are made text beside the event loop


class TokenizeBody(Body):
    """One text, or a list. Without ``add_special_tokens`` there is no begin token.

    ``model`` may be any name: one model is served.
    """

    prompt: str | list[str]
    add_special_tokens: bool = True
    model: str | None = None


class TokenizeReply(ReplyBody):
    """Lists where the prompt was one."""

    tokens: list[int] | list[list[int]]
    count: int | list[int]
    max_model_len: int


class DetokenizeBody(Body):
    """The tokens of one text, or a list of those; special ones are named on demand."""

    tokens: list[int] | list[list[int]] = Field(default_factory=list)
    skip_special_tokens: bool = True
    model: str | None = None


class DetokenizeReply(ReplyBody):
    """A list where the tokens were one of lists."""

    text: str | list[str]


async def tokenize(request: Request) -> Response:
    """Return the tokens of a text."""
    service = service_of(request)
    body = await read_body(request, TokenizeBody)
    prompts = [body.prompt] if isinstance(body.prompt, str) else body.prompt
    service.check_chars(sum(map(len, prompts)), "prompt")
    found = [await _ids(service, prompt, body.add_special_tokens) for prompt in prompts]
    tokens, counts = found, [len(ids) for ids in found]
    single = isinstance(body.prompt, str)
    return json_reply(
        {
            "tokens": tokens[0] if single else tokens,
            "count": counts[0] if single else counts,
            "max_model_len": service.max_context,
        }
    )


async def detokenize(request: Request) -> Response:
    """Return the text of tokens."""
    service = service_of(request)
    body = await read_body(request, DetokenizeBody)
    if len(body.tokens) > _FEW or any(isinstance(ids, list) for ids in body.tokens):
        return await asyncio.to_thread(_detokenized, service, body)
    return _detokenized(service, body)


def _detokenized(service: Service, body: DetokenizeBody) -> Response:
    lists = [ids for ids in body.tokens if isinstance(ids, list)]
    single = [token for token in body.tokens if isinstance(token, int)]
    if not lists:
        return json_reply({"text": _text(service, single, "tokens", body.skip_special_tokens)})
    texts = [
        _text(service, ids, f"tokens[{at}]", body.skip_special_tokens)
        for at, ids in enumerate(lists)
    ]
    return json_reply({"text": texts})


async def _ids(service: Service, text: str, add_special_tokens: bool) -> list[int]:
    ids = await service.encode(text, "prompt", specials=True)
    bos = list(service.files.tokenizer.bos_ids)
    if add_special_tokens or not bos or text.startswith(service.token_texts.text_of(bos[0])):
        return ids
    return ids[len(bos) :]


def _text(service: Service, ids: Sequence[int], place: str, skip_special_tokens: bool) -> str:
    tokenizer, texts = service.files.tokenizer, service.token_texts
    token_ids_of(ids, service.vocab_size, place)
    for token in ids:
        if token >= tokenizer.vocab_size:
            raise bad_request(f"{place} has the id {token}, which no text has", place)
    if skip_special_tokens:
        return tokenizer.decode(ids)
    return b"".join(map(texts.bytes_of, ids)).decode(errors="replace")
