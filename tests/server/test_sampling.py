"""Sampling fields: what is in range is taken as it is, what is not is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.server.errors import ApiError
from sglc.server.sampling import check_room, fitting, sampling_of, stops_of, token_ids_of

BAD: list[dict[str, Any]] = [
    {"temperature": -0.1},
    {"temperature": float("inf")},
    {"top_p": 0.0},
    {"top_p": 1.1},
    {"top_k": 0},
    {"top_k": -2},
    {"min_p": -0.1},
    {"min_p": 1.1},
    {"frequency_penalty": 2.1},
    {"presence_penalty": -2.1},
    {"repetition_penalty": 0.0},
    {"repetition_penalty": 2.1},
    {"min_new_tokens": -1},
    {"logit_bias": {"x": 1.0}},
    {"logit_bias": {"100": 1.0}},
    {"logit_bias": {"5": 101.0}},
    {"logit_bias": {"9" * 5000: 1.0}},
]


@pytest.mark.parametrize("fields", BAD, ids=lambda fields: next(iter(fields)))
def test_refuses_what_is_out_of_range(fields: dict[str, Any]) -> None:
    (name,) = fields
    with pytest.raises(ApiError) as caught:
        sampling_of(vocab_size=100, place="sampling_params.", **fields)
    assert caught.value.status == 400
    assert str(caught.value.param).startswith(f"sampling_params.{name}")
    assert name in caught.value.message


def test_names_a_field_as_its_dialect_does() -> None:
    with pytest.raises(ApiError) as caught:
        sampling_of(vocab_size=100, min_new_tokens=-1, names={"min_new_tokens": "min_tokens"})
    assert caught.value.param == "min_tokens"
    assert caught.value.message.startswith("min_tokens must be")


@given(
    temperature=st.floats(0, 100),
    top_p=st.floats(0, 1, exclude_min=True),
    top_k=st.integers(1, 2**80) | st.just(-1),
    penalty=st.floats(-2, 2),
    bias=st.dictionaries(st.integers(0, 99).map(str), st.floats(-100, 100)),
)
def test_takes_what_is_in_range(
    temperature: float, top_p: float, top_k: int, penalty: float, bias: dict[str, float]
) -> None:
    params = sampling_of(
        vocab_size=100,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        frequency_penalty=penalty,
        logit_bias=bias,
    )
    assert (params.temperature, params.top_p) == (temperature, top_p)
    assert params.top_k == min(top_k, 100)
    assert params.frequency_penalty == penalty
    assert dict(params.logit_bias) == {int(key): value for key, value in bias.items()}


def test_stops_are_one_or_many() -> None:
    assert stops_of(None) == ()
    assert stops_of("a") == ("a",)
    assert stops_of(["a", "b", "a"]) == ("a", "b")
    for wrong in ("", ["a", ""], ["x" * 5000], [str(n) for n in range(129)]):
        with pytest.raises(ApiError, match="stop"):
            stops_of(wrong)


def test_token_ids_are_of_the_model() -> None:
    assert token_ids_of([0, 99], 100, "input_ids") == (0, 99)
    for wrong in (-1, 100, 2**70):
        with pytest.raises(ApiError, match=r"input_ids\[1\]"):
            token_ids_of([0, wrong], 100, "input_ids")


def test_a_prompt_leaves_room_for_a_token() -> None:
    check_room(9, 10, "text")
    with pytest.raises(ApiError, match="at most 9"):
        check_room(10, 10, "text")
    assert fitting(None, 3, 10) == 7
    assert fitting(5, 3, 10) == 5
    assert fitting(2**70, 3, 10) == 7
