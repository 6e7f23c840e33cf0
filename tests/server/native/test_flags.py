"""A server with flags that change what it does."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from generators.native_client import NativeClient
from generators.servers import RunningServer, start_server

FLAGS = (
    "--skip-tokenizer-init --load-format dummy --context-len 64 --max-total-token 512 "
    "--served-model-name small --stream-interval 4 --schedule-policy lpm --random-seed 11 "
    "--chunked-prefill-size -1 --max-prefill 128 --max-num-reqs 3 --disable-radix "
    "--disable-cuda-graph --chat-template llama-2"
)


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server with these flags."""
    server = start_server(tmp_path_factory.mktemp("flagged"), *FLAGS.split())
    yield server
    assert server.stop() == 0, server.log.read_text()


@pytest.fixture(scope="module")
def client(flagged: RunningServer) -> Iterator[NativeClient]:
    """A client of it."""
    with httpx2.Client(base_url=flagged.url, timeout=60) as http:
        yield NativeClient(http)


def test_the_server_says_what_it_was_told(client: NativeClient, flagged: RunningServer) -> None:
    info = client.http.get("/get_server_info").json()
    told = {
        "served_model_name": "small",
        "context_length": 64,
        "max_total_num_tokens": 512,
        "max_req_input_len": 63,
        "stream_interval": 4,
        "schedule_policy": "lpm",
        "random_seed": 11,
        "chunked_prefill_size": 128,
        "max_running_requests": 3,
        "disable_radix_cache": True,
        "load_format": "dummy",
    }
    assert {name: info[name] for name in told} == told
    assert "random seed 11" in flagged.log.read_text()


def test_without_a_tokenizer_there_are_ids_alone(client: NativeClient) -> None:
    reply = client(input_ids=[1, 2, 3], sampling_params={"max_new_tokens": 4, "ignore_eos": True})
    assert "text" not in reply
    assert len(reply["token_ids"]) == 4
    assert "--skip-tokenizer-init" in client.error(text="a")["message"]


def test_a_stream_has_an_event_every_few_tokens(client: NativeClient) -> None:
    params = {"max_new_tokens": 20, "ignore_eos": True, "temperature": 0}
    events = client.stream(input_ids=[1, 2, 3], sampling_params=params)
    counts = [event["meta_info"]["completion_tokens"] for event in events]
    assert counts[-1] == 20
    assert len(events) <= 7
    assert all(b - a >= 4 for a, b in itertools.pairwise(counts[:-1]))


def test_the_context_is_as_short_as_it_was_told_to_be(client: NativeClient) -> None:
    assert "63" in client.error(input_ids=[1] * 64)["message"]
    params = {"max_new_tokens": 1000, "ignore_eos": True}
    reply = client(input_ids=[1] * 60, sampling_params=params)
    assert reply["meta_info"]["completion_tokens"] == 4


def test_the_template_is_the_one_that_was_named(client: NativeClient) -> None:
    prompt = client.http.post("/tokenize", json={"prompt": "[INST] Hi [/INST]"}).json()
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 30}
    reply = client.http.post("/v1/chat/completions", json={**body, "regex": r"x\[INST\]y"}).json()
    assert reply["usage"]["prompt_tokens"] == prompt["count"]
    (choice,) = reply["choices"]
    assert choice["message"]["content"] == "x"  # what opens a turn of the user ends an answer
    assert choice["matched_stop"] == "[INST]"


def test_nothing_is_cached(client: NativeClient) -> None:
    for _ in "ab":
        reply = client(input_ids=[5] * 30, sampling_params={"max_new_tokens": 1})
        assert reply["meta_info"]["cached_tokens"] == 0


def test_an_embedding_server_generates_nothing(tmp_path: Path) -> None:
    server = start_server(tmp_path, "--is-embedding", "--log-level", "error")
    try:
        with httpx2.Client(base_url=server.url, timeout=60) as http:
            assert http.get("/get_model_info").json()["is_generation"] is False
            assert "/encode" in NativeClient(http).error(text="a")["message"]
            assert http.post("/encode", json={"text": "a"}).status_code == 200
    finally:
        assert server.stop() == 0
