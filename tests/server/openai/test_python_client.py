"""Every method that the official Python client has for these endpoints, sync and async."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import openai
import pytest
from openai import pydantic_function_tool
from pydantic import BaseModel, Field

WithAsync = Callable[..., Any]
ASK: Any = {
    "model": "any",
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "temperature": 0,
    "max_tokens": 120,
}


class Person(BaseModel):
    """A schema as pydantic writes it: definitions, titles, descriptions."""

    class Pet(BaseModel):
        kind: Literal["cat", "dog"]
        age: int | None

    name: str = Field(description="how they are called")
    pets: list[Pet] = Field(max_length=1)


class Tree(BaseModel):
    """A schema that refers to itself."""

    kind: Literal["leaf", "node"]
    since: date
    children: list[Tree] = Field(max_length=2)


class Add(BaseModel):
    """Add two numbers."""

    a: int = Field(ge=0, le=99)
    b: int = Field(ge=0, le=99)


ADD: Any = pydantic_function_tool(Add, name="add")


def test_parse_gives_an_object(client: openai.OpenAI, with_async: WithAsync) -> None:
    reply = client.chat.completions.parse(**ASK, response_format=Person)
    person = reply.choices[0].message.parsed
    assert isinstance(person, Person)

    async def parse(aclient: openai.AsyncOpenAI) -> Person | None:
        made = await aclient.chat.completions.parse(**ASK, response_format=Person)
        return made.choices[0].message.parsed

    assert with_async(parse) == person


def test_a_schema_may_refer_to_itself(client: openai.OpenAI) -> None:
    reply = client.chat.completions.parse(**ASK | {"temperature": 1}, response_format=Tree)
    assert isinstance(reply.choices[0].message.parsed, Tree)


def test_parse_gives_arguments_of_tools(client: openai.OpenAI) -> None:
    reply = client.chat.completions.parse(**ASK, tools=[ADD], tool_choice="required")
    calls = reply.choices[0].message.tool_calls
    assert calls
    assert isinstance(calls[0].function.parsed_arguments, Add)
    assert reply.choices[0].finish_reason == "tool_calls"


def test_the_stream_helper_sees_text(client: openai.OpenAI, with_async: WithAsync) -> None:
    with client.chat.completions.stream(**ASK, logprobs=True) as stream:
        events = list(stream)
    final = stream.get_final_completion()
    assert final.choices[0].message.content == "Paris."
    assert "".join(e.delta for e in events if e.type == "content.delta") == "Paris."
    assert any(e.type == "logprobs.content.delta" for e in events)
    logprobs = final.choices[0].logprobs
    assert logprobs is not None
    assert [each.token for each in logprobs.content or []] == ["P", "ar", "is", "."]

    async def run(aclient: openai.AsyncOpenAI) -> str | None:
        async with aclient.chat.completions.stream(**ASK) as stream:
            kinds = [event.type async for event in stream]
        assert kinds[-1] == "content.done"
        return (await stream.get_final_completion()).choices[0].message.content

    assert with_async(run) == "Paris."


def test_the_stream_helper_sees_calls(client: openai.OpenAI) -> None:
    choice: Any = {"type": "function", "function": {"name": "add"}}
    with client.chat.completions.stream(**ASK, tools=[ADD], tool_choice=choice) as stream:
        events = list(stream)
    deltas = [e for e in events if e.type == "tool_calls.function.arguments.delta"]
    (done,) = [e for e in events if e.type == "tool_calls.function.arguments.done"]
    assert "".join(e.arguments_delta for e in deltas) == done.arguments
    assert isinstance(done.parsed_arguments, Add)
    (call,) = stream.get_final_completion().choices[0].message.tool_calls or []
    assert call.function.parsed_arguments == done.parsed_arguments


def test_the_stream_helper_parses_a_format(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(**ASK, response_format=Person) as stream:
        for _ in stream:
            pass
    assert isinstance(stream.get_final_completion().choices[0].message.parsed, Person)


def test_results_of_tools_are_messages(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(
        **ASK, tools=[ADD], tool_choice="required", parallel_tool_calls=False
    )
    message = first.choices[0].message
    (call,) = message.tool_calls or []
    assert call.type == "function"
    answer = {"role": "tool", "tool_call_id": call.id, "content": "7"}
    messages = [*ASK["messages"], message.model_dump(exclude_none=True), answer]
    second = client.chat.completions.create(**ASK | {"messages": messages}, tools=[ADD])
    assert second.choices[0].message.content
    assert second.usage is not None
    assert first.usage is not None
    assert second.usage.prompt_tokens > first.usage.prompt_tokens


def test_several_answers_differ_by_their_draws(client: openai.OpenAI) -> None:
    asked = ASK | {"temperature": 1.5, "seed": 5, "max_tokens": 12}
    reply = client.chat.completions.create(**asked, n=3)
    again = client.chat.completions.create(**asked, n=3)
    texts = [each.message.content for each in reply.choices]
    assert texts == [each.message.content for each in again.choices]
    assert len(set(texts)) > 1


def test_stop_texts_are_cut_off_or_kept(client: openai.OpenAI) -> None:
    cut = client.chat.completions.create(**ASK, stop=["is"]).choices[0]
    kept = client.chat.completions.create(
        **ASK, stop=["is"], extra_body={"no_stop_trim": True}
    ).choices[0]
    assert (cut.message.content, kept.message.content) == ("Par", "Paris")
    assert cut.finish_reason == "stop"
    assert (cut.model_extra or {})["matched_stop"] == "is"


@pytest.mark.parametrize("raw", ["with_raw_response", "with_streaming_response"])
def test_raw_replies(client: openai.OpenAI, raw: str) -> None:
    made = getattr(client.chat.completions, raw).create(**ASK)
    if raw == "with_raw_response":
        assert made.parse().choices[0].message.content == "Paris."
        assert made.headers["content-type"] == "application/json"
        return
    with made as reply:
        assert json.loads(b"".join(reply.iter_bytes()))["object"] == "chat.completion"


def test_async_methods_of_the_other_endpoints(with_async: WithAsync) -> None:
    async def run(aclient: openai.AsyncOpenAI) -> None:
        completion = await aclient.completions.create(model="m", prompt="The", max_tokens=3)
        assert completion.usage is not None
        assert completion.usage.completion_tokens == 3
        embedding = await aclient.embeddings.create(model="m", input=["a", "b"])
        assert len(embedding.data) == 2
        models = [model async for model in aclient.models.list()]
        assert await aclient.models.retrieve(models[0].id) == models[0]

    with_async(run)


def test_errors_have_their_class(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            **ASK | {"messages": [{"role": "user", "content": "a" * 9999}]}
        )
    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve("chatcmpl-1")  # nothing is stored
