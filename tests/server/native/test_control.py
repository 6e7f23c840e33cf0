"""What the server says of itself, and what changes it."""

from __future__ import annotations

import json
import math
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from generators.native_client import FRANCE, NativeClient
from generators.servers import RunningServer

LONG = {"max_new_tokens": 1900, "ignore_eos": True}


def test_model_info_is_what_the_frontend_reads(http: httpx2.Client) -> None:
    for path in ("/get_model_info", "/model_info"):
        assert http.get(path).json() == {
            "model_path": "embedded",
            "tokenizer_path": "embedded",
            "is_generation": True,
        }


def test_server_info_has_the_flags_and_the_engines_state(
    http: httpx2.Client, native: NativeClient
) -> None:
    native.greedy()
    for path in ("/get_server_info", "/server_info", "/get_server_args"):
        info = http.get(path).json()
        assert info["port"] == http.base_url.port
        assert info["schedule_policy"] == "fcfs"
        assert info["max_req_input_len"] == 2047
        (state,) = info["internal_states"]
        assert (
            state["free_slots"] + state["cached_slots"] + state["held_slots"]
            == (info["max_total_num_tokens"])
        )


def test_flushing_empties_the_cache(http: httpx2.Client, native: NativeClient) -> None:
    native.greedy()
    assert native.greedy()["meta_info"]["cached_tokens"] > 0
    for flush in (http.post, http.get):
        reply = flush("/flush_cache")
        assert reply.status_code == 200
        assert reply.text.startswith("Cache flushed")
        assert native.greedy()["meta_info"]["cached_tokens"] == 0


def test_health_is_a_token(http: httpx2.Client) -> None:
    assert http.get("/health").status_code == 200
    assert http.get("/health_generate").status_code == 200


def test_there_is_no_profiler(http: httpx2.Client) -> None:
    for path in ("/start_profile", "/stop_profile"):
        for call in (http.get, http.post):
            assert call(path).status_code == 400


def test_tokens_and_text_turn_into_each_other(http: httpx2.Client) -> None:
    texts = [FRANCE, "", "日本", "<|im_start|>user"]
    lists = [http.post("/tokenize", json={"prompt": text}).json() for text in texts]
    together = http.post("/tokenize", json={"prompt": texts}).json()
    assert together["tokens"] == [each["tokens"] for each in lists]
    assert together["count"] == [len(each["tokens"]) for each in lists]
    assert together["max_model_len"] == 2048
    for text, each in zip(texts, lists, strict=True):
        body = {"tokens": each["tokens"], "skip_special_tokens": False}
        assert http.post("/detokenize", json=body).json()["text"] == text
    back = http.post("/detokenize", json={"tokens": together["tokens"]}).json()["text"]
    assert back == [FRANCE, "", "日本", "user"]
    assert http.post("/detokenize", json={"tokens": [1, 99999]}).status_code == 400


def aborted(http: httpx2.Client, body: dict[str, Any], num_prompts: int) -> int:
    """Abort what comes to run, as soon as all of it does."""
    count = 0
    deadline = time.monotonic() + 30
    while count < num_prompts and time.monotonic() < deadline:
        count += http.post("/abort_request", json=body).json()["aborted"]
        time.sleep(0.01)
    return count


@pytest.mark.parametrize("body", [{"rid": "long"}, {"abort_all": True}])
def test_an_aborted_request_answers_with_what_it_has(
    http: httpx2.Client, native: NativeClient, body: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(native, text=FRANCE, rid="long", sampling_params=LONG)
        assert aborted(http, body, 1) == 1
        meta = reply.result()["meta_info"]
    assert meta["finish_reason"]["type"] == "abort"
    assert meta["completion_tokens"] < 1900
    state = http.get("/get_server_info").json()["internal_states"][0]
    assert state["jobs"] == 0
    assert state["held_slots"] == 0


def test_an_aborted_stream_ends_with_an_abort(http: httpx2.Client, native: NativeClient) -> None:
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(
            native.stream, text=[FRANCE, "One"], rid="many", sampling_params={**LONG, "n": 2}
        )
        assert aborted(http, {"rid": "many"}, 2) == 2
        events = reply.result()
    for index in range(4):
        last = [event for event in events if event["index"] == index][-1]
        assert last["meta_info"]["finish_reason"]["type"] == "abort"


def test_abort_is_asked_for_by_name(http: httpx2.Client) -> None:
    assert http.post("/abort_request", json={"rid": "nobody"}).json() == {"aborted": 0}
    assert http.post("/abort_request", json={}).json()["error"]["param"] == "rid"


def test_a_name_is_taken_while_its_request_runs(http: httpx2.Client, native: NativeClient) -> None:
    body = {"text": FRANCE, "rid": "taken", "sampling_params": LONG, "stream": True}
    with http.stream("POST", "/generate", json=body) as first:
        lines = first.iter_lines()
        next(lines)
        assert native.error(text=FRANCE, rid="taken")["param"] == "rid"
        assert aborted(http, {"rid": "taken"}, 1) == 1
        assert "abort" in [line for line in lines if line][-2]


def test_embeddings_have_length_one(http: httpx2.Client) -> None:
    one = http.post("/encode", json={"text": FRANCE}).json()
    assert math.hypot(*one["embedding"]) == pytest.approx(1, abs=1e-3)
    assert one["meta_info"]["prompt_tokens"] == 5
    both = http.post("/encode", json={"text": [FRANCE, "Two"], "rid": ["a", "b"]}).json()
    assert both[0]["embedding"] == pytest.approx(one["embedding"], abs=1e-4)
    assert [each["meta_info"]["id"] for each in both] == ["a", "b"]
    ids = http.post("/tokenize", json={"prompt": FRANCE}).json()["tokens"]
    same = http.post("/classify", json={"input_ids": ids}).json()
    assert same["embedding"] == pytest.approx(one["embedding"], abs=1e-4)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": ["a", ""]}, "text[1]"),
        ({"text": "a", "sampling_params": {"temperature": 1}}, "sampling_params"),
        ({"input_ids": [99999]}, "input_ids"),
        ({"text": " word" * 6000}, "text"),
    ],
)
def test_what_cannot_be_embedded_is_named(
    http: httpx2.Client, body: dict[str, Any], param: str
) -> None:
    reply = http.post("/encode", json=body)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == param


def jobs(http: httpx2.Client) -> int:
    count: int = http.get("/get_server_info").json()["internal_states"][0]["jobs"]
    return count


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_ends_its_request(
    http: httpx2.Client, server: RunningServer, stream: bool
) -> None:
    # `n` makes it long enough to be seen: nothing but the client's going ends it this early
    params = {**LONG, "n": 64}
    body = json.dumps({"text": FRANCE, "sampling_params": params, "stream": stream}).encode()
    head = b"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + body)
        deadline = time.monotonic() + 30
        while not jobs(http) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert jobs(http) == 1
    deadline = time.monotonic() + 2
    while jobs(http) and time.monotonic() < deadline:
        time.sleep(0.01)
    state = http.get("/get_server_info").json()["internal_states"][0]
    assert (state["jobs"], state["held_slots"]) == (0, 0)
