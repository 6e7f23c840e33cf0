"""Programs on our own server, asked as SGLang's frontend asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from generators.remote_runs import Runner
from generators.servers import RunningServer

from sglc.runtime.core.stats import Snapshot
from sglc.runtime.remote.open import open_remote
from sglc.runtime.remote.policy import Policy

POLICY = Policy(max_retries=0)


@pytest.fixture(scope="module")
def native(server: RunningServer) -> Iterator[Runner]:
    runner = Runner(open_remote("native", url=server.url, policy=POLICY))
    yield runner
    runner.close()


def generate(server: RunningServer, text: str, **params: Any) -> str:
    """Return what a plain request has written."""
    body = {"text": text, "sampling_params": {"temperature": 0, **params}}
    reply = httpx2.post(f"{server.url}/generate", json=body, timeout=60)
    return str(reply.json()["text"])


def test_the_server_says_what_it_is(native: Runner) -> None:
    assert native.remote.capabilities.name == "sglc"
    assert native.remote.model == "embedded"


ASK = """prompt ask(country: str):
    "The capital of {country} is{answer = gen(max_tokens=4)}"
"""


def test_gen_writes_what_the_server_writes(native: Runner, server: RunningServer) -> None:
    result = native.run(ASK, country="France")
    text = generate(server, "The capital of France is", max_new_tokens=4)
    assert text.startswith(" Paris")
    assert result.captures == {"answer": text}


def test_tokens_are_counted_as_the_server_counts_them(native: Runner) -> None:
    before = native.remote.backend.usage
    result = native.run(ASK, country="France")
    (stats,) = result.stats.values()
    used = native.remote.backend.usage - before
    assert (used.requests, used.input_tokens, used.output_tokens) == (1, 5, 4)
    assert stats.completion_tokens == 4
    assert stats.prompt_tokens == 5


def test_deltas_come_as_they_are_written(native: Runner) -> None:
    run = native.submit(ASK.replace("max_tokens=4", "max_tokens=24"), country="France")
    result = native.finish(run)
    deltas = [event.value for event in run.log.since() if event.t == "delta"]
    assert "".join(deltas) == result.captures["answer"]
    assert len(deltas) > 4


def test_waiting_takes_no_steps(native: Runner) -> None:
    before = native.num_steps
    native.run(ASK.replace("max_tokens=4", "max_tokens=32"), country="France")
    assert native.num_steps - before < 100  # one per event at most, not one per turn of a loop


def test_messages_are_written_as_text(native: Runner, server: RunningServer) -> None:
    result = native.run(
        "prompt chat():\n"
        '    system: "You are brief."\n'
        '    user: "What is the capital of France?"\n'
        "    assistant: answer = gen(max_tokens=16)\n"
    )
    prompt = (
        "<|im_start|>system\nYou are brief.<|im_end|>\n"
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
    )
    text = generate(server, prompt, max_new_tokens=16, stop=["<|im_end|>"])
    assert result.captures == {"answer": text}


@pytest.mark.parametrize("method", ["token_avg", "greedy", "unconditional"])
def test_select_by_every_method(native: Runner, method: str) -> None:
    result = native.run(
        "prompt pick():\n"
        f'    "The capital of France is{{city = select(" Paris", " London", by="{method}")}}."\n'
    )
    assert result.error is None
    assert result.captures == {"city": " Paris"}


@pytest.mark.parametrize(
    ("wanted", "check"),
    [
        ("int(1..10)", lambda value: 1 <= value <= 10),
        ("line", lambda value: value and "\n" not in value),
        ('"yes" | "no"', lambda value: value in ("yes", "no")),
        ("{name: str(max=12), age: int(0..99)}", lambda value: set(value) == {"name", "age"}),
        ("/[ab]{3}/", lambda value: len(value) == 3),
    ],
)
def test_types_are_held_by_the_server(native: Runner, wanted: str, check: Any) -> None:
    result = native.run(f'prompt p():\n    "It is: {{x = gen({wanted}, max_tokens=48)}}"\n')
    assert result.error is None, result.error
    assert check(result.captures["x"])


FORK = """prompt tips(topic: str) -> list[str]:
    "Tips for {topic}.\\n"
    fork i in 1..3 as tip:
        "Tip: {text = gen(max_tokens=6, temperature=0.9)}"
    return [t.text for t in tip]
"""


def test_branches_that_ask_the_same_are_one_request(native: Runner) -> None:
    before = native.remote.backend.usage
    result = native.run(FORK, topic="health")
    assert result.error is None
    assert len(set(result.value)) > 1
    assert (native.remote.backend.usage - before).requests == 1


def test_a_seed_decides_what_is_drawn(native: Runner) -> None:
    one, same, other = (native.run(FORK, seed, topic="health").value for seed in (1, 1, 2))
    assert one == same != other


def test_nothing_is_left_of_runs_that_are_over(native: Runner) -> None:
    chained = 'prompt p():\n    "One,{x = gen(max_tokens=2)} and{y = gen(max_tokens=2)}"\n'
    assert native.run(chained).error is None
    assert native.run(FORK, topic="sleep").error is None
    native.executor.step()
    assert native.remote.backend.idle
    assert native.remote.backend.snapshot() == Snapshot({})


def test_healing_is_refused(native: Runner) -> None:
    result = native.run('prompt p():\n    "The cap{x = gen(max_tokens=4, healing=true)}"\n')
    assert result.error is not None
    assert result.error.message == "`healing` needs the tokens of a model that runs here"


def test_a_refusal_of_the_server_is_the_error_of_the_call(native: Runner) -> None:
    result = native.run('prompt p(x: str):\n    "{x}{y = gen(max_tokens=4)}"\n', x="a " * 100_000)
    assert result.error is not None
    assert "/generate answers 400: " in result.error.message
    assert result.error.code == "model"
