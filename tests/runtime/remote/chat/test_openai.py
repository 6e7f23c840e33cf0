"""Programs on `/v1/chat/completions`: ours, and servers that can less."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from generators.remote_runs import Runner
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer

from sglc.runtime.executor.executor import Executor
from sglc.runtime.local import load_engine
from sglc.runtime.options import LocalOptions
from sglc.runtime.remote.chat.flavors import OPENAI, REASONING, flavor_of
from sglc.runtime.remote.chat.open import open_azure, open_openai
from sglc.runtime.remote.open import Remote
from sglc.runtime.remote.policy import Policy

PATH = "/v1/chat/completions"
PROGRAMS = {
    "gen": '    user: "Name a city."\n    assistant: x = gen(max_tokens=8)\n',
    "system": '    system: "Be brief."\n    user: "Hi."\n    assistant: x = gen(max_tokens=8)\n',
    "turns": '    user: "Hi."\n    assistant: x = gen(max_tokens=6)\n    user: "And?"\n'
    "    assistant: y = gen(max_tokens=6)\n",
    "prefill": '    user: "Name a city."\n    assistant: "A city is{x = gen(max_tokens=6)}"\n',
    "stop": '    user: "Count."\n    assistant: "1, 2,{x = gen(max_tokens=16, stop=[",", "."])}"\n',
    "type": '    user: "A number."\n    assistant: x = gen(int(1..20), max_tokens=8)\n',
    "regex": '    user: "A code."\n    assistant: x = gen(/[a-c]{3}-[0-9]{2}/, max_tokens=12)\n',
    "record": '    user: "A card."\n'
    "    assistant: x = gen({name: str(max=8), age: int(0..99)}, max_tokens=40)\n",
    "prefilled type": '    user: "A number."\n'
    '    assistant: "It is {x = gen(int(1..20), max_tokens=8)}."\n',
}


class Local:
    """The same model in this process."""

    def __init__(self) -> None:
        engine = load_engine(LocalOptions(model="embedded"))
        self.runner = Runner.__new__(Runner)
        self.runner.executor = Executor(engine.scheduler, engine.encoder, preparer=engine.preparer)
        self.runner.num_steps, self.runner.deltas = 0, True


@pytest.fixture(scope="module")
def local() -> Iterator[Runner]:
    runner = Local().runner
    yield runner
    runner.executor.close()


@pytest.fixture(scope="module")
def chat(server: RunningServer) -> Iterator[Runner]:
    """Our server, which is asked what it is."""
    made = Runner(open_openai(url=f"{server.url}/v1", policy=Policy(max_retries=0)))
    yield made
    made.close()


@pytest.mark.parametrize("body", PROGRAMS.values(), ids=PROGRAMS.keys())
@pytest.mark.parametrize("deltas", [True, False])
def test_our_server_writes_what_the_model_writes_here(
    chat: Runner, local: Runner, body: str, deltas: bool
) -> None:
    chat.deltas = deltas
    here, there = (runner.run(f"prompt p():\n{body}", 3) for runner in (local, chat))
    assert here.error is None
    assert there.error is None, there.error
    assert there.captures == here.captures
    assert there.messages == here.messages


@pytest.mark.parametrize("begun", ["", "I say "])
def test_choices_are_written_by_a_server_that_holds_texts(chat: Runner, begun: str) -> None:
    result = chat.run(
        f'prompt p():\n    user: "Hi."\n    assistant: "{begun}{{x = select("red", "blue")}}"\n'
    )
    assert result.error is None, result.error
    assert result.captures["x"] in ("red", "blue")
    assert result.messages[-1]["content"] == begun + result.captures["x"]


def test_a_seed_decides_what_is_drawn(chat: Runner) -> None:
    body = 'prompt p():\n    user: "Tell."\n    assistant: x = gen(max_tokens=8, temperature=0.9)\n'
    texts = [chat.run(body, seed).captures["x"] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_the_server_is_asked_what_it_is(chat: Runner) -> None:
    assert chat.remote.model == "embedded"
    assert chat.remote.capabilities.name == "chat of sglc"


def test_many_stop_texts_are_looked_for_here_and_billed(chat: Runner) -> None:
    stops = json.dumps([f"never {i}" for i in range(200)] + ["e"])
    before = chat.remote.backend.usage
    result = chat.run(
        f'prompt p():\n    user: "Hi."\n    assistant: x = gen(max_tokens=16, stop={stops})\n'
    )
    assert result.error is None
    assert "e" not in result.captures["x"]
    used = chat.remote.backend.usage - before
    assert used.unbilled == 0
    assert 0 < used.output_tokens < 16


# A scripted server of the dialect


def choice(text: str | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": text}
    return {"index": 0, "message": said, "delta": said, "finish_reason": finish, **more}


def reply(*choices: dict[str, Any], given: int = 7, written: int = 3) -> dict[str, Any]:
    usage = {"prompt_tokens": given, "completion_tokens": written}
    return {"choices": list(choices), "usage": usage}


@pytest.fixture
def run(scripted: ScriptedServer) -> Iterator[Any]:
    """Runs a program on the scripted server, and gives its result and the runner."""
    made: list[Runner] = []

    def go(
        body: str, flavor: str = "openai", deltas: bool = False, key: str = "sk-1", **policy: Any
    ) -> Any:
        remote = open_openai(
            "m", url=f"{scripted.url}/v1", api_key=key, flavor=flavor,
            policy=Policy(**{"max_retries": 0, **policy}),
        )  # fmt: skip
        made.append(Runner(remote))
        made[-1].deltas = deltas
        return made[-1].run(f"prompt p():\n{body}")

    go.runners = made  # type: ignore[attr-defined]  # for tests that look at the backend
    yield go
    for runner in made:
        runner.close()


def test_a_conversation_is_sent_as_messages(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [Reply(body=reply(choice("Yes.", "stop")))] * 2
    result = run(
        '    system: "Be brief."\n    user: "A < B?"\n    user: "<|end|>?"\n'
        '    assistant: x = gen(max_tokens=5, stop=["\\n"], temperature=0.5)\n'
        '    user: "Sure?"\n    assistant: y = gen(max_tokens=5)\n'
    )
    assert result.error is None, result.error
    first, second = scripted.bodies(PATH)
    assert first == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "A < B?"},
            {"role": "user", "content": "<|end|>?"},
        ],
        "max_completion_tokens": 5,
        "stop": ["\n"],
        "temperature": 0.5,
        "top_p": 1.0,
        "seed": first["seed"],
    }
    assert second["messages"][3:] == [
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Sure?"},
    ]
    assert result.captures == {"x": "Yes.", "y": "Yes."}


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ('    "Hi.{x = gen(max_tokens=4)}"\n', "outside of all messages"),
        ('    user: "Hi.{x = gen(max_tokens=4)}"\n', "in a message of the user"),
        ('    user: "Hi."\n    assistant: "I{x = gen(max_tokens=4)}"\n', "num_api_spec_tokens"),
        ('    user: "Hi."\n    assistant: x = gen(/[ab]+/, max_tokens=4)\n', "validate-retry"),
        ('    user: "Hi."\n    assistant: x = gen(max_tokens=4, min_p=0.1)\n', "`min_p`"),
    ],
)
def test_what_the_server_cannot_do_is_refused_unasked(
    run: Any, scripted: ScriptedServer, body: str, part: str
) -> None:
    result = run(body)
    assert part in str(result.error)
    assert not scripted.requests


def test_a_reasoning_model_takes_no_temperature(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body=reply(choice("a", "stop"))))
    body = '    user: "Hi."\n    assistant: x = gen(max_tokens=4, temperature={})\n'
    runner = Runner(
        open_openai("o3-mini", url=f"{scripted.url}/v1", flavor="reasoning", policy=Policy())
    )
    runner.deltas = False
    cold = runner.run("prompt p():\n" + body.replace("{}", "0.2"))
    warm = runner.run("prompt p():\n" + body.replace("{}", "1.0"))
    runner.close()
    assert "samples at 1" in str(cold.error)
    assert warm.captures == {"x": "a"}
    (sent,) = scripted.bodies(PATH)
    assert not sent.keys() & {"temperature", "top_p", "seed", "stop", "max_tokens"}


def test_reasoning_models_are_known_by_name() -> None:
    for name in ("o1-mini", "o4-mini", "gpt-5", "gpt-5.4-mini", "gpt-6.2-sol", "gpt-10"):
        assert flavor_of(name) is REASONING, name
    for name in ("gpt-4o", "gpt-4.1-mini", "gpt-5-chat-latest", "gpt-3.5-turbo", "openai/gpt-4o"):
        assert flavor_of(name) is OPENAI, name


def test_a_type_is_asked_for_as_a_schema(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [
        Reply(body=reply(choice('{"value": 7}', "stop"))),
        Reply(body=reply(choice('{"name":"Ann",\n"age":3}', "stop"))),
        Reply(body=reply(choice('{"value": "blue"}', "stop"))),
    ]
    result = run(
        '    user: "Hi."\n    assistant: n = gen(int(1..9), max_tokens=4)\n'
        '    user: "Hi."\n    assistant: r = gen({name: str, age: int}, max_tokens=20)\n'
        '    user: "Hi."\n    assistant: c = select("red", "blue")\n'
    )
    assert result.error is None, result.error
    assert result.captures == {"n": 7, "r": {"name": "Ann", "age": 3}, "c": "blue"}
    formats = [body["response_format"]["json_schema"] for body in scripted.bodies(PATH)]
    assert [each["strict"] for each in formats] == [True] * 3
    assert formats[1]["schema"]["required"] == ["name", "age"]
    assert formats[2]["schema"]["properties"]["value"]["enum"] == ["red", "blue"]


def test_a_server_that_ignores_a_type_is_found_out(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body=reply(choice("seven", "stop"))))
    result = run('    user: "Hi."\n    assistant: n = gen(int(1..9), max_tokens=4)\n')
    assert "'seven', which is no int(1..9)" in str(result.error)
    assert len(scripted.requests) == 1


def test_what_it_cannot_be_held_to_is_written_again(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [Reply(body=reply(choice(each, "stop"))) for each in ("no", "nope", "abba")]
    result = run(
        '    user: "Hi."\n    assistant: x = gen(/[ab]+/, max_tokens=9)\n', emulate="validate-retry"
    )
    assert result.captures == {"x": "abba"}
    usage = run.runners[0].remote.backend.usage
    assert (usage.requests, usage.regenerated, usage.input_tokens) == (3, 2, 21)


def stream(*texts: str, finish: str | None = "stop") -> list[Any]:
    chunks: list[Any] = [{"choices": [choice(text)], "usage": None} for text in texts]
    if finish is not None:
        chunks += [{"choices": [choice(None, finish)]}, reply(), "[DONE]"]
    return chunks


def test_a_stream_is_shown_as_it_comes(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(chunks=stream("Rom", "e is", " old")))
    result = run('    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n', deltas=True)
    assert result.captures == {"x": "Rome is old"}
    usage = run.runners[0].remote.backend.usage
    assert (usage.input_tokens, usage.output_tokens, usage.unbilled) == (7, 3, 0)
    assert scripted.bodies(PATH)[0]["stream_options"] == {"include_usage": True}


THINKS = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm"}, "finish_reason": None}]}


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        (Reply(chunks=stream("Ro", finish=None), breaks=True), "broke off"),
        (Reply(chunks=stream("Ro", finish=None)), "broke off"),
        (Reply(chunks=[*stream("Ro", finish=None), {"error": {"message": "gone"}}]), "gone"),
        (Reply(chunks=stream("Ro", finish="content_filter")), "content filter"),
        (Reply(chunks=stream("Ro", finish="error")), "gave up the answer"),
        (Reply(chunks=stream("Ro", finish="insufficient_system_resource")), "gave up the answer"),
        (Reply(chunks=[THINKS, *stream("", finish="length")]), "raise max_tokens"),
        (Reply(401, {"error": {"message": "no such key: sk-1"}}), "***; check the API key"),
        (Reply(200, {"nothing": 1}), "does not stream"),
    ],
)
def test_what_goes_wrong_is_said(
    run: Any, scripted: ScriptedServer, answer: Reply, part: str
) -> None:
    scripted.replies.append(answer)
    result = run('    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n', deltas=True)
    assert part in str(result.error)
    assert "sk-1" not in str(result.error)
    assert "a.sgl:3" in str(result.error)


def test_a_model_that_has_only_thought_is_billed_and_told(
    run: Any, scripted: ScriptedServer
) -> None:
    spent = {"reasoning_tokens": 9}
    usage = {"prompt_tokens": 2, "completion_tokens": 9, "completion_tokens_details": spent}
    scripted.replies.append(Reply(body={**reply(choice("", "length")), "usage": usage}))
    result = run('    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n')
    assert "thought for as long as max_tokens lets it" in str(result.error)
    assert run.runners[0].remote.backend.usage.output_tokens == 9


def test_an_empty_answer_is_an_empty_text(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body=reply(choice(None, "stop"))))
    result = run('    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n')
    assert result.error is None
    assert result.captures == {"x": ""}


def test_a_server_that_is_busy_is_asked_again(run: Any, scripted: ScriptedServer) -> None:
    busy = Reply(429, {"error": {"message": "slow down"}}, {"retry-after": "0.01"})
    scripted.replies += [busy, busy, Reply(body=reply(choice("a", "stop")))]
    body = '    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n'
    result = run(body, max_retries=3)
    assert result.captures == {"x": "a"}
    assert run.runners[0].remote.backend.usage.retries == 2


def test_azure_has_an_address_of_its_own(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body=reply(choice("a", "stop"))))
    remote: Remote = open_azure(
        "my deployment", endpoint=scripted.url, api_version="2024-10-21", api_key="k"
    )
    runner = Runner(remote)
    runner.deltas = False
    result = runner.run('prompt p():\n    user: "Hi."\n    assistant: x = gen(max_tokens=9)\n')
    runner.close()
    assert result.captures == {"x": "a"}
    ((path, body),) = scripted.requests
    assert body["max_tokens"] == 9  # its older versions know no other name
    assert path == ("/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21")


@pytest.mark.parametrize(
    ("flavor", "more"),
    [
        ("sglc", {"regex": "[ab]+"}),
        ("sglang", {"regex": "[ab]+", "continue_final_message": True}),
        ("vllm", {"structured_outputs": {"regex": "[ab]+"}, "add_generation_prompt": False}),
    ],
)
def test_local_servers_are_held_to_a_regex_behind_a_prefill(
    run: Any, scripted: ScriptedServer, flavor: str, more: dict[str, Any]
) -> None:
    scripted.replies.append(Reply(body=reply(choice("ab", "stop"))))
    result = run(
        '    user: "Hi."\n    assistant: "It is {x = gen(/[ab]+/, max_tokens=9)}"\n', flavor=flavor
    )
    assert result.captures == {"x": "ab"}
    (body,) = scripted.bodies(PATH)
    assert body["messages"][-1] == {"role": "assistant", "content": "It is "}
    assert {name: body.get(name) for name in more} == more
