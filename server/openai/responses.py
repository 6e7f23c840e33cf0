"""``/v1/responses``: OpenAI's newer form of a chat. No response is kept."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.errors import ApiError
from sglc.server.http.body import ReplyBody, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import json_reply, named_event
from sglc.server.openai.answers import Usage, answer
from sglc.server.openai.chat_body import prompt_of, question_of
from sglc.server.openai.choices import Question
from sglc.server.openai.logprobs import TokenNames
from sglc.server.openai.responses_body import CountedBody, ResponsesBody, renamed
from sglc.server.openai.responses_output import Output
from sglc.server.openai.streaming import streamed
from sglc.server.operations.tenant import Tenant, tenant_of
from sglc.server.service import Service, service_of

Status = Literal["in_progress", "completed", "incomplete"]


class InputDetails(ReplyBody):
    """``cached_tokens`` is 0 unless the server is told to report them."""

    cached_tokens: int
    cache_write_tokens: int


class OutputDetails(ReplyBody):
    """There are no thoughts that are not shown."""

    reasoning_tokens: int


class ResponseUsage(ReplyBody):
    """Tokens of a response."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ResponseReply(ReplyBody):
    """The reply of ``/v1/responses``; ``output`` are messages and calls of tools."""

    id: str
    object: Literal["response"]
    created_at: int
    status: Status
    error: None
    incomplete_details: dict[str, str] | None
    instructions: str | None
    max_output_tokens: int | None
    metadata: dict[str, str]
    model: str
    output: list[dict[str, Any]]
    parallel_tool_calls: bool
    previous_response_id: None
    store: Literal[False]
    temperature: float
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_p: float
    truncation: Literal["disabled"]
    usage: ResponseUsage | None


class InputTokensReply(ReplyBody):
    """The reply of ``/v1/responses/input_tokens``."""

    object: Literal["response.input_tokens"]
    input_tokens: int


async def responses(request: Request) -> Response:
    """Answer an input, in the form of responses."""
    service, tenant = service_of(request), tenant_of(request)
    body = await read_body(request, ResponsesBody)
    if body.stream:
        return await streamed(request, stream(service, tenant, body))
    if body.stream_options is not None:
        message = "stream_options goes with `stream: true` only"
        raise ApiError(400, message, param="stream_options")
    return json_reply(await while_connected(request, complete(service, tenant, body)))


async def input_tokens(request: Request) -> Response:
    """Count the tokens of an input, however many there are."""
    service = service_of(request)
    body = await read_body(request, CountedBody)
    try:
        prompt = await prompt_of(service, body.chat())
    except ApiError as error:
        raise renamed(error) from None
    return json_reply({"object": "response.input_tokens", "input_tokens": len(prompt.ids())})


async def complete(service: Service, tenant: Tenant, body: ResponsesBody) -> dict[str, Any]:
    """Return the whole reply to a body.

    Raises:
        ApiError: the request cannot be served.
    """
    question = await _question(service, tenant, body)
    usage, names = Usage(), TokenNames(service.files.tokenizer)
    output = Output(names, body.has_logprobs)
    async with aclosing(answer(service, names, question, usage)) as events:
        async for event in events:
            for _ in output.take(event):
                pass
    return {**_head(body), **_end(service, output, usage)}


async def stream(
    service: Service, tenant: Tenant, body: ResponsesBody
) -> AsyncGenerator[bytes, None]:
    """Yield the reply to a body as events, numbered from 0.

    Raises:
        ApiError: the request cannot be served; before the first event, or behind some.
    """
    question = await _question(service, tenant, body)
    usage, names = Usage(), TokenNames(service.files.tokenizer)
    output = Output(names, body.has_logprobs)
    head = _head(body)
    number = 0

    def made(event: dict[str, Any]) -> bytes:
        nonlocal number
        number += 1
        return named_event(event["type"], {**event, "sequence_number": number - 1})

    try:
        async with aclosing(answer(service, names, question, usage)) as events:
            async for event in events:
                if not number:
                    yield made({"type": "response.created", "response": head})
                    yield made({"type": "response.in_progress", "response": head})
                for each in output.take(event):
                    yield made(each)
    except ApiError as error:
        if not number:
            raise
        code = error.code or error.type
        yield made({"type": "error", "code": code, "message": error.message, "param": error.param})
        return
    end = {**head, **_end(service, output, usage)}
    yield made({"type": f"response.{end['status']}", "response": end})


async def _question(service: Service, tenant: Tenant, body: ResponsesBody) -> Question:
    try:
        question = await question_of(service, tenant, body.asked())
    except ApiError as error:
        raise renamed(error) from None
    field = question.constraint_field
    return replace(question, constraint_field="text.format" if field != "tools" else field)


def _head(body: ResponsesBody) -> dict[str, Any]:
    """Return a response that has just begun."""
    form = body.text.format if body.text is not None else None
    choice = body.tool_choice or "auto"
    tools = [
        {"description": None, "parameters": None, "strict": None}
        | tool.model_dump(exclude_none=True)
        for tool in body.tools or ()
    ]
    return {
        "id": "resp_" + secrets.token_hex(16),
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "model": body.model,
        "output": [],
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": None,
        "store": False,
        "temperature": body.given_temperature,
        "text": {
            "format": {"type": "text"}
            if form is None
            else form.model_dump(by_alias=True, exclude_none=True)
        },
        "tool_choice": choice if isinstance(choice, str) else choice.model_dump(),
        "tools": tools,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": "disabled",
        "usage": None,
    }


def _end(service: Service, output: Output, usage: Usage) -> dict[str, Any]:
    """Return the fields of a response that are known at its end."""
    assert output.end is not None
    is_cut = output.end.finish == "length"
    cached = usage.cached_tokens if service.config.enable_cache_report else 0
    return {
        "status": "incomplete" if is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "output": output.items,
        "usage": {
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": 0},
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        },
    }
