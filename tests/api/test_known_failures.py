"""What frontends that trace programs get wrong: one test for each.

A tracer runs a function once, on stand-ins for its arguments, and takes what it has seen for the
program. Here the function runs, so each of these is what the lines say.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest
from generators.scripted_http import ScriptedServer
from generators.stopping import wait_until

import sglc
from sglc.backends.backend import Backend, Made
from sglc.compiler.plan.segments import Media
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.executor.executor import Executor
from sglc.runtime.remote.templates import TEXT_CHATML
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder

pytestmark = pytest.mark.timeout(60)


def test_children_of_a_fork_keep_the_text_of_the_parent(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> list[str]:
        s += sglc.system("Be brief.") + sglc.user_begin() + "Tip "
        s += sglc.gen("number", max_tokens=2)
        forks = s.fork(2)
        forks += [" one:", " two:"]
        forks += sglc.gen("tip", max_tokens=3)
        return [fork.text() for fork in forks]

    state = program.run(backend=hashed)
    texts = state.ret_value
    for text, mark in zip(texts, ("one", "two"), strict=True):
        assert text.startswith(f"{state.text()} {mark}:")
    assert "Be brief." in state.text()


def test_side_branches_that_nobody_joins_are_run() -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x"
        side = s.fork(1)[0]
        side += " side " + sglc.gen("unread")
        with s.copy() as other:
            other += " copy " + sglc.gen("copied")
        s += " main " + sglc.gen("read")
        states.append(side)

    states: list[sglc.ProgramState] = []
    with sglc.mock(unread="1", copied="2", read="3") as backend:
        state = program.run(backend=backend)
        assert state.text() == "x main 3"
        assert state["copied"] == ["2"]
        assert states[0].text() == "x side 1"


@pytest.mark.parametrize(("value", "arm"), [("a", "first"), ("b", "second")])
def test_a_condition_on_a_value_takes_the_arm_of_the_value(value: str, arm: str) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x" + sglc.gen("x")
        if s["x"] == "a":
            s += " first" + sglc.gen("y")
        else:
            s += " second" + sglc.gen("y")

    with sglc.mock(x=value, y="!") as backend:
        assert program.run(backend=backend).text() == f"x{value} {arm}!"


def test_arguments_are_themselves_in_texts_and_loops() -> None:
    @sglc.function
    def program(s: Any, name: str, count: int, items: list[str]) -> None:
        s += f"{name.upper()!r:>8}|{count:03d}|{count / 4:.1%}"
        for i, item in enumerate(items[:count]):
            s += f"\n{i}. {item}" + sglc.gen(item)
        s += (name in items and " known") or " unknown"

    with sglc.mock(a="1", b="2", c="3") as backend:
        state = program.run("ann", 2, items=["a", "b", "c"], backend=backend)
        assert state.text() == "   'ANN'|002|50.0%\n0. a1\n1. b2 unknown"


def test_roles_as_blocks() -> None:
    @sglc.function
    def program(s: Any, turns: list[str]) -> None:
        for turn in turns:
            with s.user():
                s += turn
                with s.var_scope("all"):
                    s += "?"
            with s.assistant():
                s += sglc.gen("answer")

    with sglc.mock(answer=["A", "B"]) as backend:
        state = program.run(["one", "two"], backend=backend)
        assert [m["content"] for m in state.messages()] == ["one?", "A", "two?", "B"]
        assert state["all"] == "?"


def test_choices_a_pattern_and_a_limit_from_arguments(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any, choices: list[str], pattern: str, most: int, stop: list[str]) -> None:
        s += "x" + sglc.gen("choice", choices=choices) + sglc.gen("match", regex=pattern)
        s += sglc.gen("cut", max_tokens=most, ignore_eos=True)
        s += sglc.gen("stopped", max_tokens=50, ignore_eos=True, stop=stop)

    for number, choices in enumerate((["red", "green"], ["up", "down", "left"]), 2):
        state = program.run(choices, f"[0-9]{{{number}}}", number, ["e", "a"], backend=hashed)
        assert state["choice"] in choices
        assert len(state["match"]) == number
        assert state["match"].isdigit()
        assert state.get_meta_info("cut")["completion_tokens"] == number
        assert not {"e", "a"} & set(state["stopped"])


def test_an_exception_and_more_text_behind_it_hang_nothing(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> list[str]:
        found = []
        for number in range(3):
            try:
                with s.user():
                    s += f"{number}" + sglc.gen(f"v{number}", max_tokens=3)
                    raise ValueError(s[f"v{number}"])
            except ValueError as error:
                found.append(str(error))
        s += sglc.assistant(sglc.gen("last", max_tokens=3))
        return found

    state = program.run(backend=hashed)
    assert state.ret_value == [state[f"v{i}"] for i in range(3)]
    assert [m["role"] for m in state.messages()] == ["user"] * 3 + ["assistant"]

    @sglc.function
    def fails(s: Any) -> None:
        s += sglc.gen("nothing to go on from")
        states.append(s)
        for _ in range(10):
            s += "more" + sglc.gen("more")
        raise LookupError

    states: list[sglc.ProgramState] = []
    with pytest.raises(LookupError):
        fails.run(backend=hashed)
    with pytest.raises(sglc.RunFailed):
        states[0]["more"]
    wait_until(lambda: not hashed.host.executor._runs)


def test_a_fork_of_an_empty_state() -> None:
    @sglc.function
    def program(s: Any) -> None:
        forks = s.fork(2)
        forks += ["a", "b"]
        forks += sglc.gen("v")
        forks.join()
        s += "".join(s["v"])

    with sglc.mock(v=["1", "2"]) as backend:
        assert program.run(backend=backend).text() == "12"


def test_two_images_in_one_prompt_are_both_there() -> None:
    tokenizer = RemoteTokenizer()
    asked: list[Any] = []

    class Seeing(ScriptedBackend):
        def submit(self, request: Any) -> int:
            asked.append(tokenizer.text_of(request.sequence))
            return super().submit(request)

    def make(wake: threading.Event) -> Made:
        encoder = PromptEncoder(tokenizer, TEXT_CHATML)
        return Executor(Seeing({"v": "!"}, tokenizer), encoder, wake=wake), encoder

    @sglc.function
    def program(s: Any, urls: list[str]) -> None:
        s += sglc.user(sglc.image(urls[0]) + " or " + sglc.image(urls[1]) + "?")
        s += sglc.assistant(sglc.gen("v"))

    urls = ["http://host/1.png", "http://host/2.png"]
    with Backend(make, name="seeing") as backend:
        state = program.run(urls, backend=backend)
        assert state["v"] == "!"
        parts = state.messages()[0]["content"]
        assert [p["image_url"]["url"] for p in parts if p["type"] == "image_url"] == urls
    ((text, pictures),) = asked
    assert text.count("<image>") == 2
    assert [p.url for p in pictures if isinstance(p, Media)] == urls


@pytest.mark.parametrize(
    "wanted", [{"regex": "[0-9]+"}, {"json_schema": {"type": "integer"}}, {"dtype": int}]
)
def test_a_constraint_that_an_api_cannot_keep_is_refused_and_never_skipped(
    wanted: dict[str, Any], scripted: ScriptedServer
) -> None:
    from sglc.runtime.remote.capabilities import OPENAI_COMPLETIONS
    from sglc.runtime.remote.open import open_remote
    from sglc.runtime.remote.policy import Policy

    def make(wake: threading.Event) -> Made:
        opened = open_remote(
            "completions", url=scripted.url, model="m", capabilities=OPENAI_COMPLETIONS,
            api_key="key", policy=Policy(max_retries=0),
        )  # fmt: skip
        opened_backends.append(opened.backend)
        return Executor(opened.backend, opened.encoder, wake=wake), opened.encoder

    @sglc.function
    def program(s: Any) -> None:
        s += "How many? " + sglc.gen("count", max_tokens=5, **wanted)

    opened_backends: list[Any] = []
    with Backend(make, name="api") as backend:
        state = program.run(backend=backend)
        with pytest.raises(sglc.RunFailed, match=r"test_known_failures.py:\d+.*validate-retry"):
            state["count"]
    opened_backends[0].close()
    assert scripted.requests == []
