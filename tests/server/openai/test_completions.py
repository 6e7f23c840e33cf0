"""Completions with the official client, over a real connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pytest

WithAsync = Callable[..., Any]
PROMPT = "The capital of France is"
GREEDY: Any = {"model": "any", "prompt": PROMPT, "temperature": 0, "max_tokens": 8}
SAMPLED: Any = {"model": "any", "prompt": ["Tell me", "Once"], "seed": 3, "max_tokens": 6}


def test_continues_a_prompt(client: openai.OpenAI) -> None:
    reply = client.completions.create(**GREEDY)
    assert reply.object == "text_completion"
    assert reply.choices[0].text.startswith(" Paris")
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (5, 8)


def test_writes_sixteen_tokens_by_default(client: openai.OpenAI) -> None:
    reply = client.completions.create(model="m", prompt=PROMPT, extra_body={"ignore_eos": True})
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 16


def test_choices_come_prompt_by_prompt(client: openai.OpenAI) -> None:
    reply = client.completions.create(**SAMPLED, n=2)
    alone = client.completions.create(**SAMPLED | {"prompt": "Once"}, n=2)
    assert [each.index for each in reply.choices] == [0, 1, 2, 3]
    assert [each.text for each in reply.choices[2:]] == [each.text for each in alone.choices]
    assert reply.usage is not None
    once = client.completions.create(**SAMPLED).usage
    assert once is not None
    assert reply.usage.prompt_tokens == once.prompt_tokens  # prompts count once each


def test_ids_are_a_prompt(client: openai.OpenAI, http: httpx2.Client) -> None:
    told = client.completions.create(**GREEDY, echo=True, logprobs=0)
    ids = http.post("/tokenize", json={"prompt": PROMPT}).json()["tokens"]
    reply = client.completions.create(**GREEDY | {"prompt": ids}, echo=True)
    listed = client.completions.create(**GREEDY | {"prompt": [ids]})
    assert reply.choices[0].text == told.choices[0].text
    assert PROMPT + listed.choices[0].text == reply.choices[0].text


def test_log_probabilities_of_an_echo_are_those_of_the_text(client: openai.OpenAI) -> None:
    whole = client.completions.create(**GREEDY, echo=True, logprobs=2).choices[0]
    again = client.completions.create(
        model="any", prompt=whole.text, max_tokens=0, echo=True, logprobs=2
    ).choices[0]
    assert whole.logprobs is not None
    assert again.logprobs is not None
    assert again.text == whole.text
    assert again.finish_reason == "length"
    assert "".join(whole.logprobs.tokens or []) == whole.text
    assert again.logprobs.tokens == whole.logprobs.tokens
    assert again.logprobs.text_offset == whole.logprobs.text_offset
    first, *rest = whole.logprobs.token_logprobs or []
    assert first is None
    assert rest == pytest.approx((again.logprobs.token_logprobs or [])[1:], abs=1e-4)
    for at, token in zip(
        whole.logprobs.text_offset or [], whole.logprobs.tokens or [], strict=True
    ):
        assert whole.text[at:].startswith(token)


def _joined(chunks: list[Any], count: int) -> tuple[list[str], list[Any], list[str]]:
    texts, reasons = [""] * count, [""] * count
    logprobs: list[Any] = [[] for _ in texts]
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.text
            reasons[choice.index] = choice.finish_reason or reasons[choice.index]
            if choice.logprobs is not None:
                found = choice.logprobs
                logprobs[choice.index] += zip(found.tokens, found.text_offset, strict=True)
    return texts, logprobs, reasons


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"n": 2, "logprobs": 1},
        {"echo": True, "logprobs": 3, "n": 2},
        {"echo": True, "max_tokens": 0},
        {"stop": ["a", "is"], "logprobs": 0},
        {"stop": ["a", "is"], "extra_body": {"no_stop_trim": True}, "logprobs": 0},
        {"extra_body": {"stop_token_ids": [16], "no_stop_trim": True}, "logprobs": 0},
        {"extra_body": {"regex": "[a-z ]{5,20}"}, "logprobs": 1, "n": 2},  # tokens behind the text
    ],
)
def test_a_stream_joins_to_the_reply(
    client: openai.OpenAI, with_async: WithAsync, more: dict[str, Any]
) -> None:
    asked = SAMPLED | more
    reply = client.completions.create(**asked)

    async def chunks(aclient: openai.AsyncOpenAI) -> list[Any]:
        options = {"include_usage": True}
        made = await aclient.completions.create(**asked, stream=True, stream_options=options)
        return [chunk async for chunk in made]

    found = with_async(chunks)
    assert found[-1].usage == reply.usage
    texts, logprobs, reasons = _joined(found, len(reply.choices))
    assert texts == [each.text for each in reply.choices]
    assert reasons == [each.finish_reason for each in reply.choices]
    for choice, tokens in zip(reply.choices, logprobs, strict=True):
        if choice.logprobs is not None:
            pairs = zip(choice.logprobs.tokens, choice.logprobs.text_offset, strict=True)
            assert tokens == list(pairs)


def test_a_stop_that_is_kept_may_be_a_token(client: openai.OpenAI, http: httpx2.Client) -> None:
    (stop,) = http.post("/tokenize", json={"prompt": "."}).json()["tokens"]
    asked = {"stop_token_ids": [stop], "no_stop_trim": True}
    reply = client.completions.create(**GREEDY, extra_body=asked).choices[0]
    assert reply.text == " Paris."
    params = {"temperature": 0, "max_new_tokens": 16} | asked
    native = http.post("/generate", json={"text": PROMPT, "sampling_params": params}).json()
    assert native["text"] == reply.text
    chat = client.chat.completions.create(
        model="any",
        messages=[{"role": "user", "content": "What is the capital of France?"}],
        temperature=0,
        extra_body=asked,
    )
    assert chat.choices[0].message.content == "Paris."


def test_best_of_keeps_the_most_probable(client: openai.OpenAI) -> None:
    every = client.completions.create(**SAMPLED | {"prompt": "Once"}, n=6, logprobs=0)
    best = client.completions.create(**SAMPLED | {"prompt": "Once"}, n=2, best_of=6)

    def mean(choice: Any) -> float:
        return float(sum(choice.logprobs.token_logprobs) / len(choice.logprobs.token_logprobs))

    ranked = sorted(every.choices, key=mean, reverse=True)
    if all(each.finish_reason == "length" for each in every.choices):
        assert [each.text for each in best.choices] == [each.text for each in ranked[:2]]
    assert best.choices[0].logprobs is None
    assert best.usage is not None
    assert every.usage is not None
    assert best.usage.completion_tokens == every.usage.completion_tokens


def test_a_biased_token_is_written(client: openai.OpenAI, http: httpx2.Client) -> None:
    (token,) = http.post("/tokenize", json={"prompt": "x"}).json()["tokens"]
    reply = client.completions.create(**GREEDY, logit_bias={str(token): 100})
    assert reply.choices[0].text == "x" * 8


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"regex": "[0-9]{4}"}, str.isdecimal),
        ({"json_schema": {"type": "boolean"}}, lambda text: text in ("true", "false")),
        ({"ebnf": 'start: "yes" | "no"'}, lambda text: text in ("yes", "no")),
    ],
)
def test_texts_are_held_to_their_form(
    client: openai.OpenAI, given: Any, wanted: Callable[[str], bool]
) -> None:
    reply = client.completions.create(**GREEDY, extra_body=given)
    assert wanted(reply.choices[0].text)
    assert reply.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"suffix": "x"}, "suffix"),
        ({"logprobs": 6}, "logprobs"),
        ({"best_of": 1, "n": 2}, None),
        ({"prompt": [1, 99999]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", [1]]}, "prompt"),
        ({"prompt": "x" * 9000}, "prompt"),
        ({"stop": [""]}, "stop"),
        ({"logit_bias": {"a": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"stop_token_ids": [-1]}, "stop_token_ids"),
        ({"min_tokens": 9}, "min_tokens"),
        ({"skip_special_tokens": False}, "skip_special_tokens"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"max_tokens": 0}, None),
        ({"regex": "("}, "regex"),
    ],
)
def test_a_wrong_field_is_named(http: httpx2.Client, given: Any, field: str | None) -> None:
    reply = http.post("/v1/completions", json=GREEDY | given)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["param"] == field
    assert json.dumps(reply.json()).count("Traceback") == 0


@pytest.mark.parametrize("body", ['"a\\ud800"', '["a", "\\ud800"]'])
def test_half_a_character_is_no_prompt(http: httpx2.Client, body: str) -> None:
    reply = http.post("/v1/completions", content=f'{{"prompt": {body}}}'.encode())
    assert reply.status_code == 400, reply.text
    assert "half a character" in reply.json()["error"]["message"]


def test_a_constraint_that_cannot_be_is_no_stream(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="regex"):
        client.completions.create(**GREEDY, stream=True, extra_body={"regex": "("})
