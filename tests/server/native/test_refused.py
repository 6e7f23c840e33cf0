"""What is not done is refused by name; nothing is ignored."""

from __future__ import annotations

from typing import Any

import pytest
from generators.native_client import FRANCE, NativeClient

REFUSED: list[tuple[str, Any]] = [
    ("image_data", "https://example.org/cat.png"),
    ("image_data", ["a", None]),
    ("video_data", "x"),
    ("audio_data", "x"),
    ("modalities", ["image"]),
    ("input_embeds", [[0.1]]),
    ("lora_path", "adapter"),
    ("custom_logit_processor", "code"),
    ("return_hidden_states", True),
    ("token_ids_logprob", [1]),
]


@pytest.mark.parametrize(("field", "value"), REFUSED)
def test_a_field_that_is_not_served_is_named(native: NativeClient, field: str, value: Any) -> None:
    error = native.error(**{"text": FRANCE, field: value})
    assert error["param"] == field
    assert len(error["message"]) > len(field) + 10


@pytest.mark.parametrize(
    ("field", "value"), [(field, nothing) for field, _ in REFUSED for nothing in (None, [], [None])]
)
def test_it_may_ask_for_nothing(native: NativeClient, field: str, value: Any) -> None:
    native(**{"text": FRANCE, "sampling_params": {"max_new_tokens": 0}, field: value})


@pytest.mark.parametrize("field", ["stop_regex", "structural_tag", "custom_params"])
def test_a_parameter_that_is_not_served_is_named(native: NativeClient, field: str) -> None:
    error = native.error(text=FRANCE, sampling_params={field: "x"})
    assert error["param"] == f"sampling_params.{field}"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "text"),
        ({"text": "a", "input_ids": [1]}, "text"),
        ({"text": 5}, "text"),
        ({"text": "a", "nonsense": 1}, "nonsense"),
        ({"text": "a", "sampling_params": {"nonsense": 1}}, "sampling_params.nonsense"),
        (
            {"text": "a", "sampling_params": {"max_new_tokens": -1}},
            "sampling_params.max_new_tokens",
        ),
        ({"text": "a", "sampling_params": {"temperature": -1}}, "sampling_params.temperature"),
        ({"text": "a", "sampling_params": {"top_k": 1.5}}, "sampling_params.top_k"),
        ({"text": "a", "sampling_params": {"n": 0}}, "sampling_params.n"),
        ({"text": "a", "sampling_params": {"stop": ""}}, "sampling_params.stop"),
        (
            {"text": "a", "sampling_params": {"stop_token_ids": [99999]}},
            "sampling_params.stop_token_ids",
        ),
        (
            {"text": "a", "sampling_params": {"max_new_tokens": 2, "min_new_tokens": 3}},
            "sampling_params.min_new_tokens",
        ),
        (
            {"text": ["a", "b"], "sampling_params": [{}, {"top_p": 2}]},
            "sampling_params[1].top_p",
        ),
        ({"text": ["a", "b"], "sampling_params": [{}]}, "sampling_params"),
        ({"text": ["a", "b"], "return_logprob": [True]}, "return_logprob"),
        ({"text": ["a", "b"], "rid": ["x"]}, "rid"),
        ({"text": ["a", "b"], "rid": ["x", "x"]}, "rid"),
        ({"input_ids": [1, 99999]}, "input_ids"),
        ({"input_ids": [[1], [-1]]}, "input_ids[1]"),
    ],
)
def test_a_mistake_is_named(native: NativeClient, fields: dict[str, Any], param: str) -> None:
    assert native.error(**fields)["param"] == param
    assert native.error(**fields, stream=True)["param"] == param


def test_a_prompt_over_the_context_names_both_lengths(native: NativeClient) -> None:
    # of too many ids none is looked at
    for prompt in (
        {"text": " word" * 6000},
        {"input_ids": [300] * 6000},
        {"input_ids": [-1] * 6000},
    ):
        error = native.error(**prompt)
        assert "6000 tokens" in error["message"]
        assert "2048" in error["message"]
        assert error["code"] == "context_length_exceeded"
        assert error["param"] == next(iter(prompt))
