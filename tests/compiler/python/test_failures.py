"""What goes wrong in a run goes wrong in the same way at every level."""

from __future__ import annotations

from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend
from sglc.program.functions import Function


@sglc.function
def read_late(s: Any) -> None:
    s += "a" + sglc.gen("there")
    s += "b" + sglc.gen("lost")
    s += "c" + sglc.gen("after")


@sglc.function
def decided(s: Any) -> str:
    s += "a" + sglc.gen("there") + sglc.gen("lost")
    if s["lost"] == "x":
        s += "b"
    return "end"


@sglc.function
def decided_before(s: Any) -> str:
    s += "a" + sglc.gen("there")
    if s["there"] == "1":
        s += "b"
    s += sglc.gen("lost") + "c"
    return s["there"]


@sglc.function
def used(s: Any) -> int:
    s += "a" + sglc.gen("lost")
    return len(s["lost"])


@sglc.function
def returned(s: Any) -> Any:
    s += "a" + sglc.gen("there") + sglc.gen("lost") + sglc.gen("after")
    return s["after"]


@sglc.function
def early(s: Any) -> Any:
    s += "a" + sglc.gen("lost")
    if s["lost"]:
        return 1
    s += "b"
    return 2


@sglc.function
def raised(s: Any) -> None:
    s += "a" + sglc.gen("there")
    raise KeyError(s["there"])


def seen(function: Function, backend: Backend, level: str) -> Any:
    try:
        state = function.run(backend=backend, level=level)
    except Exception as error:
        return type(error), str(error).partition(": ")[0]
    found: list[Any] = [state.ret_value, type(state.error()), state.text(partial=True)]
    for name in ("there", "lost", "after"):
        try:
            found.append(state[name])
        except (sglc.RunFailed, KeyError) as error:
            found.append(str(error).partition(": ")[0])
    return found


@pytest.mark.parametrize(
    "function",
    [read_late, decided, decided_before, used, returned, early, raised],
    ids=lambda f: f.func.__name__,
)
def test_a_call_that_fails_is_told_where_it_is_read(function: Function) -> None:
    with sglc.mock(there="1", after="2") as backend:
        wanted = seen(function, backend, "staged")
        assert seen(function, backend, "lowered") == wanted


def test_a_level_that_cannot_be_had_is_refused() -> None:
    with sglc.mock(there="1") as backend:
        with pytest.raises(ValueError, match="level must be one of auto, staged, lowered"):
            raised.run(backend=backend, level="fast")
        with pytest.raises(ValueError, match="stream=True runs step by step"):
            raised.run(backend=backend, level="lowered", stream=True)
        (state,) = decided_before.run_batch([{}], backend=backend, level="lowered")
        assert state.ret_value == "1"


def test_host_statements_of_a_failed_run_are_not_done() -> None:
    done: list[str] = []

    @sglc.function
    def noted(s: Any) -> None:
        s += "a" + sglc.gen("lost")
        done.append("before")
        done.append(s["lost"])
        done.append("after")

    with sglc.mock(there="1") as backend:
        for level in ("staged", "lowered"):
            done.clear()
            with pytest.raises(sglc.RunFailed, match="`lost` is not there"):
                noted.run(backend=backend, level=level)
            assert done in (["before"], [])


def test_rows_of_a_batch_have_host_statements_of_their_own() -> None:
    @sglc.function
    def rowed(s: Any, number: int) -> str:
        s += f"{number}" + sglc.gen("there")
        seen_numbers.append(number)
        return s["there"] + str(number)

    seen_numbers: list[int] = []
    with sglc.mock(there="1") as backend:
        rows = [{"number": number} for number in range(40)]
        states = rowed.run_batch(rows, backend=backend, level="lowered")
        assert [state.ret_value for state in states] == [f"1{n}" for n in range(40)]
        assert sorted(seen_numbers) == list(range(40))


def shout(text: str) -> Any:
    return text.upper()


@sglc.function
def shouted(s: Any, text: str) -> None:
    s += shout(text)


def test_code_that_gives_something_else_now_makes_another_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with sglc.mock(there="1") as backend:
        assert shouted.run("a", backend=backend, level="lowered").text() == "A"
        monkeypatch.setitem(globals(), "shout", lambda text: text + sglc.gen("there"))
        assert shouted.run("a", backend=backend, level="auto").text() == "a1"


def test_a_scope_with_messages_is_the_same_text_at_every_level() -> None:
    @sglc.function
    def scoped(s: Any) -> str:
        with s.var_scope("both"):
            s += sglc.system("be kind")
            s += "x" + sglc.gen("there")
        return str(s["both"])

    with sglc.mock(there="1") as backend:
        wanted = scoped.run(backend=backend, level="staged").ret_value
        assert scoped.run(backend=backend, level="auto").ret_value == wanted
        backend.seam = "canonical"
        wanted = scoped.run(backend=backend, level="staged").ret_value
        assert scoped.run(backend=backend, level="auto").ret_value == wanted
