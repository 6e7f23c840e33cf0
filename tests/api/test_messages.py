"""Mistakes that are made when one is in a hurry: what is wrong, where, and the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pydantic
import pytest

import sglc
from sglc import gen, select, user
from sglc.backends.backend import Backend


class Card(pydantic.BaseModel):
    age: int


@sglc.function
def other(s: Any, question: str) -> None:
    s += question


CALLS: list[tuple[Callable[[], object], type[Exception], str]] = [
    (lambda: gen("x", type=Card(age=1)), TypeError, "`Card`: this is an object of it; give the cl"),
    (lambda: gen("x", json_schema=Card), TypeError, "a class goes with type="),  # type: ignore[arg-type]
    (lambda: gen("x", regex=re.compile("a")), TypeError, "give its .pattern"),  # type: ignore[arg-type]
    (lambda: gen("x") + 3, TypeError, "int 3: write str"),
    (lambda: gen("x") + gen, TypeError, r"call it, gen\(…\)"),
    (lambda: gen("x") + other, TypeError, r"call it, other\(s, …\)"),
    (lambda: "x" + gen("x", max_tokens=2) + ["a"], TypeError, "one after another, or join them"),
    (lambda: sglc.mock("an answer"), TypeError, "by the names of calls"),  # type: ignore[arg-type]
    (lambda: sglc.function(Card), TypeError, r"is a function, `def name\(s, …\)`, not <class"),
    (lambda: sglc.OpenAI("m", api_key="k", max_retrys=3), TypeError, "OpenAI .*mean `max_retries`"),
    (lambda: sglc.function(partial(print)), TypeError, r"is a function, `def name\(s, …\)`"),
    (lambda: sglc.Engine(context_length="9"), ValueError, "context_length must be a whole number"),
    (lambda: sglc.Engine(max_total_tokens=-5), ValueError, "max_total_tokens must be a whole num"),
    (lambda: sglc.function(lambda self, s: None), TypeError, "put @staticmethod above"),
    (lambda: other.run(question="x", backend=sglc.Engine), TypeError, r"make one with Engine\(…\)"),
    (lambda: sglc.Engine(mem_fraction_static=7), ValueError, "mem_fraction_static must be above 0"),
    (lambda: sglc.RuntimeEndpoint(30000), TypeError, "such as http://host:30000, not 30000"),  # type: ignore[arg-type]
    (lambda: other.run_batch({"question": "x"}), TypeError, "takes a list of rows"),
    (lambda: other.run_batch(None), TypeError, "takes a list of rows"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "kind", "message"), CALLS)
def test_a_mistake_says_the_way_out(
    call: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_an_option_of_a_batch_that_is_none_blames_no_row(hashed: Backend) -> None:
    with pytest.raises(TypeError, match=r"^other has no parameter `temprature`, nor has a run"):
        other.run_batch([("x",)], backend=hashed, temprature=0)


def test_a_value_of_a_fork_is_not_looked_for_in_vain(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        s += "x"
        first, second = s.fork(2)
        first += gen("a", max_tokens=1)
        for state in (s, second):
            with pytest.raises(KeyError, match=r"no variable 'a' here; there are: none; a fork"):
                state["a"]
        with pytest.raises(KeyError, match='there are: none"'):
            s["b"]

    program.run(backend=hashed)


def test_a_state_is_no_text(hashed: Backend) -> None:
    @sglc.function
    def program(s: Any) -> None:
        with s.copy() as trial:
            trial += "x"
        s += trial

    with pytest.raises(TypeError, match=r"append its text\(\), or one of its values"):
        program.run(backend=hashed)


def compared(s: Any) -> None:
    s += "x"
    s += "yes" if gen("a") == "b" else "no"


def written(s: Any) -> None:
    s += "x" + str(gen("a"))


def entered(s: Any) -> None:
    with user():
        s += "x"


def nothing(s: Any) -> None:
    s += user(None) + "x"


def nothing_of(s: Any) -> None:
    s.user(None)
    s += "x"


@pytest.mark.parametrize("level", ["staged", "auto"])
@pytest.mark.parametrize(
    ("func", "message"),
    [
        (compared, r"what a gen stands for is not there yet: append it .* then ask for s\[name\]"),
        (written, r"what a gen stands for is no text yet"),
        (nothing, "a prompt cannot be appended with None"),
        (nothing_of, "a prompt cannot be appended with None"),
        (entered, r"a message as a block is one of a state: with s.user\(\):"),
    ],
)
def test_what_is_not_written_yet_is_nothing_in_silence(
    func: Callable[..., None], message: str, level: str, hashed: Backend
) -> None:
    with pytest.raises(TypeError, match=message):
        sglc.function(func).run(backend=hashed, level=level)


def test_expressions_look_as_they_are_written() -> None:
    said = "Q: " + gen("a", max_tokens=2, regex=None) + select("b", ["x", "y"]) + user("z")
    assert repr(said) == (
        "'Q: ' + gen('a', max_tokens=2) + select('b', choices=['x', 'y']) + "
        "user_begin() + 'z' + user_end()"
    )
    assert repr(gen("n", type=int)) == "gen('n', type=<class 'int'>)"


def test_what_leaves_a_block_is_why_there_is_no_graph() -> None:
    @sglc.function
    def program(s: Any) -> Any:
        with s.assistant():
            s += gen("a")
            return s["a"]

    with pytest.raises(sglc.NotLowered, match="`return`, `break` or `continue` out of a `with`"):
        program.graph()
