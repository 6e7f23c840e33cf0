"""Prompts, lists of them, samples of each, and what is said about an output."""

from __future__ import annotations

import httpx2
from generators.native_client import FRANCE, NativeClient

LEAN = {"temperature": 0, "max_new_tokens": 6}
PROMPTS = [FRANCE, "One, two, three,", "Once upon a time"]


def test_one_text_gives_one_object(native: NativeClient) -> None:
    reply = native.greedy()
    assert reply["text"].startswith(" Paris")
    meta = reply["meta_info"]
    assert meta["prompt_tokens"] == 5
    assert meta["completion_tokens"] == len(reply["output_ids"]) == 8
    assert meta["completion_tokens_wo_jump_forward"] == 8
    assert meta["finish_reason"] == {"type": "length", "length": 8}


def test_a_list_of_one_text_gives_a_list(native: NativeClient) -> None:
    reply = native(text=[FRANCE], sampling_params=LEAN)
    assert [each["text"] for each in reply] == [native(text=FRANCE, sampling_params=LEAN)["text"]]


def test_a_list_answers_in_the_order_of_its_prompts(native: NativeClient) -> None:
    alone = [native(text=prompt, sampling_params=LEAN)["text"] for prompt in PROMPTS]
    assert len(set(alone)) == 3
    together = native(text=PROMPTS, sampling_params=LEAN)
    assert [each["text"] for each in together] == alone


def test_an_empty_list_gives_an_empty_list(native: NativeClient) -> None:
    assert native(text=[]) == []
    assert native.stream(text=[]) == []


def test_ids_are_as_good_as_text(native: NativeClient, http: httpx2.Client) -> None:
    ids = http.post("/tokenize", json={"prompt": FRANCE}).json()["tokens"]
    by_text = native(text=FRANCE, sampling_params=LEAN)
    assert native(input_ids=ids, sampling_params=LEAN)["text"] == by_text["text"]
    assert native(input_ids=[ids], sampling_params=LEAN)[0]["meta_info"]["prompt_tokens"] == 5


def test_every_prompt_may_have_its_own_parameters(native: NativeClient) -> None:
    params = [{"temperature": 0, "max_new_tokens": n} for n in (1, 2, 3)]
    reply = native(text=[FRANCE] * 3, sampling_params=params)
    assert [each["meta_info"]["completion_tokens"] for each in reply] == [1, 2, 3]


def test_names_of_special_tokens_in_a_prompt_are_those_tokens(native: NativeClient) -> None:
    chat = "<|im_start|>user\nhi<|im_end|>\n"
    assert native(text=chat, sampling_params={"max_new_tokens": 0})["meta_info"][
        "prompt_tokens"
    ] < len("<|im_start|>user")


def test_put_is_post(http: httpx2.Client) -> None:
    body = {"text": FRANCE, "sampling_params": LEAN}
    assert http.put("/generate", json=body).json()["text"].startswith(" Paris")


def test_an_empty_text_is_taken(native: NativeClient) -> None:
    reply = native(text="", sampling_params={"max_new_tokens": 0})
    assert reply["text"] == ""
    assert reply["meta_info"]["prompt_tokens"] == 0
    assert reply["meta_info"]["finish_reason"] == {"type": "length", "length": 0}
    assert "begin token" in native.error(text="", sampling_params={"max_new_tokens": 1})["message"]


def test_no_tokens_wanted_warms_the_cache_and_writes_nothing(native: NativeClient) -> None:
    text = "Nobody else in these tests begins a prompt with these words, which are warmed."
    first = native(text=text, sampling_params={"max_new_tokens": 0})
    assert first["text"] == ""
    assert first["meta_info"]["completion_tokens"] == 0
    assert first["meta_info"]["cached_tokens"] == 0
    second = native.greedy(text)
    assert second["meta_info"]["cached_tokens"] >= first["meta_info"]["prompt_tokens"] - 1


def test_n_samples_of_each_prompt_come_prompt_by_prompt(native: NativeClient) -> None:
    params = {"temperature": 1.5, "max_new_tokens": 6, "n": 3, "sampling_seed": 5}
    both = native(text=PROMPTS[:2], sampling_params=params)
    apart = [native(text=prompt, sampling_params=params) for prompt in PROMPTS[:2]]
    assert [each["text"] for each in both] == [each["text"] for one in apart for each in one]
    assert len({each["text"] for each in both}) > 2


def test_n_must_be_the_same_for_all_prompts(native: NativeClient) -> None:
    error = native.error(text=["a", "b"], sampling_params=[{"n": 1}, {"n": 2}])
    assert error["param"] == "sampling_params"


def test_a_seed_makes_sampling_repeatable(native: NativeClient) -> None:
    params = {"temperature": 1.5, "max_new_tokens": 12}
    with_seed = [
        native(text=FRANCE, sampling_params={**params, "sampling_seed": 7})["text"] for _ in "ab"
    ]
    assert len(set(with_seed)) == 1
    assert len({native(text=FRANCE, sampling_params=params)["text"] for _ in range(4)}) > 1


def test_rid_is_what_the_output_is_called(native: NativeClient) -> None:
    assert native.greedy(rid="mine")["meta_info"]["id"] == "mine"
    reply = native(text=["a", "b"], sampling_params=LEAN, rid=["x", "y"])
    assert [each["meta_info"]["id"] for each in reply] == ["x", "y"]
    reply = native(text="a", sampling_params={**LEAN, "n": 2}, rid="z")
    assert [each["meta_info"]["id"] for each in reply] == ["z_0", "z_1"]
    names = [native.greedy()["meta_info"]["id"] for _ in "ab"]
    assert len(set(names)) == 2


def test_cached_tokens_are_those_of_an_earlier_prompt(native: NativeClient) -> None:
    text = "A prompt that is said twice is computed once, apart from its last token."
    tokens = native.greedy(text)["meta_info"]["prompt_tokens"]
    assert native.greedy(text)["meta_info"]["cached_tokens"] >= tokens - 1


def test_forced_text_does_not_count_as_sampled(native: NativeClient) -> None:
    reply = native.greedy(params={"regex": r" Paris, the city of light"}, max_new_tokens=32)
    assert reply["text"] == " Paris, the city of light"
    meta = reply["meta_info"]
    assert meta["completion_tokens_wo_jump_forward"] < meta["completion_tokens"]
    assert meta["finish_reason"]["type"] == "stop"
