"""Embeddings and models with the official client."""

from __future__ import annotations

import math

import httpx2
import openai
import pytest


def test_embeds_texts_in_their_order(client: openai.OpenAI) -> None:
    both = client.embeddings.create(model="m", input=["Paris", "a lake"])
    alone = client.embeddings.create(model="m", input="a lake", encoding_format="float")
    assert [each.index for each in both.data] == [0, 1]
    assert both.data[1].embedding == pytest.approx(alone.data[0].embedding, abs=1e-5)
    assert len(alone.data[0].embedding) == 256
    assert math.hypot(*alone.data[0].embedding) == pytest.approx(1)
    assert both.usage.prompt_tokens == both.usage.total_tokens


def test_base64_is_the_same_numbers(http: httpx2.Client, client: openai.OpenAI) -> None:
    # the client asks for base64 unless told otherwise, and decodes it
    decoded = client.embeddings.create(model="m", input="Paris").data[0].embedding
    body = {"model": "m", "input": "Paris"}
    numbers = http.post("/v1/embeddings", json=body).json()["data"][0]["embedding"]
    text = http.post("/v1/embeddings", json=body | {"encoding_format": "base64"}).json()
    assert isinstance(text["data"][0]["embedding"], str)
    assert decoded == pytest.approx(numbers, abs=1e-6)


@pytest.mark.parametrize(("field", "value"), [("dimensions", 64), ("input", ""), ("input", [])])
def test_refuses_what_it_cannot_embed(http: httpx2.Client, field: str, value: object) -> None:
    reply = http.post("/v1/embeddings", json={"model": "m", "input": "a"} | {field: value})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == field


def test_lists_its_model_and_no_other(client: openai.OpenAI) -> None:
    (card,) = client.models.list().data
    assert card.id == "embedded"
    assert client.models.retrieve(card.id) == card
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        client.models.retrieve("gpt-9")
