"""Messages in Anthropic's form, with its own client."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, Literal

import anthropic
import httpx2
import jsonschema
import pydantic
import pytest
from anthropic.types import Message, TextBlock, ToolUseBlock
from generators.servers import RunningServer
from hypothesis import given, settings
from hypothesis import strategies as st

ASK: dict[str, Any] = {
    "model": "embedded",
    "max_tokens": 24,
    "messages": [{"role": "user", "content": "What is the capital of France?"}],
    "extra_body": {"temperature": 0},
}
TOOLS: list[Any] = [
    {
        "name": "get_weather",
        "description": "The weather of a city.",
        "input_schema": {
            "type": "object",
            "properties": {
                "city": {"enum": ["Paris", "Rome"]},
                "days": {"type": "integer", "minimum": 1, "maximum": 5},
            },
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
    {
        "name": "stop",
        "input_schema": {"type": "object", "properties": {}, "additionalProperties": False},
    },
]


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url, api_key="EMPTY", max_retries=0) as found:
        yield found


def text_of(message: Message) -> str:
    return "".join(block.text for block in message.content if isinstance(block, TextBlock))


def same(first: Message, second: Message) -> None:
    """Compare two messages but for what is drawn for each."""
    one, two = (json.loads(message.model_dump_json()) for message in (first, second))
    for each in (one, two):
        del each["id"]
        for block in each["content"]:
            block.pop("id", None)
            block.pop("parsed_output", None)
    assert one == two


def test_a_message_is_answered(client: anthropic.Anthropic) -> None:
    message = client.messages.create(**ASK)
    assert message.type == "message"
    assert message.role == "assistant"
    assert message.model == "embedded"
    assert "Paris" in text_of(message)
    assert message.usage.input_tokens > 0
    assert 0 < message.usage.output_tokens <= 24
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.stop_sequence is None
    same(client.messages.create(**ASK), message)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"max_tokens": 3},
        {"max_tokens": 0},
        {"stop_sequences": ["ari"]},
        {"tools": TOOLS, "tool_choice": {"type": "any"}, "max_tokens": 300},
        {"tools": TOOLS, "tool_choice": {"type": "tool", "name": "get_weather"}, "max_tokens": 99},
        {"tools": TOOLS, "tool_choice": {"type": "auto"}},
        {"tools": TOOLS, "tool_choice": {"type": "none"}},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "boolean"}}}},
    ],
)
def test_a_stream_adds_up_to_the_reply(client: anthropic.Anthropic, more: dict[str, Any]) -> None:
    whole = client.messages.create(**ASK | more)
    with client.messages.stream(**ASK | more) as stream:
        pieces = list(stream.text_stream)
        streamed = stream.get_final_message()
    same(streamed, whole)
    assert "".join(pieces) == text_of(whole)


def test_the_events_of_a_stream_come_in_their_order(client: anthropic.Anthropic) -> None:
    events = list(client.messages.create(**ASK, stream=True))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}


def test_the_asynchronous_client(server: RunningServer, client: anthropic.Anthropic) -> None:
    async def use() -> None:
        async with anthropic.AsyncAnthropic(
            base_url=server.url, api_key="EMPTY", max_retries=0
        ) as other:
            message = await other.messages.create(**ASK)
            same(message, client.messages.create(**ASK))
            async with other.messages.stream(**ASK) as stream:
                same(await stream.get_final_message(), message)
            count = await other.messages.count_tokens(
                model="embedded", messages=ASK["messages"], system="Be brief."
            )
            assert count.input_tokens > message.usage.input_tokens

    asyncio.run(use())


def test_why_an_answer_ends(client: anthropic.Anthropic) -> None:
    short = client.messages.create(**ASK | {"max_tokens": 2})
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 2)
    stopped = client.messages.create(**ASK | {"stop_sequences": ["zzz", "ari"]})
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "ari")
    assert text_of(stopped).endswith("P")
    nothing = client.messages.create(**ASK | {"max_tokens": 0})
    assert (nothing.stop_reason, nothing.content) == ("max_tokens", [])
    assert nothing.usage.output_tokens == 0


def test_the_end_of_the_context_is_told_from_max_tokens(http: httpx2.Client) -> None:
    def body(num_words: int) -> dict[str, Any]:
        content = "one" + " two" * num_words
        return {"model": "embedded", "messages": [{"role": "user", "content": content}]}

    def count(num_words: int) -> int:
        reply = http.post("/v1/messages/count_tokens", json=body(num_words))
        return int(reply.json()["input_tokens"])

    refused = http.post("/v1/messages", json=body(15_000) | {"max_tokens": 10})
    assert refused.status_code == 400
    found = re.search(r"has (\d+) tokens; the model's context of (\d+)", refused.text)
    assert found is not None
    assert int(found[1]) == count(15_000)
    num_words = int(found[2]) - count(0) - 3
    assert count(num_words) == int(found[2]) - 3
    full = http.post(
        "/v1/messages", json=body(num_words) | {"max_tokens": 10, "temperature": 0}
    ).json()
    assert full["stop_reason"] == "model_context_window_exceeded"
    assert full["usage"]["output_tokens"] <= 3
    ended = http.post(
        "/v1/messages", json=body(num_words) | {"max_tokens": 3, "temperature": 0}
    ).json()
    assert ended["stop_reason"] == "max_tokens"


def test_a_last_message_of_the_assistant_is_gone_on_with(client: anthropic.Anthropic) -> None:
    begun = {"role": "assistant", "content": "The capital of France is"}
    message = client.messages.create(**ASK | {"messages": [*ASK["messages"], begun]})
    assert text_of(message).startswith(" Paris")


def test_turns_of_one_role_are_one_turn_and_blocks_are_lines(
    client: anthropic.Anthropic,
) -> None:
    def count(*messages: Any, **more: Any) -> int:
        return client.messages.count_tokens(
            model="embedded", messages=messages, **more
        ).input_tokens

    one = count({"role": "user", "content": "A\nB"})
    assert one == count({"role": "user", "content": "A"}, {"role": "user", "content": "B"})
    blocks = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert one == count({"role": "user", "content": blocks})
    cached = [{**block, "cache_control": {"type": "ephemeral"}} for block in blocks]
    assert one == count({"role": "user", "content": cached})
    said = count({"role": "user", "content": "C"}, system="A\nB")
    assert said == count({"role": "user", "content": "C"}, system=blocks)
    assert said > count({"role": "user", "content": "C"}, system="A")


def test_the_count_of_tokens_is_that_of_the_usage(client: anthropic.Anthropic) -> None:
    tools = {"tools": TOOLS, "system": "Be brief."}
    message = client.messages.create(**ASK | {"max_tokens": 1, **tools})
    count = client.messages.count_tokens(model="embedded", messages=ASK["messages"], **tools)
    assert count.input_tokens == message.usage.input_tokens


def test_a_forced_call_is_held_to_its_schema(client: anthropic.Anthropic) -> None:
    for choice in ({"type": "any"}, {"type": "tool", "name": "get_weather"}):
        asked = ASK | {"tools": TOOLS, "tool_choice": choice, "max_tokens": 300}
        message = client.messages.create(**asked)
        assert message.stop_reason == "tool_use"
        for block in message.content:
            assert isinstance(block, ToolUseBlock)
            (tool,) = (tool for tool in TOOLS if tool["name"] == block.name)
            jsonschema.validate(block.input, tool["input_schema"])
    one = client.messages.create(
        **ASK
        | {"tools": TOOLS, "tool_choice": {"type": "any", "disable_parallel_tool_use": True}}
        | {"max_tokens": 300}
    )
    assert len(one.content) == 1


def test_the_result_of_a_tool_is_read(client: anthropic.Anthropic) -> None:
    call = client.messages.create(
        **ASK
        | {"max_tokens": 99, "tools": TOOLS, "tool_choice": {"type": "tool", "name": "get_weather"}}
    )
    (block,) = call.content
    assert isinstance(block, ToolUseBlock)
    results: list[dict[str, Any]] = [
        {"content": "Sunny."},
        {"content": [{"type": "text", "text": "Sunny."}]},
        {"content": "No such city.", "is_error": True},
        {},
    ]
    counts = []
    for result in results:
        answer = {"type": "tool_result", "tool_use_id": block.id, **result}
        messages = [
            *ASK["messages"],
            {"role": "assistant", "content": call.content},
            {"role": "user", "content": [answer, {"type": "text", "text": "And now?"}]},
        ]
        message = client.messages.create(
            **ASK | {"messages": messages, "tools": TOOLS, "tool_choice": {"type": "none"}}
        )
        assert text_of(message)
        counts.append(message.usage.input_tokens)
    assert counts[0] == counts[1]
    assert counts[3] < counts[0] < counts[2]


@settings(max_examples=8, deadline=None)
@given(
    schema=st.sampled_from(
        [
            {"type": "integer", "minimum": 3, "maximum": 9},
            {"enum": ["a", "b", 3]},
            {
                "type": "object",
                "properties": {"x": {"type": "boolean"}, "y": {"type": "null"}},
                "required": ["x", "y"],
                "additionalProperties": False,
            },
            {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3},
        ]
    ),
    question=st.text(max_size=20),
)
def test_an_output_format_is_kept(
    client: anthropic.Anthropic, schema: dict[str, Any], question: str
) -> None:
    message = client.messages.create(
        model="embedded",
        max_tokens=100,
        messages=[{"role": "user", "content": f"Say: {question}"}],
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    jsonschema.validate(json.loads(text_of(message)), schema)


def _user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


_CALL = {
    "role": "assistant",
    "content": [{"type": "tool_use", "id": "a", "name": "stop", "input": {}}],
}
_RESULT = {"type": "tool_result", "tool_use_id": "a", "content": "done"}
_IMAGE = {"type": "image", "source": {"type": "url", "url": "http://10.0.0.1/x"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_tokens": ...}, "field `max_tokens` is missing"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": "1"}, "max_tokens"),
        ({"model": ...}, "field `model` is missing"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [_user({"type": "text"})]}, "`messages[0].content[0].text` is missing"),
        ({"messages": [_user(_IMAGE)]}, "messages[0].content: block [0] is of type 'image'"),
        ({"messages": [_user({"type": "text", "text": "a", "foo": 1})]}, "content[0].foo"),
        ({"messages": [_user(_RESULT)]}, "messages[0].content[0].tool_use_id"),
        ({"messages": [_CALL]}, "messages[0].content[0]: the user's next message has no result"),
        ({"messages": [_CALL, _user({"type": "text", "text": "a"})]}, "messages[0].content[0]"),
        ({"messages": [_CALL, _user(_RESULT, _RESULT)]}, "messages[1].content[1].tool_use_id"),
        ({"messages": [{**_CALL, "role": "user"}]}, "only an assistant uses tools"),
        (
            {
                "messages": [
                    _CALL,
                    _user({**_RESULT, "content": [_IMAGE]}),
                ]
            },
            "messages[1].content[0].content: block [0] is of type 'image'",
        ),
        ({"temperature": 1.5}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_k": 0}, "top_k"),
        ({"stop_sequences": [""]}, "stop_sequences"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking.type"),
        ({"output_config": {"effort": "high"}}, "output_config.effort"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": 1}}}},
            "output_config.format: ",
        ),
        ({"container": "x"}, "unknown field `container`"),
        ({"mcp_servers": []}, "unknown field `mcp_servers`"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice.name"),
        ({"tools": TOOLS, "tool_choice": {"type": "tool"}}, "tool_choice"),
        ({"tools": [TOOLS[0], TOOLS[0]]}, "tools[1]"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"name": "a b", "input_schema": {}}]}, "tools[0].name"),
        (
            {
                "tools": [{"name": "a", "input_schema": {"type": "object", "properties": 1}}],
                "tool_choice": {"type": "any"},
            },
            "properties",
        ),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_what_is_wrong_is_named_in_their_form(
    http: httpx2.Client, changes: dict[str, Any], said: str, streams: bool
) -> None:
    body = {name: value for name, value in ASK.items() if name != "extra_body"}
    body = {name: value for name, value in (body | changes).items() if value is not ...}
    reply = http.post("/v1/messages", json=body | {"stream": streams})
    assert reply.status_code == 400, reply.text
    data = reply.json()
    assert data["type"] == "error"
    assert data["error"]["type"] == "invalid_request_error"
    assert said in data["error"]["message"]
    assert data["request_id"] == reply.headers["request-id"]


def test_the_client_raises_what_it_raises_elsewhere(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError) as found:
        client.messages.create(**ASK | {"extra_body": {"foo": 1}})
    assert found.value.request_id
    assert "foo" in found.value.message


class Facts(pydantic.BaseModel):
    is_large: bool
    kind: Literal["city", "river"]


def test_an_answer_is_parsed_as_a_model(client: anthropic.Anthropic) -> None:
    asked = {name: value for name, value in ASK.items() if name != "max_tokens"}
    message = client.messages.parse(**asked, max_tokens=60, output_format=Facts)
    assert isinstance(message.parsed_output, Facts)


def test_the_runner_of_tools_calls_them(client: anthropic.Anthropic) -> None:
    called: list[tuple[bool, bool]] = []

    @anthropic.beta_tool
    def both(a: bool, b: bool) -> str:
        """Say whether both are true."""
        called.append((a, b))
        return str(a and b)

    runner = client.beta.messages.tool_runner(
        model="embedded",
        max_tokens=90,
        tools=[both],
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
        messages=[{"role": "user", "content": "Are both true?"}],
        max_iterations=2,
        thread=False,
    )
    messages = list(runner)
    inputs = [
        block.input for each in messages for block in each.content if block.type == "tool_use"
    ]
    assert len(inputs) == 2
    assert [{"a": a, "b": b} for a, b in called] == inputs[: len(called)]
    assert called
