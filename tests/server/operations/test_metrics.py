"""The metrics say what was asked for, in a text that Prometheus reads, and never go back."""

from __future__ import annotations

import os
import signal
from typing import Any

import httpx2
from generators.operated import Operated, Wait
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from sglc.server.operations.lives import Lives, Pace

GAUGES = {
    "sglang:num_running_reqs",
    "sglang:num_queue_reqs",
    "sglang:num_used_tokens",
    "sglang:token_usage",
    "sglang:gen_throughput",
    "sglang:cache_hit_rate",
}
COUNTERS = {"sglang:prompt_tokens", "sglang:generation_tokens", "sglang:num_requests"}
HISTOGRAMS = {
    "sglang:time_to_first_token_seconds",
    "sglang:time_per_output_token_seconds",
    "sglang:e2e_request_latency_seconds",
    "sglang:func_latency_seconds",
}


def scrape(client: httpx2.Client) -> dict[Any, float]:
    """Every sample, by its name and its labels but for that of the model."""
    reply = client.get("/metrics").raise_for_status()
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(reply.text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("model_name") == "embedded"
            key = sample.name if not labels else (sample.name, *sorted(labels.values()))
            found[key] = sample.value
    return found


def test_names_and_types_are_those_of_sglang(alice: httpx2.Client) -> None:
    text = alice.get("/metrics").text
    types = {family.name: family.type for family in text_string_to_metric_families(text)}
    for names, kind in ((GAUGES, "gauge"), (COUNTERS, "counter"), (HISTOGRAMS, "histogram")):
        assert {name: types.get(name) for name in names} == dict.fromkeys(names, kind)
    assert "sglang:prompt_tokens_total{" in text
    assert "_created" not in text


def test_figures_agree_with_what_was_asked_for(alice: httpx2.Client) -> None:
    before = scrape(alice)
    sampling = {"max_new_tokens": 9, "temperature": 0, "ignore_eos": True}
    body = {"text": "One two three", "sampling_params": sampling}
    metas = [alice.post("/generate", json=body).json()["meta_info"] for _ in range(2)]
    two = alice.post("/generate", json=body | {"sampling_params": sampling | {"n": 2}}).json()
    with alice.stream("POST", "/generate", json=body | {"stream": True}) as stream:
        assert list(stream.iter_lines())
    alice.post("/generate", json={"text": 1})
    after = scrape(alice)

    def grown(*key: str) -> float:
        name: Any = key[0] if len(key) == 1 else key
        return after.get(name, 0) - before.get(name, 0)

    prompt = metas[0]["prompt_tokens"]
    assert grown("sglang:prompt_tokens_total") == 4 * prompt
    assert grown("sglang:generation_tokens_total") == 5 * 9
    assert len(two) == 2
    assert grown("sglang:num_requests_total") == 4
    assert grown("sglang:e2e_request_latency_seconds_count") == 4
    assert grown("sglang:time_to_first_token_seconds_count") == 1
    assert grown("sglang:time_per_output_token_seconds_count") == 1
    assert grown("sglc:http_requests_total", "/generate", "200") == 4
    assert grown("sglc:http_requests_total", "/generate", "400") == 1
    assert grown("sglang:func_latency_seconds_count", "/generate") == 5
    assert grown("sglc:decoded_tokens_total") == 5 * 9
    assert grown("sglang:cached_tokens_total") >= metas[1]["cached_tokens"] > 0
    assert after["sglang:num_running_reqs"] == after["sglang:num_queue_reqs"] == 0
    assert after["sglang:num_used_tokens"] == 0
    assert 0 < after["sglang:cache_hit_rate"] < 1
    assert after["sglang:gen_throughput"] > 0


def test_an_abandoned_stream_is_aborted_and_runs_no_more(
    alice: httpx2.Client, eventually: Wait
) -> None:
    before = scrape(alice)
    sampling = {"max_new_tokens": 1500, "ignore_eos": True}
    body = {"text": "One", "stream": True, "sampling_params": sampling}
    with alice.stream("POST", "/generate", json=body) as stream:
        lines = stream.iter_lines()
        next(lines)
        during = scrape(alice)
        assert during["sglang:num_running_reqs"] == 1
        assert during["sglang:num_used_tokens"] > 0
        assert 0 < during["sglang:token_usage"] < 1
    name = "sglang:num_aborted_requests_total"
    eventually(lambda: scrape(alice)[name] == before[name] + 1)
    eventually(lambda: scrape(alice)["sglang:num_running_reqs"] == 0)


def test_paths_that_do_not_exist_are_one_series(alice: httpx2.Client) -> None:
    for name in ("a", "b", "c"):
        alice.get(f"/nowhere/{name}")
    names = {key[2] for key in scrape(alice) if key[0] == "sglc:http_requests_total"}
    assert not any("nowhere" in name for name in names)


def test_counters_go_on_when_the_engine_is_started_again(
    operated: Operated, alice: httpx2.Client, eventually: Wait
) -> None:
    body = {"text": "One two", "sampling_params": {"max_new_tokens": 5, "ignore_eos": True}}
    alice.post("/generate", json=body).raise_for_status()
    before = scrape(alice)
    os.kill(operated.server.engine_pid(), signal.SIGKILL)
    eventually(lambda: scrape(alice)["sglc:engine_restarts_total"] == 1)
    eventually(lambda: alice.get("/health").status_code == 200)
    alice.post("/generate", json=body).raise_for_status()
    after = scrape(alice)
    gone_back = [
        key
        for key, value in before.items()
        if str(key if isinstance(key, str) else key[0]).endswith(("_total", "_count", "_sum"))
        and after[key] < value
    ]
    assert gone_back == []
    name = "sglc:decoded_tokens_total"
    assert (before["sglc:engine_up"], after[name] - before[name]) == (1, 5)


def test_metrics_are_off_by_default(http: httpx2.Client) -> None:
    reply = http.get("/metrics")
    assert (reply.status_code, "--enable-metrics" in reply.text) == (404, True)


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=5), max_size=6))
def test_a_sum_over_lives_is_what_was_counted_in_each(lives: list[list[int]]) -> None:
    """Each life is a list of what it counts between two looks."""
    sums = Lives()
    for number, steps in enumerate(lives):
        value = 0
        for step in steps:
            value += step
            assert sums.added({"n": value}, number) == {"n": step}
    assert sums.sum("n") == sum(map(sum, lives))


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert [pace.of(now, value) for now, value in ((0, 0), (1, 10), (2, 40))] == [0, 10, 20]
    assert pace.of(17, 40) == 0  # the oldest look that counts is that of second 2
