"""Did you mean …?"""

from __future__ import annotations

import pytest

from sglc.compiler.diagnostics.suggest import closest, did_you_mean, distance


@pytest.mark.parametrize(
    ("left", "right", "steps"),
    [("sumary", "summary", 1), ("anwser", "answer", 1), ("", "abc", 3), ("abc", "abc", 0)],
)
def test_distance(left: str, right: str, steps: int) -> None:
    assert distance(left, right) == distance(right, left) == steps


def test_only_within_a_third_of_the_length() -> None:
    assert closest("sumary", ["summary", "sugar"]) == "summary"
    assert closest("ab", ["ac"]) is None
    assert closest("abc", ["abd"]) == "abd"
    assert closest("question", ["answer"]) is None


def test_case_and_ties() -> None:
    assert closest("QUESTION", ["question"]) == "question"
    assert closest("cat", ["car", "bat"]) == "bat"
    assert closest("cat", ["cat"]) is None
    assert did_you_mean("x", []) == ()
