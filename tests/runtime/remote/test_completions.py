"""Programs on `/v1/completions`: ours, and servers that can less."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from generators.remote_runs import Runner
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer

from sglc.runtime.core.events import Decoded
from sglc.runtime.core.script import Decode, Extend, StreamRequest
from sglc.runtime.remote.capabilities import COMPATIBLE_COMPLETIONS, OPENAI_COMPLETIONS
from sglc.runtime.remote.open import open_remote
from sglc.runtime.remote.policy import Policy


@pytest.fixture(scope="module")
def runners(server: RunningServer) -> Iterator[tuple[Runner, Runner]]:
    """Our server, asked in both dialects."""
    policy = Policy(max_retries=0)
    made = (
        Runner(open_remote("native", url=server.url, policy=policy)),
        Runner(open_remote("completions", url=f"{server.url}/v1", policy=policy)),
    )
    yield made
    for runner in made:
        runner.close()


PROGRAMS = {
    "gen": '    "The capital of France is{x = gen(max_tokens=6)}"\n',
    "stop": '    "One, two, three,{x = gen(max_tokens=16, stop=[",", "."])}"\n',
    "sampled": '    "Once upon a time{x = gen(max_tokens=12, temperature=0.8, top_p=0.9)}"\n',
    "type": '    "A number: {x = gen(int(1..20), max_tokens=8)}"\n',
    "record": '    "Card: {x = gen({name: str(max=8), age: int(0..99)}, max_tokens=40)}"\n',
    "choices": '    "Paris is in {x = select("France", "Spain")}."\n',
    "unconditional": '    "Paris is in {x = select("France", "Spain", by="unconditional")}."\n',
    "roles": '    user: "Say hi."\n    assistant: x = gen(max_tokens=8)\n',
}


@pytest.mark.parametrize("body", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_both_dialects_of_a_server_write_the_same(
    runners: tuple[Runner, Runner], body: str
) -> None:
    native, completions = (runner.run(f"prompt p():\n{body}", 3) for runner in runners)
    assert native.error is None
    assert completions.error is None, completions.error
    assert completions.captures == native.captures
    assert completions.text == native.text


def test_the_model_and_what_the_server_can_do_are_asked_for(
    runners: tuple[Runner, Runner],
) -> None:
    remote = runners[1].remote
    assert remote.model == "embedded"
    assert remote.capabilities.name == "completions of sglc"


def test_costs_are_billed_as_the_server_says(runners: tuple[Runner, Runner]) -> None:
    backend = runners[1].remote.backend
    before = backend.usage
    result = runners[1].run("prompt p():\n" + PROGRAMS["gen"])
    used = backend.usage - before
    assert (used.requests, used.input_tokens, used.output_tokens, used.unbilled) == (1, 5, 6, 0)
    (stats,) = result.stats.values()
    assert (stats.prompt_tokens, stats.decoded_tokens) == (5, 6)


def choice(text: str, finish: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    return {"index": index, "text": text, "finish_reason": finish, "logprobs": None, **more}


@pytest.fixture
def other(scripted: ScriptedServer) -> Iterator[Any]:
    """Runs programs on a server that can little; with a policy."""
    made: list[Runner] = []

    def runner(capabilities: Any = OPENAI_COMPLETIONS, **policy: Any) -> Runner:
        remote = open_remote(
            "completions",
            url=scripted.url,
            model="m",
            capabilities=capabilities,
            api_key="key",
            policy=Policy(max_retries=0, **policy),
        )
        made.append(Runner(remote))
        return made[-1]

    yield runner
    for each in made:
        each.close()


def whole(*texts: str, finish: str = "stop", **usage: int) -> Reply:
    """Return a reply that is not streamed."""
    told = {"prompt_tokens": 3, "completion_tokens": 2, **usage}
    choices = [choice(text, finish, i) for i, text in enumerate(texts)]
    return Reply(body={"choices": choices, "usage": told})


def test_stops_that_the_server_does_not_take_are_looked_for_here(
    scripted: ScriptedServer, other: Any
) -> None:
    stops = '["a", "b", "c", "d", "END"]'
    chunks = [{"choices": [choice(text)]} for text in ("x y E", "ND ", "z" * 9)]
    scripted.replies.append(Reply(chunks=chunks, pause_s=0.02))
    result = other().run(f'prompt p():\n    "Q{{x = gen(max_tokens=9, stop={stops})}}"\n')
    assert result.captures == {"x": "x y "}
    (body,) = scripted.bodies("/v1/completions")
    assert body["stop"] == ["a", "b", "c", "d"]
    assert body["stream"] is True


def test_a_server_without_types_refuses_before_anything_is_sent(
    scripted: ScriptedServer, other: Any
) -> None:
    result = other().run('prompt p():\n    "Q{x = gen(int(1..9), max_tokens=4)}"\n')
    assert result.error is not None
    assert result.error.message == (
        "`type`: OpenAI completions holds no text to int(1..9); emulate='validate-retry' "
        "generates freely, checks, and generates again"
    )
    assert scripted.requests == []


def test_what_is_refused_in_one_branch_is_asked_in_the_others(
    scripted: ScriptedServer, other: Any
) -> None:
    scripted.replies.append(Reply(chunks=[{"choices": [choice("fine", "stop")]}]))
    result = other().run(
        "prompt p():\n"
        '    "Q"\n'
        "    fork as sides:\n"
        '        wrong: "A{x = gen(int(1..9), max_tokens=4)}"\n'
        '        right: "B{y = gen(max_tokens=4)}"\n'
        '    "{sides.right.y} {sides.wrong.x}"\n'
    )
    assert result.error is not None
    assert "holds no text to int(1..9)" in result.error.message
    assert [body["prompt"] for body in scripted.bodies("/v1/completions")] == ["QB"]


def test_a_text_is_generated_again_until_it_is_of_its_type(
    scripted: ScriptedServer, other: Any
) -> None:
    runner = other(emulate="validate-retry")
    scripted.replies += [whole("many"), whole("eleven"), whole(" 7, I think")]
    result = runner.run('prompt p():\n    "Q:{x = gen(int(1..9), max_tokens=4)}."\n')
    assert result.captures == {"x": 7}
    assert result.text == "Q:7."
    bodies = scripted.bodies("/v1/completions")
    assert [body["temperature"] for body in bodies] == [0.0, 0.7, 0.7]  # not the same once more
    assert bodies[1]["seed"] != bodies[2]["seed"]
    usage = runner.remote.backend.usage
    assert (usage.regenerated, usage.input_tokens, usage.output_tokens) == (2, 9, 6)


def test_the_last_text_is_told_when_none_is_of_the_type(
    scripted: ScriptedServer, other: Any
) -> None:
    runner = other(emulate="validate-retry", max_regenerated=1)
    scripted.replies += [whole("many"), whole("lots")]
    result = runner.run('prompt p():\n    "Q:{x = gen(int(1..9), max_tokens=4)}"\n')
    assert result.error is not None
    assert result.error.message == (
        "the server has written 'lots', which is no int(1..9) (generated 2 times)"
    )


def test_json_in_a_layout_of_its_own_is_rewritten(scripted: ScriptedServer, other: Any) -> None:
    runner = other(emulate="validate-retry")
    scripted.replies.append(whole('```json\n{"name":"A",\n "age":7}\n```'))
    result = runner.run(
        'prompt p():\n    "Q:{x = gen({name: str(max=9), age: int(0..9)}, max_tokens=40)}"\n'
    )
    assert result.captures == {"x": {"name": "A", "age": 7}}
    assert result.text == 'Q:{"name": "A", "age": 7}'


def test_choices_that_cannot_be_scored(scripted: ScriptedServer, other: Any) -> None:
    program = 'prompt p():\n    "Q: {x = select("yes", "yes, sir", "no")}"\n'
    result = other().run(program)
    assert result.error is not None
    assert "`select`: OpenAI completions gives no log probabilities of a prompt" in (
        result.error.message
    )
    scripted.replies.append(whole("yes, sir!"))
    result = other(emulate="validate-retry").run(program)
    assert result.captures == {"x": "yes, sir"}


def test_choices_are_scored_by_the_tokens_of_the_server(
    scripted: ScriptedServer, other: Any
) -> None:
    def echoed(text: str, tokens: list[str], values: list[float | None]) -> dict[str, Any]:
        offsets = [len("".join(tokens[:i])) for i in range(len(tokens))]
        logprobs = {"tokens": tokens, "token_logprobs": values, "text_offset": offsets}
        return choice(text, "length") | {"logprobs": logprobs}

    replies = [
        echoed("Q: yes", ["Q", ": y", "es"], [None, -1.0, -2.0]) | {"index": 1},
        echoed("Q: no", ["Q", ":", " no"], [None, -9.0, -1.4]) | {"index": 0},
    ]
    scripted.replies.append(Reply(body={"choices": replies}))
    result = other(COMPATIBLE_COMPLETIONS).run('prompt p():\n    "Q: {x = select("no", "yes")}"\n')
    assert result.captures == {"x": "no"}  # -1.4 is more than the mean of -1 and -2
    (body,) = scripted.bodies("/v1/completions")
    assert (body["prompt"], body["echo"], body["max_tokens"]) == (["Q: no", "Q: yes"], True, 0)


@pytest.mark.parametrize(
    ("option", "name"), [("top_k=5", "top_k"), ("min_p=0.1", "min_p"), ("min_tokens=2", "min_new")]
)
def test_sampling_that_the_server_does_not_take_is_refused(
    scripted: ScriptedServer, other: Any, option: str, name: str
) -> None:
    result = other().run(f'prompt p():\n    "Q{{x = gen(max_tokens=4, {option})}}"\n')
    assert result.error is not None
    assert f"`{name}" in result.error.message
    assert "OpenAI completions does not take it; leave it out" in result.error.message
    assert scripted.requests == []


def test_a_server_that_does_not_say_what_it_costs(scripted: ScriptedServer, other: Any) -> None:
    runner = other()
    runner.deltas = False
    scripted.replies.append(Reply(body={"choices": [choice("hi", "stop")]}))
    result = runner.run('prompt p():\n    "Q"\n    x = gen(max_tokens=4)\n')
    assert result.error is None
    assert runner.remote.backend.usage.unbilled == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ({"choices": [choice("a", "stop"), choice("b", "stop", 1)]}, "choices numbered [0, 1]"),
        ({"choices": []}, "choices numbered []"),
        ({"no": 1}, "no choices"),
        ({"choices": [choice(7, "stop")]}, "a text 7"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_nonsense(scripted: ScriptedServer, other: Any, reply: Any, said: str) -> None:
    scripted.replies.append(Reply(body=reply))
    runner = other()
    runner.deltas = False
    result = runner.run('prompt p():\n    "Q"\n    x = gen(max_tokens=4)\n')
    assert result.error is not None
    assert f"has sent {said}" in result.error.message


@pytest.mark.parametrize(
    ("finish", "said"), [("content_filter", "content filter"), ("abort", "gave up the answer")]
)
def test_a_text_that_is_not_whole_is_none(
    scripted: ScriptedServer, other: Any, finish: str, said: str
) -> None:
    scripted.replies.append(Reply(body={"choices": [choice("par", finish)]}))
    runner = other()
    runner.deltas = False
    result = runner.run('prompt p():\n    "Q"\n    x = gen(max_tokens=4)\n')
    assert said in str(result.error)


def test_a_stop_id_of_the_servers_model(runners: tuple[Runner, Runner]) -> None:
    native, completions = (runner.remote.backend for runner in runners)
    found = []
    for backend in (native, completions):
        wake = threading.Event()
        backend.listen(wake.set)
        extend = Extend(tuple(b"The capital of France is Paris"))
        backend.submit(StreamRequest((extend, Decode(8, stop_ids=frozenset(range(46, 400))))))
        while not backend.idle:
            wake.clear()
            found += [e.result for e in backend.step() if isinstance(e, Decoded)]
            wake.wait(0.2)
    assert replace(found[0], meta=None) == replace(found[1], meta=None)
    assert isinstance(found[0].matched, int)


def test_servers_are_known_by_who_owns_their_models(scripted: ScriptedServer) -> None:
    names = {}
    for owner in ("sglc", "sglang", "vllm"):
        scripted.replies.append(Reply(body={"data": [{"id": "m", "owned_by": owner}]}))
        remote = open_remote("completions", url=scripted.url)
        names[owner] = remote.capabilities.name
        remote.backend.close()
    assert names == {
        "sglc": "completions of sglc",
        "sglang": "completions of SGLang",
        "vllm": "completions of an OpenAI-compatible server",
    }


def test_a_server_that_names_no_models_needs_one(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(404, {"detail": "Not Found"}))
    with pytest.raises(ValueError, match="does not name its models: give `model`"):
        open_remote("completions", url=scripted.url)
    with pytest.raises(ValueError, match="name the model, such as"):
        open_remote("completions")


def test_several_texts_of_one_request(scripted: ScriptedServer, other: Any) -> None:
    chunks = [
        {"choices": [choice("two", None, 1)]},
        {"choices": [choice("one", "stop", 0)]},
        {"choices": [choice("!", "length", 1)]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
    ]
    scripted.replies.append(Reply(chunks=chunks))
    runner = other()
    result = runner.run(
        "prompt p() -> list[str]:\n"
        '    "Q"\n'
        "    fork i in 1..2 as each:\n"
        '        "{x = gen(max_tokens=4, temperature=1.0)}"\n'
        "    return [e.x for e in each]\n"
    )
    assert result.value == ["one", "two!"]
    (body,) = scripted.bodies("/v1/completions")
    assert body["n"] == 2
    usage = runner.remote.backend.usage
    assert (usage.input_tokens, usage.output_tokens) == (3, 4)
