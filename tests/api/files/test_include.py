"""``s.include``: prompts of files said inside of Python programs."""

from __future__ import annotations

from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend
from sglc.compiler.plan.arguments import ArgumentError
from sglc.errors import StateError
from tests.api.files.test_load import PROGRAMS

LOG: list[str] = []


def note(text: str) -> str:
    LOG.append(text)
    return text.upper()


@pytest.fixture(scope="module")
def style() -> Any:
    return sglc.load(PROGRAMS / "style.sgl", tools=[note])


def test_the_text_is_said_where_it_stands(style: Any) -> None:
    @sglc.function
    def greeted(s: Any, name: str) -> None:
        s.include(style.house_style, tone="kind")
        s += sglc.user("I am " + name)
        with s.assistant():
            s.include(style.mood)
            s += sglc.gen("answer")

    with sglc.mock(made='{"mood": "calm", "size": 3}', answer="Hi.") as backend:
        state = greeted.run("Ann", backend=backend)
        assert state.messages() == [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "I am Ann"},
            {"role": "assistant", "content": 'Mood: {"mood": "calm", "size": 3}\nHi.'},
        ]
        assert state["mood"] == style.Mood("calm", 3)
        assert "house_style" in state
        streamed = greeted.run("Ann", backend=backend, stream=True)
        assert "".join(streamed.text_iter()) == state.text()


def test_tools_run_in_the_order_of_the_program(style: Any) -> None:
    @sglc.function
    def two(s: Any) -> None:
        s.include(style.noted, "a")
        s.include(style.noted, text="b")

    LOG.clear()
    with sglc.mock({}) as backend:
        state = two.run(backend=backend)
        assert state.text() == "[A][B]"
        assert state["noted"] == "b"
        assert state.error() is None
    assert LOG == ["a", "a!", "b", "b!"]


def test_samples_do_not_depend_on_when_what_was_cut(style: Any, hashed: Backend) -> None:
    @sglc.function
    def moods(s: Any, waits: bool) -> list[Any]:
        s += "Say: "
        made = []
        for _ in range(3):
            s.include(style.mood)
            s += sglc.gen("word", max_tokens=3)
            if waits:
                s.sync()
            made.append(s["mood"] if waits else None)
        forks = s.fork(2)
        for f in forks:
            f.include(style.forked)
        return [f["forked"] for f in forks]

    quick, slow = moods.run(False, backend=hashed, seed=3), moods.run(True, backend=hashed, seed=3)
    assert quick.text() == slow.text()
    assert quick.ret_value == slow.ret_value
    assert quick.ret_value[0] != quick.ret_value[1]
    assert quick.text().count("Mood: ") == 3
    lines = quick.text().split("Mood: ")[1:]
    assert len({line.partition("\n")[0] for line in lines}) > 1


def test_rows_of_a_batch_include_too(style: Any) -> None:
    @sglc.function
    def row(s: Any, tone: str) -> None:
        s.include(style.house_style, tone)

    with sglc.mock({}) as backend:
        states = row.run_batch([{"tone": str(i)} for i in range(20)], backend=backend)
        assert [s.messages()[0]["content"] for s in states] == [f"Be {i}." for i in range(20)]


def test_what_cannot_be_included_is_said_at_the_call(style: Any) -> None:
    @sglc.function
    def wrong(s: Any, what: Any, args: Any) -> None:
        s.include(what, *args)

    with sglc.mock({}) as backend:
        with pytest.raises(TypeError, match="include takes a prompt of"):
            wrong.run(wrong, (), backend=backend)
        with pytest.raises(ArgumentError, match="`tone` must be str"):
            wrong.run(style.house_style, (3,), backend=backend)

        @sglc.function
        def nested(s: Any) -> None:
            with s.user():
                s.include(style.house_style)

        with pytest.raises(StateError, match="`house_style` begins messages, which cannot be"):
            nested.run(backend=backend)
