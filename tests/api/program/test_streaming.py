"""Text while it comes: the joined pieces are the text, in the order of the program."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from generators.backends import hash_backend
from hypothesis import given
from hypothesis import strategies as st

import sglc
from sglc.backends.backend import Backend


@sglc.function
def chat(s: Any, question: str) -> None:
    s += sglc.system("Be brief.") + sglc.user(question)
    s += sglc.assistant(sglc.gen("first", max_tokens=150, ignore_eos=True))
    if s["first"]:
        s += sglc.user("Really?")
    with s.assistant():
        s += sglc.gen(max_tokens=150, ignore_eos=True) + sglc.gen("last", max_tokens=6)


@pytest.fixture(scope="module")
def slow() -> Iterator[Backend]:
    with hash_backend(max_running=2) as backend:
        yield backend


def test_the_joined_pieces_are_the_text_and_come_one_by_one(hashed: Backend) -> None:
    state = chat.run("Why?", backend=hashed, stream=True)
    pieces = list(state.text_iter())
    assert state.stream_done
    assert "".join(pieces) == state.text()
    assert len(pieces) > 12  # of the calls without a name too
    assert state.text() == chat.run("Why?", backend=hashed).text()
    assert "".join(state.text_iter()) == state.text()  # and again


def test_a_variable_is_followed_as_soon_as_it_is_there(hashed: Backend) -> None:
    state = chat.run("Why?", backend=hashed, stream=True)
    for name in ("last", "first"):
        assert "".join(state.text_iter(name)) == state[name]
    with pytest.raises(KeyError, match="no variable 'never' here; there are: 'first', 'last'"):
        list(state.text_iter("never"))


def test_without_stream_whole_texts_come(hashed: Backend) -> None:
    state = chat.run("Why?", backend=hashed)
    assert "".join(state.text_iter()) == state.text()
    assert list(state.text_iter("first")) == [state["first"]]


def test_stream_is_a_truth_value(hashed: Backend) -> None:
    with pytest.raises(TypeError, match="stream must be True or False, not 'no'"):
        chat.run("Why?", backend=hashed, stream="no")


def test_leaving_early_leaves_nothing_behind(slow: Backend) -> None:
    @sglc.function
    def long(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=2000, ignore_eos=True)
        s += "y" + sglc.gen("b", max_tokens=2000, ignore_eos=True)

    before = threading.active_count()
    state = long.run(backend=slow, stream=True)
    for piece in state.text_iter("a"):
        if piece:
            break
    assert not state.stream_done
    state.cancel()
    assert isinstance(state.error(), sglc.RunFailed)
    while threading.active_count() > before or slow.host.executor._runs:
        pass


def test_values_of_types_lists_and_what_was_set(hashed: Backend) -> None:
    from sglc.constraints.types import Int

    @sglc.function
    def typed(s: Any) -> None:
        s += "n=" + sglc.gen("n", type=Int(1, 99))
        s += sglc.select("word", ["yes", "no"])
        s.set_var("set", 5)
        forks = s.fork(2)
        forks += sglc.gen("many", max_tokens=2)
        forks.join()
        followed.extend(forks)

    followed: list[sglc.ProgramState] = []
    state = typed.run(backend=hashed, stream=True)
    assert int("".join(state.text_iter("n"))) == state["n"]
    assert "".join(state.text_iter("word")) == state["word"]
    assert list(state.text_iter("set")) == ["5"]
    with pytest.raises(sglc.StateError, match="'many' is a list"):
        list(state.text_iter("many"))
    for fork in followed:
        assert "".join(fork.text_iter()) == fork.text()
        assert "".join(fork.text_iter("many")) == fork["many"]


def test_what_the_program_raises_comes_behind_the_text_that_there_was(hashed: Backend) -> None:
    @sglc.function
    def broken(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=3)
        s["a"]
        raise ValueError("no way")

    state = broken.run(backend=hashed, stream=True)
    pieces = []
    with pytest.raises(ValueError, match="no way"):  # noqa: PT012
        for piece in state.text_iter():
            pieces.append(piece)  # noqa: PERF402
    assert "".join(pieces) == "x" + state["a"]
    with pytest.raises(ValueError, match="no way"):
        list(state.text_iter("never"))


def test_a_call_that_fails_is_raised_with_its_line() -> None:
    @sglc.function
    def lost(s: Any) -> None:
        s += "x" + sglc.gen("there") + sglc.gen("lost")

    with sglc.mock(there="1") as backend:
        state = lost.run(backend=backend, stream=True)
        with pytest.raises(sglc.RunFailed, match=r"test_streaming.py:\d+"):
            list(state.text_iter())
        with pytest.raises(sglc.RunFailed, match="`lost` is not there"):
            list(state.text_iter("lost"))


def test_a_program_may_follow_its_own_text(hashed: Backend) -> None:
    @sglc.function
    def own(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=4)
        seen.append("".join(s.text_iter()))
        seen.append("".join(s.text_iter("a")))
        s += "y"

    for is_streamed in (False, True):
        seen: list[str] = []
        state = own.run(backend=hashed, stream=is_streamed)
        assert "".join(state.text_iter()) == state.text()
        assert seen == [state.text()[:-1], state["a"]]


def test_under_asyncio_pieces_come_with_meta_information(hashed: Backend) -> None:
    async def follow() -> None:
        state = chat.run("Why?", backend=hashed, stream=True)
        pieces = [piece async for piece in state.text_async_iter()]
        assert "".join(pieces) == state.text()
        pairs = [pair async for pair in state.text_async_iter("first", return_meta_data=True)]
        assert "".join(piece for piece, _ in pairs) == state["first"]
        assert pairs[-1][1] == state.get_meta_info("first")
        assert not any(meta for _, meta in pairs[:-1])

    asyncio.run(follow())
    state = chat.run("Why?", backend=hashed)
    with pytest.raises(ValueError, match="the name of a variable"):
        state.text_async_iter(return_meta_data=True)


OPS = st.sampled_from(["text", "gen", "named", "select", "role", "scope", "fork", "read", "slow"])


@given(program=st.lists(OPS, max_size=12), seed=st.integers(0, 3))
def test_the_law_holds_for_every_program(program: list[str], seed: int, hashed: Backend) -> None:
    @sglc.function
    def generated(s: Any) -> None:
        s += "begin"
        for number, op in enumerate(program):
            name = f"v{number}"
            if op == "text":
                s += f" {number} "
            elif op == "gen":
                s += sglc.gen(max_tokens=3)
            elif op == "named":
                s += sglc.gen(name, max_tokens=3, stop=["e"])
            elif op == "select":
                s += sglc.select(name, ["a", "bb"])
            elif op == "role":
                s += sglc.user("u" + str(number))
            elif op == "scope":
                with s.var_scope(name):
                    s += "in" + sglc.gen(max_tokens=2)
            elif op == "fork":
                forks = s.fork(2)
                forks += sglc.gen(name, max_tokens=2)
                forks.join("concate_and_append")
            elif op == "read":
                s += "".join(s[v] for v in [*s.variables])
            else:
                s += sglc.gen(name, max_tokens=3, regex="[ab]{2,9}")

    state = generated.run(backend=hashed, stream=True, seed=seed)
    assert "".join(state.text_iter()) == state.text()
    for name in state.variables:
        assert "".join(state.text_iter(name)) == state[name]
