"""Log probabilities in every form: of the prompt, of the output, alternatives, texts."""

from __future__ import annotations

import json
import math
from typing import Any

import httpx2
import pytest
from generators.native_client import FRANCE, NativeClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEYS = {
    "input_token_logprobs",
    "output_token_logprobs",
    "input_top_logprobs",
    "output_top_logprobs",
    "normalized_prompt_logprob",
}


def test_none_are_given_unless_asked_for(native: NativeClient) -> None:
    assert not KEYS & set(native.greedy()["meta_info"])


def test_of_the_output_alone_by_default(native: NativeClient) -> None:
    for start in ({}, {"logprob_start_len": -1}):
        reply = native.greedy(return_logprob=True, **start)
        meta = reply["meta_info"]
        assert meta["input_token_logprobs"] == []
        assert [entry[1] for entry in meta["output_token_logprobs"]] == reply["output_ids"]
        assert all(entry[0] <= 0 and entry[2] is None for entry in meta["output_token_logprobs"])
        assert "output_top_logprobs" not in meta


def test_from_the_first_token_on(native: NativeClient, http: httpx2.Client) -> None:
    meta = native.greedy(return_logprob=True, logprob_start_len=0)["meta_info"]
    entries = meta["input_token_logprobs"]
    ids = http.post("/tokenize", json={"prompt": FRANCE}).json()["tokens"]
    assert [entry[1] for entry in entries] == ids
    assert entries[0][0] is None
    assert all(entry[0] < 0 for entry in entries[1:])
    mean = sum(entry[0] for entry in entries[1:]) / 4
    assert meta["normalized_prompt_logprob"] == pytest.approx(mean)


@pytest.mark.parametrize("start", [1, 2, 3, 4])
def test_from_behind_a_position(native: NativeClient, start: int) -> None:
    whole = native.greedy(return_logprob=True, logprob_start_len=0)["meta_info"]
    meta = native.greedy(return_logprob=True, logprob_start_len=start)["meta_info"]
    entries = meta["input_token_logprobs"]
    assert meta["prompt_tokens"] == start + 1 + len(entries)
    for entry, other in zip(entries, whole["input_token_logprobs"][start + 1 :], strict=True):
        assert entry[0] == pytest.approx(other[0], abs=1e-3)
        assert entry[1:] == other[1:]


def test_what_is_scored_is_not_taken_from_the_cache(native: NativeClient) -> None:
    native.greedy()
    meta = native.greedy(return_logprob=True, logprob_start_len=2)["meta_info"]
    assert meta["cached_tokens"] <= 3


def test_alternatives_come_in_order(native: NativeClient) -> None:
    meta = native.greedy(return_logprob=True, logprob_start_len=0, top_logprobs_num=3)["meta_info"]
    assert meta["input_top_logprobs"][0] is None
    rows = meta["input_top_logprobs"][1:] + meta["output_top_logprobs"]
    assert len(rows) == 4 + 8
    for row in rows:
        values = [entry[0] for entry in row]
        assert len(row) == 3
        assert values == sorted(values, reverse=True)
    for row, entry in zip(meta["output_top_logprobs"], meta["output_token_logprobs"], strict=True):
        assert row[0][:2] == entry[:2]  # greedy: the token is the most probable one


def test_texts_of_tokens(native: NativeClient) -> None:
    reply = native.greedy(return_logprob=True, logprob_start_len=0, return_text_in_logprobs=True)
    meta = reply["meta_info"]
    assert "".join(entry[2] for entry in meta["input_token_logprobs"]) == FRANCE
    assert "".join(entry[2] for entry in meta["output_token_logprobs"]) == reply["text"]


def test_temperature_changes_no_log_probability(native: NativeClient) -> None:
    params = {"max_new_tokens": 6, "sampling_seed": 1}
    cold, hot = (
        native(
            text=FRANCE,
            sampling_params={**params, "temperature": temperature, "top_k": 1},
            return_logprob=True,
        )["meta_info"]["output_token_logprobs"]
        for temperature in (0, 2.0)
    )
    assert [e[1] for e in cold] == [e[1] for e in hot]
    assert [e[0] for e in cold] == pytest.approx([e[0] for e in hot], abs=1e-3)


@given(
    text=st.sampled_from([FRANCE, "Once upon a time", "日本", "def f(x):\n"]),
    seed=st.integers(0, 2**32),
    count=st.integers(1, 12),
)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_output_has_the_log_probability_that_it_has_as_a_prompt(
    native: NativeClient, http: httpx2.Client, text: str, seed: int, count: int
) -> None:
    ids = http.post("/tokenize", json={"prompt": text}).json()["tokens"]
    params = {"max_new_tokens": count, "temperature": 1.5, "sampling_seed": seed}
    written = native(input_ids=ids, sampling_params=params, return_logprob=True)
    output = written["meta_info"]["output_token_logprobs"]
    read = native(
        input_ids=ids + written["output_ids"],
        sampling_params={"max_new_tokens": 0},
        return_logprob=True,
        logprob_start_len=len(ids) - 1,
    )
    entries = read["meta_info"]["input_token_logprobs"]
    assert [e[1] for e in entries] == [e[1] for e in output]
    assert [e[0] for e in entries] == pytest.approx([e[0] for e in output], abs=2e-3)


def test_a_prompt_alone_is_scored_from_its_begin(native: NativeClient) -> None:
    """What the frontend asks for where it compares choices with what they are worth alone."""
    reply = native(
        input_ids=[[367, 300], [281]], sampling_params={"max_new_tokens": 0}, return_logprob=True
    )
    first, second = (each["meta_info"] for each in reply)
    assert [e[1] for e in first["input_token_logprobs"]] == [367, 300]
    assert second["input_token_logprobs"] == [[None, 281, None]]
    assert second["normalized_prompt_logprob"] == 0
    assert second["output_token_logprobs"] == []


def test_every_prompt_may_ask_for_other_ones(native: NativeClient) -> None:
    reply = native(
        text=[FRANCE] * 3,
        sampling_params={"max_new_tokens": 1, "temperature": 0},
        return_logprob=[True, False, True],
        logprob_start_len=[0, 0, 3],
        top_logprobs_num=[2, 0, 0],
    )
    metas = [each["meta_info"] for each in reply]
    assert len(metas[0]["input_top_logprobs"]) == 5
    assert not KEYS & set(metas[1])
    assert len(metas[2]["input_token_logprobs"]) == 1
    assert "input_top_logprobs" not in metas[2]


def test_all_samples_of_a_prompt_tell_of_it(native: NativeClient) -> None:
    reply = native(
        text=FRANCE,
        sampling_params={"max_new_tokens": 2, "n": 3},
        return_logprob=True,
        logprob_start_len=1,
    )
    first = reply[0]["meta_info"]["input_token_logprobs"]
    assert len(first) == 3
    assert all(each["meta_info"]["input_token_logprobs"] == first for each in reply)


@pytest.mark.parametrize(
    "fields",
    [
        {"logprob_start_len": 5, "return_logprob": True},
        {"logprob_start_len": -2, "return_logprob": True},
        {"top_logprobs_num": 257, "return_logprob": True},
        {"top_logprobs_num": -1, "return_logprob": True},
        {"top_logprobs_num": 1},
    ],
)
def test_what_is_out_of_range_is_named(native: NativeClient, fields: dict[str, Any]) -> None:
    error = native.error(text=FRANCE, **fields)
    assert error["param"] == next(iter(fields))


def test_no_number_is_infinite(native: NativeClient) -> None:
    meta = native.greedy(return_logprob=True, top_logprobs_num=256)["meta_info"]
    values = [entry[0] for row in meta["output_top_logprobs"] for entry in row]
    assert all(map(math.isfinite, values))
    assert json.dumps(meta, allow_nan=False)


def test_nothing_is_written_and_what_might_come_next_is_told(native: NativeClient) -> None:
    """What decoding by paths asks for: its first tokens are the most probable ones."""
    asked = {"text": FRANCE, "return_logprob": True, "top_logprobs_num": 3}
    peeked = native(**asked, sampling_params={"max_new_tokens": 0})
    written = native(**asked, sampling_params={"max_new_tokens": 1, "temperature": 0})
    assert (peeked["text"], peeked["output_ids"]) == ("", [])
    meta = peeked["meta_info"]
    assert meta["completion_tokens"] == 0
    assert meta["finish_reason"] == {"type": "length", "length": 0}
    for key in ("output_top_logprobs", "output_token_logprobs"):
        assert str(meta[key]) == str(written["meta_info"][key])
    assert len(meta["output_top_logprobs"][0]) == 3
