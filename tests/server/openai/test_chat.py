"""Chat completions with the official client, over a real connection."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

WithAsync = Callable[..., Any]
ASK: Any = [{"role": "user", "content": "What is the capital of France?"}]
GREEDY: Any = {"model": "any", "messages": ASK, "temperature": 0}


def test_answers_a_conversation(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(**GREEDY)
    assert reply.object == "chat.completion"
    assert reply.model == "any"
    (choice,) = reply.choices
    assert choice.message.role == "assistant"
    assert choice.message.content == "Paris."
    assert choice.finish_reason == "stop"
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.prompt_tokens_details is None


async def _chunks(client: openai.AsyncOpenAI) -> list[Any]:
    stream = await client.chat.completions.create(
        **GREEDY, stream=True, stream_options={"include_usage": True}
    )
    return [chunk async for chunk in stream]


def test_streams_role_text_and_reason_in_that_order(with_async: WithAsync) -> None:
    chunks = with_async(_chunks)
    first, *texts, last, usage = chunks
    assert first.choices[0].delta.role == "assistant"
    assert not first.choices[0].delta.content
    assert "".join(each.choices[0].delta.content for each in texts) == "Paris."
    assert all(each.choices[0].delta.role is None for each in texts)
    assert last.choices[0].finish_reason == "stop"
    assert not last.choices[0].delta.content
    assert usage.choices == []
    assert usage.usage.completion_tokens == 5
    assert len({each.id for each in chunks}) == 1


def test_usage_may_come_with_every_chunk(client: openai.OpenAI) -> None:
    asked = GREEDY | {"extra_body": {"stream_options": {"continuous_usage_stats": True}}}
    counts = []
    for chunk in client.chat.completions.create(**asked, stream=True):
        assert chunk.usage is not None
        counts.append(chunk.usage.completion_tokens)
    assert counts == sorted(counts)
    assert counts[-1] == 5


def test_a_last_message_of_the_assistant_is_continued(client: openai.OpenAI) -> None:
    messages = [*ASK, {"role": "assistant", "content": "Par"}]
    reply = client.chat.completions.create(**GREEDY | {"messages": messages})
    assert reply.choices[0].message.content == "is."


def test_log_probabilities_have_bytes_that_join_to_the_content(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(**GREEDY, logprobs=True, top_logprobs=2)
    found = reply.choices[0].logprobs
    assert found is not None
    assert found.content is not None
    assert b"".join(bytes(each.bytes or []) for each in found.content) == b"Paris."
    for each in found.content:
        assert len(each.top_logprobs) == 2
        assert each.top_logprobs[0].logprob == each.logprob < 0  # greedy took the best
        assert math.exp(each.logprob) > 0.5


def test_log_probabilities_beside_tools_are_streamed_too(client: openai.OpenAI) -> None:
    schema: Any = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 8}}}
    closed = schema | {"required": ["city"], "additionalProperties": False}
    asked: Any = {
        **GREEDY,
        "logprobs": True,
        "tools": [{"type": "function", "function": {"name": "look", "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": closed}},
    }
    whole = client.chat.completions.create(**asked).choices[0]
    assert whole.logprobs is not None
    assert whole.message.content
    found: list[str] = []
    for chunk in client.chat.completions.create(**asked, stream=True):
        said = chunk.choices[0].logprobs
        found += [each.token for each in (said.content if said else None) or ()]
    assert found == [each.token for each in whole.logprobs.content or ()]
    assert "".join(found) == whole.message.content


def test_json_of_a_schema_is_valid(client: openai.OpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {"capital": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["capital", "people"],
        "additionalProperties": False,
    }
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    reply = client.chat.completions.create(**GREEDY, response_format=wanted, max_tokens=60)
    assert set(json.loads(reply.choices[0].message.content or "")) == {"capital", "people"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("audio", {"voice": "alloy", "format": "wav"}),
        ("modalities", ["text", "audio"]),
        ("web_search_options", {}),
        ("prediction", {"type": "content", "content": "x"}),
        ("store", True),
        ("service_tier", "flex"),
        ("functions", []),
        ("top_logprobs", 21),
        ("temperature", -1),
        ("n", 0),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    http: httpx2.Client, field: str, value: object
) -> None:
    reply = http.post("/v1/chat/completions", json=GREEDY | {field: value})
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["param"].split("[")[0] == field
