"""``/v1/chat/completions``."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from sglc.server.http.body import ReplyBody, read_body
from sglc.server.http.disconnect import while_connected
from sglc.server.http.replies import DONE, data_event, json_reply
from sglc.server.openai.answers import Usage, answer
from sglc.server.openai.chat_body import ChatBody, question_of
from sglc.server.openai.choices import (
    AnswerEvent,
    CallArguments,
    CallBegun,
    Ended,
    Question,
    Said,
)
from sglc.server.openai.logprobs import TokenLogprob, TokenNames, chat_logprobs
from sglc.server.openai.replies import Head, UsageReply, usage_data
from sglc.server.openai.streaming import streamed
from sglc.server.operations.tenant import Tenant, tenant_of
from sglc.server.service import Service, service_of

Finish = Literal["stop", "length", "tool_calls"]


class CalledFunction(ReplyBody):
    """``arguments`` is JSON text."""

    name: str
    arguments: str


class MadeCall(ReplyBody):
    """A call that the model asks for."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class AnswerMessage(ReplyBody):
    """``content`` is null where the answer is nothing but calls."""

    role: Literal["assistant"]
    content: str | None
    refusal: None
    tool_calls: list[MadeCall] | None = None


class Alternative(ReplyBody):
    """A token, and its natural log probability."""

    token: str
    logprob: float
    bytes: list[int]


class ContentLogprob(Alternative):
    """A token of a content, and the most probable ones at its place."""

    top_logprobs: list[Alternative]


class ContentLogprobs(ReplyBody):
    """Those of a content."""

    content: list[ContentLogprob]
    refusal: None


class ChatChoice(ReplyBody):
    """One answer. ``matched_stop`` is the stop text or the token that ended it."""

    index: int
    message: AnswerMessage
    logprobs: ContentLogprobs | None
    finish_reason: Finish
    matched_stop: str | int | None


class ChatReply(ReplyBody):
    """The reply of ``/v1/chat/completions``."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[ChatChoice]
    usage: UsageReply


async def chat(request: Request) -> Response:
    """Answer a conversation."""
    service, tenant = service_of(request), tenant_of(request)
    body = await read_body(request, ChatBody)
    if body.stream:
        return await streamed(request, stream(service, tenant, body))
    return json_reply(await while_connected(request, complete(service, tenant, body)))


async def complete(service: Service, tenant: Tenant, body: ChatBody) -> dict[str, Any]:
    """Return the whole reply to a body; ``stream`` is for who asks over HTTP.

    Raises:
        ApiError: the request cannot be served.
    """
    question = await question_of(service, tenant, body)
    names = TokenNames(service.files.tokenizer)
    usage = Usage()
    made = [_Answer(i) for i in range(question.num_choices)]
    async with aclosing(answer(service, names, question, usage)) as events:
        async for event in events:
            made[event.choice].take(event)
    head = Head("chatcmpl-", "chat.completion", body.model)

    def choices() -> list[dict[str, Any]]:
        return [each.data(question, names) for each in made]

    # log probabilities are many: their rendering holds up nobody
    wants = question.num_logprobs is not None
    return head.data(
        await asyncio.to_thread(choices) if wants else choices(), usage_data(service, usage)
    )


async def stream(service: Service, tenant: Tenant, body: ChatBody) -> AsyncGenerator[bytes, None]:
    """Yield the reply to a body as events.

    Raises:
        ApiError: the request cannot be served; before the first event, or behind some.
    """
    question = await question_of(service, tenant, body)
    names = TokenNames(service.files.tokenizer)
    usage = Usage()
    head = Head("chatcmpl-", "chat.completion.chunk", body.model)

    def chunk(choice: int, delta: dict[str, Any], **more: Any) -> bytes:
        made = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": None, **more}
        so_far = usage_data(service, usage) if body.counts_usage else None
        return data_event(head.data([made], so_far))

    begun = [False] * question.num_choices
    async with aclosing(answer(service, names, question, usage)) as events:
        async for event in events:
            if not begun[event.choice]:
                begun[event.choice] = True
                first = {"role": "assistant", "content": "", "refusal": None}
                yield chunk(event.choice, first)
            match event:
                case Said(choice, text, tokens):
                    found = _logprobs(names, tokens) if tokens else None
                    yield chunk(choice, {"content": text}, logprobs=found)
                case CallBegun(choice, index, name):
                    call = {"index": index, **_call(name, "")}
                    yield chunk(choice, {"tool_calls": [call]})
                case CallArguments(choice, index, text):
                    call = {"index": index, "function": {"arguments": text}}
                    yield chunk(choice, {"tool_calls": [call]})
                case Ended(choice, finish, matched):
                    yield chunk(choice, {}, finish_reason=finish, matched_stop=matched)
    if body.includes_usage:
        yield data_event(head.data([], usage_data(service, usage)))
    yield DONE


@dataclass(slots=True)
class _Answer:
    """One answer, put together."""

    index: int
    texts: list[str] = field(default_factory=list)
    tokens: list[TokenLogprob] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    end: Ended | None = None

    def take(self, event: AnswerEvent) -> None:
        """Add what was said."""
        match event:
            case Said(_, text, tokens):
                self.texts.append(text)
                self.tokens += tokens
            case CallBegun(_, _, name):
                self.calls.append(_call(name, ""))
            case CallArguments(_, index, text):
                self.calls[index]["function"]["arguments"] += text
            case Ended():
                self.end = event

    def data(self, question: Question, names: TokenNames) -> dict[str, Any]:
        """Return the choice of a reply."""
        assert self.end is not None
        text = "".join(self.texts)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if self.calls and not text else text,
            "refusal": None,
        }
        if self.calls:
            message["tool_calls"] = self.calls
        wants = question.num_logprobs is not None
        return {
            "index": self.index,
            "message": message,
            "logprobs": _logprobs(names, self.tokens) if wants else None,
            "finish_reason": self.end.finish,
            "matched_stop": self.end.matched,
        }


def _call(name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"id": "call_" + secrets.token_hex(12), "type": "function", "function": function}


def _logprobs(names: TokenNames, tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    return {"content": chat_logprobs(names, tokens), "refusal": None}
