"""What is told of choices are the numbers that decided."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.plan.select import choose
from sglc.runtime.executor.choice_rows import choice_meta

LOGPROBS = st.lists(st.floats(-9.0, 0.0), min_size=1, max_size=12)


@given(st.lists(LOGPROBS, min_size=1, max_size=4))
def test_the_choice_is_that_of_the_largest_mean_told(
    rows: list[list[float]],
) -> None:
    rows.append(rows[0] * 7)  # the same mean of more tokens
    told = choice_meta("token_avg", [[(value, 1, None) for value in row] for row in rows])
    means = told["normalized_prompt_logprobs"]
    assert choose("token_avg", rows) == means.index(max(means))


def test_means_are_exact() -> None:
    told = choice_meta("token_avg", [[(-0.1, 1, None)] * 10])
    assert told["normalized_prompt_logprobs"] == [-0.1]
