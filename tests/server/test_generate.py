"""The native request, over a real connection."""

from __future__ import annotations

import itertools
import json

import httpx2

PROMPT = {
    "text": "The capital of France is",
    "sampling_params": {"temperature": 0, "max_new_tokens": 8},
}


def test_generates_text_behind_a_prompt(http: httpx2.Client) -> None:
    reply = http.post("/generate", json=PROMPT).json()
    assert reply["text"].startswith(" Paris")
    assert reply["meta_info"]["prompt_tokens"] == 5
    assert reply["meta_info"]["completion_tokens"] == 8
    assert reply["meta_info"]["finish_reason"] == {"type": "length", "length": 8}


def test_streams_the_text_so_far(http: httpx2.Client) -> None:
    whole = http.post("/generate", json=PROMPT).json()["text"]
    events = []
    with http.stream("POST", "/generate", json=PROMPT | {"stream": True}) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        events += [line.removeprefix("data: ") for line in reply.iter_lines() if line]
    assert events.pop() == "[DONE]"
    texts = [json.loads(event)["text"] for event in events]
    assert texts[-1] == whole
    assert all(b.startswith(a) for a, b in itertools.pairwise(texts))


def test_names_the_field_that_is_wrong(http: httpx2.Client) -> None:
    reply = http.post("/generate", json=PROMPT | {"foo": 1})
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "foo"
