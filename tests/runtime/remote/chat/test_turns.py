"""Whole messages that are cut into the values of a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from generators.remote_runs import Runner, plan_of
from generators.scripted_http import Reply, ScriptedServer
from hypothesis import given
from hypothesis import strategies as st

from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Decode, Later
from sglc.runtime.remote.chat.open import open_openai
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.turns import Mismatch, Turn

PATH = "/v1/chat/completions"
EXTRACT = """prompt extract(text: str):
    user: "{text}"
    assistant:
        "Name:{name = gen(stop="\\n", max_tokens=16)}"
        "\\nBorn:{born = gen(stop="\\n", max_tokens=16)}"
        "\\nJob:{job = gen(stop="\\n", max_tokens=16)}"
    user: "Thanks."
    assistant: bye = gen(max_tokens=5)
"""
ANSWER = "Name: Ada\nBorn: 1815\nJob: countess"
FIELDS = {"name": " Ada", "born": " 1815", "job": " countess", "bye": "Bye."}


def said(text: str, finish: str = "stop") -> Reply:
    usage = {"prompt_tokens": 100, "completion_tokens": 9}
    choice = {"index": 0, "message": {"content": text}, "finish_reason": finish}
    return Reply(body={"choices": [choice], "usage": usage})


@pytest.fixture
def run(scripted: ScriptedServer) -> Iterator[Any]:
    made: list[Runner] = []

    def go(source: str = EXTRACT, *, spec: int = 64, seed: int = 0, **policy: Any) -> Any:
        remote = open_openai(
            "m", url=scripted.url, flavor="openai", policy=Policy(**{"max_retries": 0, **policy})
        )
        made.append(Runner(remote))
        plan = plan_of(source)
        plan = replace(plan, hints={**plan.hints, "num_api_spec_tokens": spec})
        text = {"text": "Tell."} if "text:" in source else {}
        return made[-1].run(plan, seed, **text), remote.backend

    yield go
    for runner in made:
        runner.close()


def test_three_fields_are_one_request(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [said(ANSWER), said("Bye.")]
    result, backend = run()
    assert result.error is None, result.error
    assert result.captures == FIELDS
    first, second = scripted.bodies(PATH)
    assert first["messages"] == [{"role": "user", "content": "Tell."}]
    assert first["max_completion_tokens"] == 64
    assert "stop" not in first
    assert second["messages"][1] == {"role": "assistant", "content": ANSWER}
    usage = backend.usage
    # Each of the three would have been a request with a prompt of its own.
    assert (usage.requests, usage.saved_requests) == (2, 2)
    assert usage.input_tokens * 2 == 100 * (3 + 1)


def test_a_message_that_goes_on_otherwise_is_asked_for_again(
    run: Any, scripted: ScriptedServer
) -> None:
    scripted.replies += [said("Sure! " + ANSWER), said(ANSWER.replace("Job", "Title"))]
    scripted.replies += [said(ANSWER), said("Bye.")]
    result, backend = run()
    assert result.captures == FIELDS
    assert (backend.usage.requests, backend.usage.regenerated) == (4, 2)
    temperatures = [body["temperature"] for body in scripted.bodies(PATH)]
    assert temperatures == [0.0, 0.7, 0.7, 0.0]


def test_after_three_tries_it_says_what_differs(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [said("Name: Ada\nDied: 1852")] * 3
    result, _ = run()
    error = str(result.error)
    assert "behind 'Name: Ada\\n' the program has 'Born:', and the server wrote 'Died:" in error
    assert "tried 3 times" in error
    assert "a.sgl:4" in error
    assert len(scripted.requests) == 3


def test_a_type_in_a_message_is_checked_here(run: Any, scripted: ScriptedServer) -> None:
    source = (
        'prompt p():\n    user: "Hi."\n'
        '    assistant: "I am {age = gen(int(1..99), max_tokens=4)} years old."\n'
    )
    result, _ = run(source)
    assert "validate-retry" in str(result.error)
    scripted.replies += [said("I am old"), said("I am 42 years old. You?")]
    result, backend = run(source, emulate="validate-retry")
    assert result.error is None, result.error
    assert result.captures == {"age": 42}
    assert result.messages[-1]["content"] == "I am 42 years old."
    assert backend.usage.requests == 2


def test_two_draws_are_two_messages(run: Any, scripted: ScriptedServer) -> None:
    scripted.replies += [said("a\nb\n"), said("a\nc\n")]
    result, backend = run(
        'prompt p() -> list[str]:\n    user: "Hi."\n'
        "    fork n in 1..2 as f:\n"
        '        assistant: x = gen(stop="\\n", max_tokens=4, temperature=1.0)\n'
        "    return f.x\n"
    )
    assert result.error is None, result.error
    assert result.value == ["a", "a"]
    assert backend.usage.requests == 2
    assert backend.usage.saved_requests == 0


# The law: a message that a program would have made is cut into what the program put there.

WORDS = st.text("ab :", max_size=6)


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4), WORDS)
def test_a_message_is_cut_into_its_values(fields: list[tuple[str, str]], behind: str) -> None:
    text = "".join(f"{label}{value};" for label, value in fields) + behind
    turn = Turn("", (), SamplingParams(), text, (), is_whole=True)
    given_text = ""
    for number, (label, value) in enumerate(fields):
        given_text += label
        then: list[str | Later] = []
        for later, _ in fields[number + 1 :]:
            then += [";" + later, Later((";",))]
        result = turn.cut(given_text, Decode(8, stop=(";",), then=tuple(then)))
        assert isinstance(result, DecodeResult)
        assert (result.text, result.matched) == (value, ";")
        given_text += value + ";"
    assert isinstance(turn.cut(text + "x", Decode(8)), Mismatch)
