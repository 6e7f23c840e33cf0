"""Paths of ops that were taken out of turns, branches and calls."""

from __future__ import annotations

import pytest

from sglc.compiler.plan.sites import is_path, joined, leaves_prompt, path_numbers, path_step


@pytest.mark.parametrize("text", ["t0", "b12", "c3", "t0/b2/c3"])
def test_these_are_paths(text: str) -> None:
    assert is_path(text)


@pytest.mark.parametrize("text", ["", "0", "t", "x1", "t0/", "/t0", "t0//b1", "t-1", "t0\n"])
def test_these_are_none(text: str) -> None:
    assert not is_path(text)


def test_a_path_is_the_numbers_of_its_steps() -> None:
    path = joined(path_step("turn", 4), joined(path_step("branch", 0), path_step("call", 17)))
    assert path == "t4/b0/c17"
    assert path_numbers(path) == (4, 0, 17)
    assert joined(path, None) == path


def test_only_branches_and_calls_have_captures_of_their_own() -> None:
    assert not leaves_prompt("t0/t1")
    assert leaves_prompt("t0/b1")
    assert leaves_prompt("c1/t0")
