"""Programs on `/v1/messages`: ours, and Anthropic's as its documentation has it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from generators.remote_runs import Runner
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Text
from sglc.constraints.types import Schema
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.remote.chat.anthropic import ANTHROPIC, AnthropicWire, capabilities_of
from sglc.runtime.remote.chat.open import open_anthropic
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.schemas import answer_schema
from sglc.runtime.remote.wire import Ask

PATH = "/v1/messages"
ASK = '    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n'


@pytest.fixture(scope="module")
def ours(server: RunningServer) -> Iterator[Runner]:
    made = Runner(open_anthropic("m", url=server.url, policy=Policy(max_retries=0)))
    yield made
    made.close()


@pytest.mark.parametrize("deltas", [True, False])
def test_our_server_answers(ours: Runner, deltas: bool) -> None:
    ours.deltas = deltas
    before = ours.remote.backend.usage
    result = ours.run(
        'prompt p():\n    system: "Be brief."\n    user: "Name a city."\n'
        '    assistant: "It is{x = gen(max_tokens=6)}"\n'
        '    user: "A digit."\n    assistant: n = gen(int(1..9), max_tokens=9)\n'
        '    user: "A card."\n    assistant: r = gen({ok: bool}, max_tokens=20)\n'
        '    user: "A colour."\n    assistant: c = select("red", "blue")\n'
    )
    assert result.error is None, result.error
    assert 1 <= result.captures["n"] <= 9
    assert result.captures["r"]["ok"] in (True, False)
    assert result.captures["c"] in ("red", "blue")
    used = ours.remote.backend.usage - before
    assert (used.requests, used.unbilled) == (4, 0)
    assert used.input_tokens > 100
    assert used.output_tokens > 10


def test_both_ways_of_asking_our_server_give_the_same(ours: Runner) -> None:
    texts = []
    for deltas in (True, False):
        ours.deltas = deltas
        result = ours.run(
            'prompt p():\n    user: "Name a city."\n'
            '    assistant: "A city is{x = gen(max_tokens=12, stop=["ing"])}"\n'
        )
        texts.append(result.captures["x"])
    assert texts[0] == texts[1] != ""


# A scripted server of the dialect


def message(*content: dict[str, Any], end: str = "end_turn", **more: Any) -> dict[str, Any]:
    usage = {"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 3}
    return {"type": "message", "content": list(content), "stop_reason": end, "usage": usage, **more}


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


@pytest.fixture
def run(scripted: ScriptedServer) -> Iterator[Any]:
    made: list[Runner] = []

    def go(body: str, deltas: bool = False, model: str = "claude-3-haiku", **policy: Any) -> Any:
        made.append(
            Runner(
                open_anthropic(
                    model, url=scripted.url, api_key="sk-ant",
                    policy=Policy(**{"max_retries": 0, **policy}),
                )
            )
        )  # fmt: skip
        made[-1].deltas = deltas
        return made[-1].run(f"prompt p():\n{body}")

    go.runners = made  # type: ignore[attr-defined]  # for tests that look at the backend
    yield go
    for runner in made:
        runner.close()


def test_a_conversation_is_sent_as_anthropic_has_it(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(chunks=events("Yes")))
    result = run(
        '    system: "One."\n    system: "Two."\n    user: "A?"\n    user: "B?"\n'
        '    assistant: "I say: {x = gen(max_tokens=5, stop=["\\n", "END"], temperature=0.5)}"\n'
    )
    assert result.error is None, result.error
    (body,) = scripted.bodies(PATH)
    assert body == {
        "model": "claude-3-haiku",
        "max_tokens": 5,
        "system": "One.\n\nTwo.",
        "messages": [
            {"role": "user", "content": "A?"},
            {"role": "user", "content": "B?"},
            {"role": "assistant", "content": "I say:"},
        ],
        "stop_sequences": ["END"],  # of the others, Anthropic takes none: it is found here
        "temperature": 0.5,
        "stream": True,
    }


def events(*texts: str, end: str | None = "end_turn", **delta: Any) -> list[Any]:
    usage = {"input_tokens": 7, "cache_read_input_tokens": 2, "output_tokens": 1}
    found: list[Any] = [
        {"type": "message_start", "message": {"usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": said("")},
        {"type": "ping"},
    ]
    found += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": each}}
        for each in texts
    ]
    if end is not None:
        found += [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": end, **delta},
                "usage": {"output_tokens": 3},
            },
            {"type": "message_stop"},
        ]
    return found


def test_a_blank_at_the_end_of_a_prefill_is_not_written_twice(
    run: Any, scripted: ScriptedServer
) -> None:
    scripted.replies.append(Reply(chunks=events(" ", " Par", "is\nand")))
    result = run('    user: "A?"\n    assistant: "I say: {x = gen(max_tokens=5, stop=["\\n"])}"\n')
    assert result.captures == {"x": "Paris"}
    (body,) = scripted.bodies(PATH)
    assert body["messages"][-1]["content"] == "I say:"
    assert "stop_sequences" not in body
    assert body["stream"] is True


def test_a_stop_text_and_the_bill_are_told(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies.append(
        Reply(chunks=events("Par", "is", end="stop_sequence", stop_sequence="END"))
    )
    result = run(ASK.replace("9", '9, stop=["END"]'), deltas=True)
    assert result.captures == {"x": "Paris"}
    usage = run.runners[0].remote.backend.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (9, 2, 3)


def test_a_type_is_the_input_of_a_tool(run: Any, scripted: ScriptedServer) -> None:
    call = {"type": "tool_use", "id": "t", "name": "answer", "input": {"value": 4}}
    scripted.replies.append(Reply(body=message(said("Let me."), call, end="tool_use")))
    result = run('    user: "Hi."\n    assistant: x = gen(int(1..9), max_tokens=9)\n')
    assert result.captures == {"x": 4}
    (body,) = scripted.bodies(PATH)
    assert body["tool_choice"]["name"] == body["tools"][0]["name"] == "answer"
    assert body["tools"][0]["input_schema"]["properties"]["value"]["maximum"] == 9


@pytest.mark.parametrize("deltas", [True, False])
def test_newer_models_are_given_a_format_and_no_temperature(
    run: Any, scripted: ScriptedServer, deltas: bool
) -> None:
    body = '    user: "Hi."\n    assistant: x = gen(int(1..9), max_tokens=9, temperature={})\n'
    assert "samples at 1" in str(run(body.replace("{}", "0.5"), model="claude-opus-5").error)
    scripted.replies.append(Reply(body=message(said('{"value": 4}'))))
    result = run(body.replace("{}", "1.0"), deltas, model="claude-opus-5")
    assert result.captures == {"x": 4}
    (sent,) = scripted.bodies(PATH)
    assert sent["output_config"]["format"]["schema"]["properties"] == {"value": {"type": "integer"}}
    assert not sent.keys() & {"tools", "tool_choice", "temperature", "top_p"}


def test_what_recurs_is_the_input_of_a_tool_for_newer_models_too() -> None:
    text = """{"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type":
        "null"}]}}, "required": ["next"], "additionalProperties": false}"""
    remote = open_anthropic("claude-opus-5")
    ids = tuple(remote.encoder.encode([RoleBegin("user"), Text("A"), RoleEnd("user")]))
    ids += tuple(remote.encoder.encode([RoleBegin("assistant")]))
    ask = Ask(prompt=ids, max_tokens=9, sampling=SamplingParams(), constraint=Schema(text))
    wire = remote.backend.wire
    assert isinstance(wire, AnthropicWire)
    body, _ = wire._body(ask, answer_schema(Schema(text)))
    assert "tools" in body
    assert "output_config" not in body


def test_our_server_knows_formats_of_answers(server: RunningServer) -> None:
    runner = Runner(open_anthropic("claude-opus-5", url=server.url))
    result = runner.run(
        'prompt p():\n    user: "A card."\n'
        '    assistant: r = gen({ok: bool, c: "a" | "b"}, max_tokens=30, temperature=1.0)\n'
    )
    runner.close()
    assert result.error is None, result.error
    assert result.captures["r"]["c"] in ("a", "b")
    usage = runner.remote.backend.usage
    assert (usage.requests, usage.unbilled) == (1, 0)


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ('    user: "A"\n    system: "B"\n' + ASK, "at the beginning only"),
        ('    system: "B"\n    assistant: x = gen(max_tokens=9)\n', "no message of the user"),
        ("    assistant: x = gen(max_tokens=9)\n", "write a `user` message first"),
        ('    user: "A"\n    assistant: x = gen(max_tokens=9, temperature=1.5)\n', "1 at most"),
        ('    user: "A"\n    assistant: "{x = gen(line)}"\n', "validate-retry"),
        (
            '    user: "A"\n    assistant: x = gen(max_tokens=9, temperature=0.5, top_p=0.5)\n',
            "`top_p`: Anthropic takes it or `temperature`, and not both",
        ),
    ],
)
def test_what_anthropic_does_not_take_is_refused_unasked(
    run: Any, scripted: ScriptedServer, body: str, part: str
) -> None:
    assert part in str(run(body, model="claude-haiku-4-5").error)
    assert not scripted.requests


def test_of_late_it_begins_every_message_anew(run: Any) -> None:
    older = ("claude-3-5-sonnet-20241022", "claude-sonnet-4-5", "claude-opus-4-20250514")
    assert all(capabilities_of(model).prefill for model in older)
    newer = ("claude-opus-4-6", "claude-sonnet-5", "claude-opus-4-6-20260101", "claude-x-preview")
    assert not any(capabilities_of(model).prefill for model in newer)
    assert capabilities_of("claude-opus-4-6").sampling == ANTHROPIC.sampling
    assert all(not capabilities_of(f"claude-opus-{v}").sampling for v in ("4-7", "5", "5-5"))
    assert not capabilities_of("claude-opus-4-20250514").temperature_or_top_p
    assert capabilities_of("claude-instant-1.2") == capabilities_of("any") == ANTHROPIC
    body = '    user: "Hi."\n    assistant: "I{x = gen(max_tokens=9)}"\n'
    assert "begins every message anew" in str(run(body, model="claude-opus-4-6").error)


THINKS = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}}


@pytest.mark.parametrize(
    ("reply", "part"),
    [
        (Reply(chunks=events("Ro", end=None), breaks=True), "broke off"),
        (
            Reply(
                chunks=[
                    *events("Ro", end=None),
                    {"type": "error", "error": {"type": "overloaded_error", "message": "full"}},
                ]
            ),
            "full",
        ),
        (Reply(chunks=events("Ro", end="refusal")), "refuses"),
        (Reply(chunks=[THINKS, *events("", end="max_tokens")]), "raise max_tokens"),
        (Reply(401, {"error": {"message": "invalid sk-ant"}}), "invalid ***"),
        (Reply(529, {"error": {"message": "Overloaded"}}), "Overloaded"),
    ],
)
def test_what_goes_wrong_is_said(
    run: Any, scripted: ScriptedServer, reply: Reply, part: str
) -> None:
    scripted.replies.append(reply)
    result = run(ASK, deltas=True)
    assert part in str(result.error)
    assert "sk-ant" not in str(result.error)


def test_pictures_are_blocks(scripted: ScriptedServer) -> None:
    remote = open_anthropic("m", url=scripted.url)
    data = base64.b64encode(b"GIF89a").decode()
    tokenizer = remote.backend.tokenizer
    here = tokenizer.new_media("image", f"data:image/gif;base64,{data}")
    there = tokenizer.new_media("image", "https://a.example/b.png")
    segments = [
        RoleBegin("user"), Text("See "), here, there, RoleEnd("user"), RoleBegin("assistant"),
    ]  # fmt: skip
    ids = tuple(remote.encoder.encode(segments))
    wire = remote.backend.wire
    assert isinstance(wire, AnthropicWire)
    body, _ = wire._body(Ask(prompt=ids, max_tokens=1, sampling=SamplingParams()), None)
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "See "},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": data}},
        {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
    ]


def test_what_it_can_do_may_be_given() -> None:
    remote = open_anthropic("m", capabilities=replace(ANTHROPIC, prefill=False))
    assert not remote.capabilities.prefill
