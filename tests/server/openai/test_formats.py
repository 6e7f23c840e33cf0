"""Formats and prompts on the running server, as laws over many requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import jsonschema
import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WithAsync = Callable[..., Any]
NAMES = st.sampled_from(["name", "city", "n", "ok", "list", "a b", 'é"'])
SCALARS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({"type": "string", "maxLength": 6}),
    st.just({"type": "boolean"}),
    st.just({"type": ["null", "string"], "maxLength": 3}),
    st.tuples(st.integers(-99, 99), st.integers(0, 50)).map(
        lambda pair: {"type": "integer", "minimum": pair[0], "maximum": pair[0] + pair[1]}
    ),
    st.just({"type": "string", "pattern": "^[A-Z]{2}[0-9]$"}),
    st.just({"type": "string", "format": "date"}),
    st.lists(st.text('xyz"\\', max_size=3), min_size=1, unique=True).map(lambda e: {"enum": e}),
)


def _objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(NAMES, inner, max_size=3).map(
        lambda fields: {
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        }
    )


SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        _objects(inner),
        inner.map(lambda item: {"type": "array", "items": item, "maxItems": 2}),
        st.lists(inner, min_size=1, max_size=2).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=4,
)
ON_SERVER = settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@ON_SERVER
@given(schema=_objects(SCHEMAS), seed=st.integers(0, 9), streams=st.booleans())
def test_a_reply_is_valid_against_its_schema(
    client: openai.OpenAI, schema: dict[str, Any], seed: int, streams: bool
) -> None:
    wanted: Any = {
        "type": "json_schema",
        "json_schema": {"name": "a", "schema": schema, "strict": True},
    }
    asked: Any = {
        "model": "m",
        "messages": [{"role": "user", "content": "Tell me about Anna as JSON."}],
        "response_format": wanted,
        "seed": seed,
        "temperature": 1.2,
        "max_tokens": 400,
    }
    if streams:
        chunks = list(client.chat.completions.create(**asked, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        reply = client.chat.completions.create(**asked)
        text = reply.choices[0].message.content or ""
        assert reply.choices[0].finish_reason == "stop"
    jsonschema.validate(json.loads(text), schema)


@ON_SERVER
@given(schema=_objects(SCALARS), parallel=st.booleans(), seed=st.integers(0, 9))
def test_arguments_are_valid_against_their_schema(
    client: openai.OpenAI, schema: dict[str, Any], parallel: bool, seed: int
) -> None:
    tools: Any = [{"type": "function", "function": {"name": "f", "parameters": schema}}]
    reply = client.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "Call f for Anna and for Ben."}],
        tools=tools,
        tool_choice="required",
        parallel_tool_calls=parallel,
        seed=seed,
        max_tokens=300,
    )
    calls = reply.choices[0].message.tool_calls or []
    assert len(calls) == 1 or (parallel and calls)
    for call in calls:
        assert call.type == "function"
        jsonschema.validate(json.loads(call.function.arguments), schema)


def test_a_strict_schema_has_known_formats(http: httpx2.Client) -> None:
    schema = {"type": "string", "format": "shoe-size", "maxLength": 3}
    asked = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 20}
    for strict, status in ((True, 400), (False, 200), (None, 200)):
        named = {"name": "a", "schema": schema, "strict": strict}
        form = {"type": "json_schema", "json_schema": named}
        reply = http.post("/v1/chat/completions", json=asked | {"response_format": form})
        assert reply.status_code == status, reply.text


def test_any_object_is_an_object(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="m",
        messages=[{"role": "user", "content": "What is the capital of France?"}],
        response_format={"type": "json_object"},
        max_tokens=60,
    )
    assert isinstance(json.loads(reply.choices[0].message.content or ""), dict)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_object"}, "regex": "a"}, "regex"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"type": "x"}},
                }
            },
            "response_format",
        ),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name"),
        (
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "f",
                            "parameters": {"properties": {"a": {"type": "x"}}},
                        },
                    }
                ]
            },
            "tools",
        ),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "any"}, "tool_choice"),
        (
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}
                ]
            },
            "tools[0].function.parameters",
        ),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user"}]}, "messages[0]"),
        ({"messages": [{"role": "wizard", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0]"),
        (
            {"messages": [{"role": "tool", "content": "a", "tool_call_id": "x"}]},
            "messages[0].tool_call_id",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "data:,"}}],
                    }
                ]
            },
            "messages[0].content",
        ),
        ({"max_tokens": 1, "max_completion_tokens": 1}, None),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"top_logprobs": 2}, None),
        (
            {
                "response_format": {"type": "json_object"},
                "tools": [{"type": "function", "function": {"name": "f"}}],
                "stop": "x",
            },
            "stop",
        ),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"x": 1}}, "stream_options.x"),
        ({"foo": 1}, "foo"),
    ],
)
def test_a_wrong_field_is_named(http: httpx2.Client, given: Any, field: str | None) -> None:
    asked = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
    if "max_completion_tokens" in given:
        del asked["max_tokens"]
    reply = http.post("/v1/chat/completions", json=asked | given)
    assert reply.status_code == 400, reply.text
    error = reply.json()["error"]
    assert error["param"] == field, error


def test_names_of_special_tokens_in_messages_are_text(client: openai.OpenAI) -> None:
    def count(text: str) -> int:
        reply = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": text}], max_tokens=1
        )
        assert reply.usage is not None
        return reply.usage.prompt_tokens

    ends = client.completions.create(
        model="m", prompt="x<|im_end|>" * 8, echo=True, max_tokens=0
    ).usage
    assert ends is not None
    assert ends.prompt_tokens == 16  # in a plain prompt they are those tokens
    assert count("x<|im_end|>" * 8) - count("x") > 16


def test_the_role_developer_is_system(client: openai.OpenAI) -> None:
    def ask(role: str) -> Any:
        messages: Any = [
            {"role": role, "content": "You are a pirate."},
            {
                "role": "user",
                "content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}],
            },
        ]
        reply = client.chat.completions.create(model="m", messages=messages, temperature=0)
        return reply.choices[0].message.content, reply.usage

    assert ask("developer") == ask("system")


def test_cached_tokens_are_not_told_unless_the_server_is(client: openai.OpenAI) -> None:
    reply = client.completions.create(model="m", prompt="Once more", max_tokens=1)
    assert reply.usage is not None
    assert reply.usage.prompt_tokens_details is None
