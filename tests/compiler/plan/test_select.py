"""The arithmetic of select."""

from __future__ import annotations

import pytest

from sglc.compiler.plan.select import (
    SelectError,
    choose,
    context_len,
    distinct_choices,
    first_counted,
    shares,
)


def test_token_avg_takes_the_largest_mean_and_the_earlier_of_equals() -> None:
    assert choose("token_avg", [[-2.0], [-1.0, -1.5], [-1.0]]) == 2
    assert choose("token_avg", [[-1.0, -3.0], [-2.0], [-2.0]]) == 0


def test_greedy_decides_at_the_first_difference() -> None:
    assert choose("greedy", [[-1.0, -9.0], [-1.5, 0.0]]) == 0
    assert choose("greedy", [[-1.0, -9.0], [-1.0, -2.0]]) == 1


def test_greedy_goes_on_with_the_mean_of_a_choice_that_is_over() -> None:
    assert choose("greedy", [[-1.0], [-1.0, -0.5]]) == 1
    assert choose("greedy", [[-1.0], [-1.0, -1.5]]) == 0


def test_unconditional_takes_the_largest_gain() -> None:
    assert choose("unconditional", [[-1.0], [-2.0]], [[-1.0], [-5.0, -5.0]]) == 1
    assert choose("unconditional", [[-1.0], [-2.0]], [[], []]) == 0


def test_shares_are_the_softmax_of_the_sums() -> None:
    assert shares([[-1.0, -1.0], [-2.0]]) == [0.5, 0.5]
    assert shares([[-1000.0], [-2000.0]]) == [1.0, 0.0]


def test_context_is_what_all_share_and_one_token_at_least() -> None:
    assert context_len([[1, 2, 3], [1, 2, 4, 5], [1, 2, 3, 9]]) == 2
    assert context_len([[1, 2], [1, 2, 3]]) == 2
    assert context_len([[], [7, 8]]) == 1
    assert context_len([[4], [7, 8]]) == 1


def test_counted_tokens_hold_bytes_of_the_choice() -> None:
    assert first_counted([3, 2, 2], 4) == 1
    assert first_counted([3, 2, 2], 3) == 1
    assert first_counted([3, 2, 2], 2) == 2
    assert first_counted([1], 5) == 0


def test_choices_are_distinct_texts() -> None:
    assert distinct_choices(["b", "a", "b"]) == ["b", "a"]
    for bad in ([], ["a", ""], [1]):
        with pytest.raises(SelectError):
            distinct_choices(bad)


def test_unknown_methods_are_refused() -> None:
    with pytest.raises(SelectError, match="token_avg"):
        choose("best", [[-1.0]])
