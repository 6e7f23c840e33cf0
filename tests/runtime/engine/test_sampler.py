"""The vectorised sampler against the plain Python one, and both against what they promise."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.compiler.plan.seeds import uniform
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.logprobs import token_logprobs, top_logprobs
from sglc.runtime.engine.sample_reference import (
    log_softmax_reference,
    sample_reference,
    top_reference,
)
from sglc.runtime.engine.sampler import Draw, argmax_rows, sample
from sglc.runtime.masks.mask import Mask

V = 23
PARAMS = st.builds(
    SamplingParams,
    temperature=st.sampled_from([0.0, 1e-7, 0.3, 1.0, 5.0]),
    top_p=st.sampled_from([1.0, 0.95, 0.5, 0.01]),
    top_k=st.sampled_from([-1, 1, 2, 5, 1000]),
    min_p=st.sampled_from([0.0, 0.01, 0.5, 1.0]),
    frequency_penalty=st.sampled_from([0.0, 0.0, -1.0, 1.5]),
    presence_penalty=st.sampled_from([0.0, 0.0, 2.0]),
    repetition_penalty=st.sampled_from([1.0, 1.0, 0.5, 1.7]),
    min_new_tokens=st.sampled_from([0, 2]),
    logit_bias=st.sampled_from([(), ((0, 4.0), (22, -4.0))]),
)
ROW = st.lists(st.integers(-40, 40).map(lambda n: n / 8), min_size=V, max_size=V)
CASE = st.tuples(
    ROW,
    PARAMS,
    st.lists(st.integers(0, V - 1), max_size=4),
    st.lists(st.integers(0, V - 1), max_size=4),
    st.none() | st.lists(st.booleans(), min_size=V, max_size=V),
    st.integers(0, 99),
)


def draw_of(row: int, case: Any) -> Draw:
    _, params, prompt, produced, allowed, key = case
    draw = Draw(row, params, uniform(key, len(produced)))
    if params.has_penalties:
        draw.seen = np.zeros(V, dtype=bool)
        draw.seen[prompt + produced] = True
        draw.counts = np.bincount(np.array(produced, dtype=np.int64), minlength=V)
    if allowed is not None:
        draw.mask = Mask.of(np.flatnonzero(allowed), V)
    if len(produced) < params.min_new_tokens:
        draw.banned = [3, 4]
    return draw


def expected_of(case: Any) -> int:
    logits, params, prompt, produced, allowed, key = case
    try:
        return sample_reference(
            logits, params, uniform(key, len(produced)), allowed=allowed,
            seen=prompt + produced, produced=produced, end_ids=[3, 4],
        )  # fmt: skip
    except ValueError:
        return -1


@settings(max_examples=120, deadline=None, derandomize=True)
@given(cases=st.lists(CASE, min_size=1, max_size=6))
def test_sampler_agrees_with_the_reference(cases: list[Any]) -> None:
    logits = torch.tensor([case[0] for case in cases], dtype=torch.float32)
    before = logits.clone()
    draws = [draw_of(i, case) for i, case in enumerate(cases)]
    assert sample(logits, draws) == [expected_of(case) for case in cases]
    assert torch.equal(logits, before)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(cases=st.lists(CASE, min_size=2, max_size=5))
def test_a_draw_does_not_depend_on_its_neighbours(cases: list[Any]) -> None:
    logits = torch.tensor([case[0] for case in cases], dtype=torch.float32)
    draws = [draw_of(i, case) for i, case in enumerate(cases)]
    assert sample(logits, draws) == [sample(logits, [draw])[0] for draw in draws]


def test_plain_draws_are_the_argmax_with_the_lowest_id() -> None:
    logits = torch.tensor([[0.0, 2.0, 2.0], [1.0, 1.0, 1.0]])
    draws = [Draw(0, SamplingParams()), Draw(1, SamplingParams())]
    assert all(draw.is_argmax for draw in draws)
    assert argmax_rows(logits) == sample(logits, draws) == [1, 0]


def test_frequencies_are_the_probabilities() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2]]))
    params = SamplingParams(temperature=1.0)
    draws = [Draw(0, params, uniform(7, n)) for n in range(4000)]
    counts = np.bincount(sample(logits, draws), minlength=3) / 4000
    assert counts == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_top_k_takes_the_lower_of_equal_ids() -> None:
    params = SamplingParams(temperature=1.0, top_k=2)
    draws = [Draw(0, params, u / 50) for u in range(50)]
    assert set(sample(torch.ones(1, 5), draws)) == {0, 1}


def test_the_last_possible_token_when_rounding_falls_short() -> None:
    logits = [0.1 * i for i in range(10)]
    params = SamplingParams(temperature=1.0)
    almost_one = 1.0 - 2.0**-53
    found = sample(torch.tensor([logits]), [Draw(0, params, almost_one)])
    assert found == [9] == [sample_reference(logits, params, almost_one)]


def test_logprobs_are_those_of_the_raw_row() -> None:
    rows = [hash_logits([i], V) for i in range(4)]
    logits = torch.tensor(rows)
    pairs = list(itertools.product(range(4), range(0, V, 5)))
    found = token_logprobs(logits, [r for r, _ in pairs], [t for _, t in pairs])
    assert found == pytest.approx([log_softmax_reference(rows[r])[t] for r, t in pairs])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    rows=st.lists(st.lists(st.integers(0, 3), min_size=6, max_size=6), min_size=1, max_size=5),
    counts=st.lists(st.integers(0, 8), min_size=5, max_size=5),
    order=st.permutations(range(5)),
)
def test_top_logprobs_are_those_of_the_definition(
    rows: list[list[int]], counts: list[int], order: list[int]
) -> None:
    """Few distinct logits: most borders lie among equals."""
    asked = [row for row in order if row < len(rows)]
    found = top_logprobs(torch.tensor(rows, dtype=torch.float32), asked, counts[: len(asked)])
    for row, count, top in zip(asked, counts, found, strict=False):
        wanted = top_reference(log_softmax_reference(rows[row]), count)
        assert [token for token, _ in top] == [token for token, _ in wanted]
        assert [value for _, value in top] == pytest.approx([value for _, value in wanted])


def test_top_logprobs_break_ties_by_id() -> None:
    logits = torch.tensor([[1.0, 3.0, 3.0, 0.0, 3.0]])
    (none,) = top_logprobs(logits, [0], [0])
    (two,) = top_logprobs(logits, [0], [2])
    (all_five,) = top_logprobs(logits, [0], [9])
    assert none == ()
    assert [i for i, _ in two] == [1, 2]
    assert [i for i, _ in all_five] == [1, 2, 4, 0, 3]
    assert all_five[0][1] == pytest.approx(log_softmax_reference(logits[0].tolist())[1])
