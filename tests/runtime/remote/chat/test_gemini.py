"""Programs on `generateContent`, as Gemini's documentation has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from generators.remote_runs import Runner
from generators.scripted_http import Reply, ScriptedServer

from sglc.compiler.plan.segments import RoleBegin, RoleEnd
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.remote.chat.gemini import GeminiWire, capabilities_of_gemini, own_schema
from sglc.runtime.remote.chat.open import open_gemini
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.wire import Ask

PATH = "/v1beta/models/gemini-2.5-flash"
ASK = '    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n'


def reply(text: str, finish: str | None = "STOP", index: int = 0, **more: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": "hm", "thought": True}, {"text": text}]}
    candidate = {"content": content, "finishReason": finish, "index": index, **more}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 3, "thoughtsTokenCount": 4}
    return {"candidates": [candidate], "usageMetadata": usage}


@pytest.fixture
def run(scripted: ScriptedServer) -> Iterator[Any]:
    made: list[Runner] = []

    def go(body: str, deltas: bool = False, **more: Any) -> Any:
        policy = Policy(max_retries=0, speculate=more.pop("speculate", 0))
        remote = open_gemini(
            "gemini-2.5-flash", url=scripted.url, api_key="AIza", policy=policy, **more
        )
        made.append(Runner(remote))
        made[-1].deltas = deltas
        return made[-1].run(f"prompt p():\n{body}")

    go.runners = made  # type: ignore[attr-defined]  # for tests that look at the backend
    yield go
    for runner in made:
        runner.close()


def test_a_conversation_is_sent_as_gemini_has_it(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [Reply(body=reply("Yes")), Reply(body=reply("No"))]
    result = run(
        '    system: "Be brief."\n    user: "A?"\n    user: "B?"\n'
        '    assistant: x = gen(max_tokens=5, stop=["\\n"], temperature=0.5, top_k=3)\n'
        '    user: "C?"\n    assistant: y = gen(max_tokens=5)\n'
    )
    assert result.error is None, result.error
    assert result.captures == {"x": "Yes", "y": "No"}
    first, second = scripted.bodies(f"{PATH}:generateContent")
    assert first == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "A?"}, {"text": "B?"}]}],
        "generationConfig": {
            "maxOutputTokens": 5,
            "stopSequences": ["\n"],
            "temperature": 0.5,
            "topP": 1.0,
            "topK": 3,
            "seed": first["generationConfig"]["seed"],
        },
    }
    assert first["generationConfig"]["seed"] < 2**31
    assert second["contents"][1:] == [
        {"role": "model", "parts": [{"text": "Yes"}]},
        {"role": "user", "parts": [{"text": "C?"}]},
    ]
    usage = run.runners[0].remote.backend.usage
    assert (usage.input_tokens, usage.output_tokens) == (14, 14)


def test_it_streams(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(chunks=[reply("Par", None), reply("is")]))
    assert run(ASK, deltas=True).captures == {"x": "Paris"}
    assert [path for path, _ in scripted.requests] == [f"{PATH}:streamGenerateContent?alt=sse"]


def test_vertex_has_an_address_of_its_own(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body=reply("a")))
    assert run(ASK, project="p", location="europe-west4").captures == {"x": "a"}
    ((path, _),) = scripted.requests
    assert path == (
        "/v1/projects/p/locations/europe-west4/publishers/google/models/gemini-2.5-flash"
        ":generateContent"
    )


def test_types_are_asked_for_in_its_own_words(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [
        Reply(body=reply('{"value": "blue"}')),
        Reply(body=reply('{"age": 4, "name": null}')),
    ]
    result = run(
        '    user: "A?"\n    assistant: c = select("red", "blue")\n'
        '    user: "A?"\n    assistant: r = gen({age: int(0..9), name: str?}, max_tokens=20)\n'
    )
    assert result.error is None, result.error
    assert result.captures == {"c": "blue", "r": {"age": 4, "name": None}}
    choice, record = (
        body["generationConfig"] for body in scripted.bodies(f"{PATH}:generateContent")
    )
    assert choice["responseMimeType"] == "application/json"
    assert choice["responseSchema"]["properties"]["value"] == {
        "type": "STRING",
        "enum": ["red", "blue"],
    }
    assert record["responseSchema"] == {
        "type": "OBJECT",
        "properties": {
            "age": {"type": "INTEGER", "minimum": 0, "maximum": 9},
            "name": {"nullable": True, "type": "STRING"},
        },
        "propertyOrdering": ["age", "name"],
        "required": ["age", "name"],
    }


def test_what_its_own_words_do_not_say_is_sent_as_json_schema() -> None:
    assert own_schema({"$ref": "#/$defs/a"}) is None
    assert own_schema({"type": ["string", "null"]}) is None
    assert own_schema({"type": "string", "format": "date"}) is None
    assert own_schema({"type": "string", "format": "date-time"}) is not None
    assert own_schema({"type": "array", "items": {"const": 1}}) is None
    assert own_schema({"type": "object", "properties": {"a": {"oneOf": []}}}) is None


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (Reply(chunks=[reply("Ro", "SAFETY", finishMessage="no")]), "stopped by SAFETY; no"),
        (Reply(chunks=[{"promptFeedback": {"blockReason": "OTHER"}}]), "blocked (OTHER)"),
        (Reply(chunks=[reply("Ro", None)], breaks=True), "broke off"),
        (Reply(chunks=[reply("", "MAX_TOKENS")]), "thought for as long as max_tokens lets it"),
        (Reply(chunks=[reply("Ro", None), [{"error": {"message": "full"}}]]), "full"),
        (Reply(chunks=[{"odd": 1}]), "no candidates"),
        (Reply(chunks=[reply("a", index=3)]), "candidate number 3"),
        (Reply(400, {"error": {"message": "API key AIza not valid"}}), "API key *** not valid"),
        (Reply(503, {"error": {"message": "overloaded"}}), "overloaded"),
    ],
)
def test_what_goes_wrong_is_said(
    run: Any, scripted: ScriptedServer, answer: Reply, part: str
) -> None:
    scripted.replies.append(answer)
    error = str(run(ASK, deltas=True).error)
    assert part in error
    assert "AIza" not in error
    assert "a.sgl:3" in error


def test_a_system_message_later_on_is_refused(run: Any, scripted: ScriptedServer) -> None:
    assert "beginning only" in str(run('    user: "A"\n    system: "B"\n' + ASK).error)
    assert not scripted.requests


def test_penalties_are_those_of_one_version_and_of_late_a_request_has_one_text() -> None:
    for model, most, takes in (
        ("gemini-2.0-flash", 8, True),
        ("gemini-2.5-pro", 8, False),
        ("gemini-3-pro-preview", 1, False),
        ("gemini-3.1-flash-lite", 1, False),
        ("gemini-flash-latest", 1, False),
    ):
        can = capabilities_of_gemini(model)
        assert (can.max_samples, "presence_penalty" in can.sampling) == (most, takes), model


def test_a_picture_elsewhere_is_named_with_its_kind() -> None:
    remote = open_gemini("gemini-2.5-flash", api_key="AIza")
    picture = remote.backend.tokenizer.new_media("image", "https://a.example/b.png?w=1")
    segments = [RoleBegin("user"), picture, RoleEnd("user"), RoleBegin("assistant")]
    ids = tuple(remote.encoder.encode(segments))
    wire = remote.backend.wire
    assert isinstance(wire, GeminiWire)
    body = wire._body(Ask(prompt=ids, max_tokens=1, sampling=SamplingParams()), None)
    file = {"fileUri": "https://a.example/b.png?w=1", "mimeType": "image/png"}
    assert body["contents"][0]["parts"] == [{"fileData": file}]
