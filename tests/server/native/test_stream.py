"""A stream says the same as the reply without one, in pieces."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from generators.native_client import FRANCE, NativeClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JAPAN = "日本の首都は東京です。"

REQUESTS: list[dict[str, Any]] = [
    {"text": FRANCE},
    {"text": [FRANCE, "Once upon a time"]},
    {"text": FRANCE, "sampling_params": {"n": 3}},
    {"text": [FRANCE, "Two"], "sampling_params": {"n": 2}, "return_logprob": True},
    {"text": JAPAN, "sampling_params": {"regex": "[ぁ-ん]{4}"}, "return_text_in_logprobs": True},
    {
        "text": FRANCE,
        "return_logprob": True,
        "logprob_start_len": 0,
        "top_logprobs_num": 2,
        "return_text_in_logprobs": True,
    },
    {"text": FRANCE, "sampling_params": {"max_new_tokens": 0}},
    {"text": "", "sampling_params": {"max_new_tokens": 0}},
]


def rounded(value: Any) -> Any:
    """Round numbers: what is in a batch with others may differ in the last digits."""
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, 3) + 0.0 if isinstance(value, float) else value


def same(reply: Any) -> Any:
    """Leave out what differs between two equal requests."""
    meta = {k: v for k, v in reply["meta_info"].items() if k not in ("id", "cached_tokens")}
    return {**reply, "meta_info": {key: rounded(value) for key, value in meta.items()}}


@pytest.mark.parametrize("request_", REQUESTS, ids=range(len(REQUESTS)))
def test_the_last_event_is_the_reply_without_a_stream(
    native: NativeClient, request_: dict[str, Any]
) -> None:
    params = {"temperature": 0, "max_new_tokens": 12, **request_.get("sampling_params", {})}
    params["sampling_seed"] = 3
    body = {**request_, "sampling_params": params}
    whole = native(**body)
    events = native.stream(**body)
    replies = whole if isinstance(whole, list) else [whole]
    last: dict[int, Any] = {}
    for event in events:
        at = event.pop("index") if isinstance(whole, list) else 0
        before = last.get(at)
        if before is not None:
            assert before["meta_info"]["finish_reason"] is None
            assert event["text"].startswith(before["text"])
            assert event["output_ids"][: len(before["output_ids"])] == before["output_ids"]
            if "output_token_logprobs" in event["meta_info"]:
                have = before["meta_info"]["output_token_logprobs"]
                assert event["meta_info"]["output_token_logprobs"][: len(have)] == have
        last[at] = event
    assert [same(last[at]) for at in range(len(replies))] == [same(each) for each in replies]


@given(
    text=st.sampled_from([FRANCE, JAPAN, "def f(x):", "Once upon a time"]),
    tokens=st.integers(0, 24),
    temperature=st.sampled_from([0.0, 1.0, 2.0]),
    seed=st.integers(0, 2**64 - 1),
    stop=st.lists(st.sampled_from([" ", ",", "e ", "\n", "the"]), max_size=2),
    trim=st.booleans(),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_stream_ends_as_the_reply_does(
    native: NativeClient,
    text: str,
    tokens: int,
    temperature: float,
    seed: int,
    stop: list[str],
    trim: bool,
) -> None:
    params = {
        "max_new_tokens": tokens,
        "temperature": temperature,
        "sampling_seed": seed,
        "stop": stop,
        "no_stop_trim": not trim,
    }
    whole = native(text=text, sampling_params=params)
    events = native.stream(text=text, sampling_params=params)
    assert same(events[-1]) == same(whole)
    assert all(b["text"].startswith(a["text"]) for a, b in itertools.pairwise(events))
    assert not any(event["text"].endswith("\ufffd") for event in events[:-1])
