"""Responses with the official client, over a real connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel, Field

WithAsync = Callable[..., Any]
ASK: Any = {"model": "any", "input": "What is the capital of France?", "temperature": 0}
ADD: Any = {
    "type": "function",
    "name": "add",
    "description": "Add two numbers.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"a": {"type": "integer", "maximum": 9, "minimum": 0}},
        "required": ["a"],
        "additionalProperties": False,
    },
}


class City(BaseModel):
    """A schema as pydantic writes it."""

    name: str = Field(max_length=8)
    people: int = Field(ge=0, le=999)


def test_answers_an_input(client: openai.OpenAI) -> None:
    reply = client.responses.create(**ASK, max_output_tokens=20)
    assert reply.output_text == "Paris."
    assert reply.status == "completed"
    assert reply.usage is not None
    assert reply.usage.output_tokens == 5
    chat = client.chat.completions.create(
        model="any", messages=[{"role": "user", "content": ASK["input"]}], temperature=0
    )
    assert chat.usage is not None
    assert reply.usage.input_tokens == chat.usage.prompt_tokens


def test_a_stream_joins_to_the_reply(client: openai.OpenAI, with_async: WithAsync) -> None:
    with client.responses.stream(**ASK, include=["message.output_text.logprobs"]) as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == stream.get_final_response().output_text == "Paris."
    (item,) = stream.get_final_response().output
    assert item.type == "message"
    (part,) = item.content
    assert part.type == "output_text"
    assert "".join(each.token for each in part.logprobs or []) == "Paris."

    async def run(aclient: openai.AsyncOpenAI) -> str:
        made = await aclient.responses.create(**ASK, stream=True)
        return "".join([e.delta async for e in made if e.type == "response.output_text.delta"])

    assert with_async(run) == "Paris."


def test_parse_gives_an_object(client: openai.OpenAI) -> None:
    reply = client.responses.parse(**ASK, text_format=City)
    assert isinstance(reply.output_parsed, City)
    with client.responses.stream(**ASK, text_format=City) as stream:
        stream.until_done()
    assert stream.get_final_response().output_parsed == reply.output_parsed


def test_calls_and_their_results_are_items(client: openai.OpenAI) -> None:
    asked = ASK | {"tools": [ADD], "max_output_tokens": 60, "parallel_tool_calls": False}
    reply = client.responses.create(**asked, tool_choice="required")
    (call,) = reply.output
    assert call.type == "function_call"
    assert 0 <= json.loads(call.arguments)["a"] <= 9
    given: Any = [
        {"role": "user", "content": ASK["input"]},
        call.model_dump(),
        {"type": "function_call_output", "call_id": call.call_id, "output": "7"},
    ]
    second = client.responses.create(**asked | {"input": given})
    message = second.output[0]
    assert message.type == "message"
    third = client.responses.create(
        **asked | {"input": [*given, message.model_dump(), {"role": "user", "content": "And?"}]}
    )
    assert third.usage is not None
    assert second.usage is not None
    assert third.usage.input_tokens > second.usage.input_tokens


def test_a_stream_of_a_call(client: openai.OpenAI) -> None:
    choice: Any = {"type": "function", "name": "add"}
    with client.responses.stream(**ASK, tools=[ADD], tool_choice=choice) as stream:
        events = list(stream)
    deltas = [e.delta for e in events if e.type == "response.function_call_arguments.delta"]
    (done,) = [e for e in events if e.type == "response.function_call_arguments.done"]
    assert "".join(deltas) == done.arguments
    (call,) = stream.get_final_response().output
    assert call.type == "function_call"
    assert call.arguments == done.arguments


def test_what_is_cut_off_is_incomplete(client: openai.OpenAI) -> None:
    reply = client.responses.create(**ASK, max_output_tokens=2)
    assert reply.status == "incomplete"
    assert reply.incomplete_details is not None
    assert reply.incomplete_details.reason == "max_output_tokens"


def test_tokens_of_an_input_are_counted(client: openai.OpenAI) -> None:
    asked: Any = {"input": "Hi", "instructions": "Be brief.", "tools": [ADD]}
    counted = client.responses.input_tokens.count(model="m", **asked)
    reply = client.responses.create(model="m", **asked, max_output_tokens=1)
    assert reply.usage is not None
    assert counted.input_tokens == reply.usage.input_tokens


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"store": True}, "store"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"background": True}, "background"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"input": []}, "input"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content"),
        ({"input": [{"type": "function_call_output", "call_id": "x", "output": "a"}]}, "input"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format"),
        (
            {"text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "x"}}}},
            "text.format",
        ),
        ({"tool_choice": {"type": "function", "name": "no"}, "tools": [ADD]}, "tool_choice.name"),
        ({"input": "a" * 9999}, "input"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"stream_options": {}}, "stream_options"),
        ({"foo": 1}, "foo"),
    ],
)
def test_a_wrong_field_is_named(http: httpx2.Client, given: Any, field: str) -> None:
    reply = http.post("/v1/responses", json=ASK | given)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["param"] == field, reply.text
