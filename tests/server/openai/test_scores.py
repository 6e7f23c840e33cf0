"""Scores of tokens behind a query and items."""

from __future__ import annotations

import math
from typing import Any

import httpx2
import openai
import pytest

QUERY = "The capital of France is"


def ids_of(http: httpx2.Client, text: str) -> list[int]:
    ids: list[int] = http.post("/tokenize", json={"prompt": text}).json()["tokens"]
    return ids


def score(http: httpx2.Client, **more: Any) -> Any:
    reply = http.post("/v1/score", json={"query": QUERY, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_scores_are_probabilities_of_the_next_token(
    http: httpx2.Client, client: openai.OpenAI
) -> None:
    labels = [ids_of(http, text)[0] for text in (".", " the", "x")]
    found = score(http, items=[" Paris", " Rome"], label_token_ids=labels)
    for item, row in zip((" Paris", " Rome"), found["scores"], strict=True):
        for label, probability in zip(labels, row, strict=True):
            prompt = [*ids_of(http, QUERY + item), label]
            echo: Any = {"prompt": prompt, "echo": True, "max_tokens": 0, "logprobs": 0}
            logprobs = client.completions.create(model="m", **echo).choices[0].logprobs
            assert logprobs is not None
            assert logprobs.token_logprobs is not None
            assert math.log(probability) == pytest.approx(logprobs.token_logprobs[-1], abs=1e-3)


def test_shares_add_up(http: httpx2.Client) -> None:
    asked: Any = {"items": [" Paris"], "label_token_ids": [5, 300, 301]}
    (plain,), (shares,) = (
        score(http, **asked, apply_softmax=softmax)["scores"] for softmax in (False, True)
    )
    assert sum(shares) == pytest.approx(1)
    assert shares == pytest.approx([each / sum(plain) for each in plain])


def test_an_item_may_come_first_and_ids_are_texts(http: httpx2.Client) -> None:
    first = score(http, items="Well. ", item_first=True, label_token_ids=[7])
    whole = ids_of(http, "Well. " + QUERY)
    by_ids = score(http, query=whole[:3], items=[whole[3:]], label_token_ids=[7])
    assert first["scores"][0] == pytest.approx(by_ids["scores"][0])
    assert first["usage"]["prompt_tokens"] == len(whole)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"label_token_ids": []}, "label_token_ids"),
        ({"label_token_ids": [99999]}, "label_token_ids"),
        ({"items": [[1]]}, "items"),
        ({"query": ["a", "b"]}, "query"),
        ({"items": ["a"] * 1025, "label_token_ids": [1, 2]}, "items"),
        ({"items": ["a" * 9000]}, "items[0]"),
    ],
)
def test_a_wrong_field_is_named(http: httpx2.Client, given: Any, field: str) -> None:
    asked = {"query": QUERY, "items": ["a"], "label_token_ids": [1]}
    reply = http.post("/v1/score", json=asked | given)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["param"] == field
