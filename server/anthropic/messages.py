"""``/v1/messages``: Anthropic's form of a conversation."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.anthropic.blocks import Blocks
from sglc.server.anthropic.body import CountBody, MessagesBody
from sglc.server.anthropic.conversation import chat_of
from sglc.server.anthropic.errors import error_data
from sglc.server.errors import ApiError
from sglc.server.http.body import ReplyBody, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import json_reply, named_event
from sglc.server.openai.answers import Usage, answer
from sglc.server.openai.chat_body import prompt_of, question_of
from sglc.server.openai.choices import Ended, Question
from sglc.server.openai.logprobs import TokenNames
from sglc.server.openai.streaming import streamed
from sglc.server.operations.tenant import Tenant, tenant_of
from sglc.server.service import Service, service_of

StopReason = Literal[
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "model_context_window_exceeded"
]


class ContentReply(ReplyBody):
    """A block: a text, or a call of a tool."""

    type: Literal["text", "tool_use"]
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None


class MessageUsage(ReplyBody):
    """Tokens of a request. Those read from the cache are told apart where the server reports it."""

    input_tokens: int
    cache_creation_input_tokens: int
    cache_read_input_tokens: int
    output_tokens: int


class MessageReply(ReplyBody):
    """The reply of ``/v1/messages``."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[ContentReply]
    stop_reason: StopReason
    stop_sequence: str | None
    usage: MessageUsage


class CountReply(ReplyBody):
    """The reply of ``/v1/messages/count_tokens``."""

    input_tokens: int


async def messages(request: Request) -> Response:
    """Answer a conversation, in Anthropic's form."""
    service, tenant = service_of(request), tenant_of(request)
    body = await read_body(request, MessagesBody)
    if body.stream:
        return await streamed(request, stream(service, tenant, body), _failure)
    return json_reply(await while_connected(request, complete(service, tenant, body)))


async def count_tokens(request: Request) -> Response:
    """Count the tokens of a conversation, however many there are."""
    service = service_of(request)
    chat = chat_of(await read_body(request, CountBody))
    prompt = await prompt_of(service, chat)
    return json_reply({"input_tokens": len(prompt.ids())})


async def complete(service: Service, tenant: Tenant, body: MessagesBody) -> dict[str, Any]:
    """Return the whole reply to a body.

    Raises:
        ApiError: the request cannot be served.
    """
    question = await _question(service, tenant, body)
    usage, blocks = Usage(), Blocks()
    names = TokenNames(service.files.tokenizer)
    async with aclosing(answer(service, names, question, usage)) as events:
        async for event in events:
            for _ in blocks.take(event):
                pass
    return {
        **_head(body),
        "content": blocks.content,
        **_stop(body, question, blocks.end),
        "usage": _usage(service, usage),
    }


async def stream(
    service: Service, tenant: Tenant, body: MessagesBody
) -> AsyncGenerator[bytes, None]:
    """Yield the reply to a body as events.

    Raises:
        ApiError: the request cannot be served; before the first event, or behind some.
    """
    question = await _question(service, tenant, body)
    usage, blocks = Usage(), Blocks()
    names = TokenNames(service.files.tokenizer)
    has_begun = False
    async with aclosing(answer(service, names, question, usage)) as events:
        async for event in events:
            if not has_begun:
                has_begun = True
                yield named_event("message_start", _start(service, body, usage))
            for each in blocks.take(event):
                yield named_event(each.name, each.data)
    yield named_event(
        "message_delta",
        {
            "type": "message_delta",
            "delta": _stop(body, question, blocks.end),
            "usage": _usage(service, usage),
        },
    )
    yield named_event("message_stop", {"type": "message_stop"})


def _failure(error: ApiError) -> bytes:
    return named_event("error", error_data(error))


async def _question(service: Service, tenant: Tenant, body: MessagesBody) -> Question:
    question = await question_of(service, tenant, chat_of(body))
    if question.constraint_field == "response_format":  # as OpenAI calls it
        question = replace(question, constraint_field="output_config.format")
    return question if body.max_tokens else replace(question, max_tokens=0, calling=None)


def _head(body: MessagesBody) -> dict[str, Any]:
    return {
        "id": "msg_" + secrets.token_hex(12),
        "type": "message",
        "role": "assistant",
        "model": body.model,
    }


def _start(service: Service, body: MessagesBody, usage: Usage) -> dict[str, Any]:
    """Return the first event; what was cached is known at the end, and said there."""
    so_far = _usage(service, Usage(usage.prompt_tokens))
    message = {
        **_head(body),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": so_far,
    }
    return {"type": "message_start", "message": message}


def _stop(body: MessagesBody, question: Question, end: Ended | None) -> dict[str, Any]:
    assert end is not None
    reason: StopReason = "end_turn"
    matched = None
    if end.finish == "tool_calls":
        reason = "tool_use"
    elif end.finish == "length":
        is_full = question.max_tokens < body.max_tokens
        reason = "model_context_window_exceeded" if is_full else "max_tokens"
    elif isinstance(end.matched, str):
        reason, matched = "stop_sequence", end.matched
    return {"stop_reason": reason, "stop_sequence": matched}


def _usage(service: Service, usage: Usage) -> dict[str, int]:
    cached = usage.cached_tokens if service.config.enable_cache_report else 0
    return {
        "input_tokens": usage.prompt_tokens - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens,
    }
