"""A graph that ends in several places keeps what there was when it fails, as step by step."""

from __future__ import annotations

from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend
from sglc.runs.staging import Level


@sglc.function
def program(s: Any, fails: bool) -> int:
    s += "x" + sglc.gen("a", max_tokens=3)
    forks = s.fork(1)
    forks += "of a fork" + sglc.gen("a", max_tokens=2)
    if s["a"] == "never":
        return 1
    s += "|" + "t" * 4200
    again = s.fork(1)
    again += "of a fork"
    if fails:
        raise LookupError("of the program")
    s += sglc.gen("b", max_tokens=3)
    if s["b"] == "never":
        return 2
    return 3


@pytest.mark.parametrize("level", ["staged", "lowered"])
def test_text_and_values_before_a_failure_are_there(level: Level, hashed: Backend) -> None:
    (state,) = program.run_batch([{"fails": False}], backend=hashed, level=level)
    assert state.text(partial=True) == "x" + state["a"] + "|" + "t" * 4200
    assert state.get_meta_info("a")["completion_tokens"] >= 1
    with pytest.raises(sglc.RunFailed, match=r"test_failures\.py:26:10: the stream is"):
        state["b"]


def test_text_that_stands_behind_an_exception_is_not_there(hashed: Backend) -> None:
    (state,) = program.run_batch([{"fails": True}], backend=hashed, level="lowered")
    assert state.text(partial=True) == "x" + state["a"] + "|" + "t" * 4200
    assert isinstance(state.error(), LookupError)
