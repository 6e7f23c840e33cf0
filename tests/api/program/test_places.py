"""Errors name the line and the column of the call, at every level the same ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend


def made() -> Any:
    return "?" + sglc.gen("x", max_tokens=4000)


def sum_of_lines(s: Any, text: str) -> None:
    s += (
        "é" + sglc.gen("first", max_tokens=2)
        + text + "é" + sglc.gen("x", max_tokens=2)
    )  # fmt: skip


def message(s: Any, text: str) -> None:
    s += text
    s += sglc.user("Who?") + sglc.assistant(sglc.gen("x", max_tokens=2))


def named_before(s: Any, text: str) -> None:
    call = sglc.select("x", ["a", "b"])
    s += text
    s += call


@pytest.mark.parametrize(
    ("function", "words"),
    [(sum_of_lines, 'sglc.gen("x"'), (message, "sglc.gen("), (named_before, "sglc.select(")],
)
def test_a_call_of_the_model_is_found_by_line_and_column(
    function: Callable[..., None], words: str, hashed: Backend
) -> None:
    messages = []
    for level in ("staged", "lowered"):
        state = sglc.function(function).run("t" * 9000, backend=hashed, level=level)
        with pytest.raises(sglc.RunFailed) as caught:
            state["x"]
        messages.append(str(caught.value))
    assert f"test_places.py:{place_of(function, words)}: the stream is" in messages[0]
    assert messages[0] == messages[1]


def test_a_call_that_another_function_makes_is_where_it_is_appended(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "t" * 9000
        s += made()

    with pytest.raises(sglc.RunFailed, match=f":{place_of(program.func, 's += made')}: the stream"):
        program.run(backend=hashed)["x"]


def test_a_program_without_a_file_has_columns_too(hashed: Backend) -> None:
    names: dict[str, Any] = {"sglc": sglc, "__name__": "typed_in"}
    exec('def typed(s):\n    s += "t" * 9000 + sglc.gen("x")\n', names)
    with pytest.raises(sglc.RunFailed, match="<string>:2:23: the stream is"):
        sglc.function(names["typed"]).run(backend=hashed)["x"]


def place_of(function: Callable[..., None], words: str) -> str:
    """The line and the column of words in a function."""
    lines, first = inspect.getsourcelines(function)
    number = next(i for i, line in enumerate(lines) if words in line)
    return f"{first + number}:{lines[number].index(words) + 1}"
