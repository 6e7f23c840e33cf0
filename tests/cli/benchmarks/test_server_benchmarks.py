"""``bench_serving`` and ``bench_one_batch_server``: on a server, and on one that goes wrong."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer, free_port

from sglc.cli.benchmarks.clients import BenchServer
from sglc.cli.benchmarks.dialects import DIALECTS
from sglc.cli.benchmarks.metrics import Outcome
from sglc.cli.benchmarks.prompts import Prompt
from sglc.cli.main import module_main

SMALL = (
    "--num-prompt", "3", "--random-input-len", "6", "--random-output-len", "4",
    "--random-range-ratio", "1",
)  # fmt: skip
OWN = ("--tokenizer", "embedded", "--model", "m", "--warmup-requests", "0")


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("backend", ["sglang", "sglang-oai", "vllm"])
@pytest.mark.parametrize("streams", [True, False])
def test_tokens_are_counted_as_the_server_says(
    backend: str, streams: bool, server: RunningServer, tmp_path: Path
) -> None:
    path = tmp_path / "s.jsonl"
    words = ["--backend", backend, "--base-url", server.url, "--output-file", str(path), *SMALL]
    assert module_main("serving", words if streams else [*words, "--disable-stream"]) == 0
    (found,) = records(path)
    assert (found["completed"], found["failed"], found["errors"]) == (3, 0, {})
    assert (found["total_input_tokens"], found["total_output_tokens"]) == (18, 12)
    assert (found["model"], found["request_rate"], found["stream"]) == ("embedded", "inf", streams)
    assert (found["mean_ttft_ms"] is not None) == streams
    assert found["p99_e2e_latency_ms"] >= found["median_e2e_latency_ms"] > 0


def test_a_rate_and_a_limit_change_no_counts(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.jsonl"
    words = ["--port", str(server.port), "--output-file", str(path), *SMALL]
    assert module_main("serving", [*words, "--request-rate", "500", "--max-conc", "1"]) == 0
    (found,) = records(path)
    assert (found["request_rate"], found["max_concurrency"]) == (500, 1)
    assert found["total_output_tokens"] == 12
    assert found["concurrency"] <= 1
    assert re.search(r"Successful requests: +3\n", capsys.readouterr().out)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_more_requests_at_once_than_files_may_be_open(
    server: RunningServer, tmp_path: Path
) -> None:
    path = tmp_path / "s.jsonl"
    words = f"--port {server.port} --num-prompts 90 --random-input-len 4 --random-output-len 1"
    command = f"ulimit -Sn 64; exec {sys.executable} -m sglc.bench_serving {words} --output {path}"
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=60)
    (found,) = records(path)
    assert (found["completed"], found["errors"]) == (90, {})


def test_one_batch_is_timed_for_each_combination(server: RunningServer, tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    words = f"--base-url {server.url} --batch 1 3 --input-len 5 --output-len 1 4 --result {path}"
    assert module_main("one_batch_server", words.split()) == 0
    found = records(path)
    assert [(each["batch_size"], each["output_len"]) for each in found] == [
        (1, 1), (1, 4), (3, 1), (3, 4),
    ]  # fmt: skip
    for each in found:
        assert 0 < each["ttft"] <= each["latency"]
        assert (each["output_throughput"] is None) == (each["output_len"] == 1)


def test_a_dead_server_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    port = str(free_port())
    for name in ("serving", "one_batch_server"):
        assert module_main(name, ["--port", port]) == 3
        assert f"http://127.0.0.1:{port} cannot be asked" in capsys.readouterr().err


def test_a_refused_key_is_named_before_anything_is_counted(
    scripted: ScriptedServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SGLC_SERVER_KEY", "wrong")
    scripted.replies = [Reply(401, {"error": {"message": "no such key"}})]
    assert module_main("serving", ["--base-url", scripted.url]) == 3
    said = capsys.readouterr().err
    assert "HTTP 401: no such key; set SGLC_SERVER_KEY" in said
    assert scripted.headers[0]["authorization"] == "Bearer wrong"


def native(text: str, count: int, finish: str | None) -> dict[str, Any]:
    reason = None if finish is None else {"type": finish}
    meta = {"completion_tokens": count, "prompt_tokens": 6, "finish_reason": reason}
    return {"text": text, "meta_info": meta}


def test_what_fails_is_counted_by_what_was_said(
    scripted: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.jsonl"
    good = native("abcd", 4, "length")
    scripted.replies = [
        Reply(body=good),
        Reply(503, {"error": {"message": "too many"}}),
        Reply(503, {"error": {"message": "too many"}}),
        Reply(body=native("ab", 2, None)),
        Reply(body={"text": "no counts"}),
    ]
    words = ["--base-url", scripted.url, "--output-file", str(path), *SMALL, *OWN]
    words[words.index("--num-prompt") + 1] = "5"
    words += ["--disable-stream", "--max-concurrency", "1"]
    assert module_main("serving", words) == 0
    (found,) = records(path)
    assert (found["completed"], found["failed"], found["total_output_tokens"]) == (1, 4, 4)
    errors = Counter(found["errors"])
    assert errors["HTTP 503: too many"] == 2
    assert errors["the text broke off before its end"] == 1
    assert sum(errors.values()) == 4
    assert "2 failed: HTTP 503: too many\n" in capsys.readouterr().err


def seen(scripted: ScriptedServer, backend: str, *chunks: Any) -> Outcome:
    """Ask once, and be answered with a stream."""
    scripted.replies = [Reply(chunks=chunks, pause_s=0.02)]

    async def ask() -> Outcome:
        async with BenchServer.connect(scripted.url, None) as server:
            return await server.ask(DIALECTS[backend], Prompt((5, 6), 4), "m", stream=True)

    return asyncio.run(ask())


def test_an_event_with_several_tokens_is_as_many_gaps(scripted: ScriptedServer) -> None:
    events = (native("a", 1, None), native("abcd", 4, "length"))
    outcome = seen(scripted, "sglang", *events, "[DONE]")
    assert outcome.error is None
    assert (outcome.num_input, outcome.num_output) == (6, 4)
    assert outcome.first_s is not None
    assert outcome.first_s < outcome.latency_s
    assert len(outcome.gaps_s) == 3
    assert len(set(outcome.gaps_s)) == 1
    assert sum(outcome.gaps_s) <= outcome.latency_s - outcome.first_s


def test_usage_counts_where_events_do_not(scripted: ScriptedServer) -> None:
    texts = [{"choices": [{"text": text, "finish_reason": None}]} for text in ("a", "", "b")]
    end = {"choices": [{"text": "", "finish_reason": "length"}]}
    usage = {"choices": [], "usage": {"completion_tokens": 9, "prompt_tokens": 2}}
    outcome = seen(scripted, "openai", *texts, end, usage, "[DONE]")
    assert (outcome.error, outcome.num_output, len(outcome.gaps_s)) == (None, 9, 1)
    outcome = seen(scripted, "openai", *texts, end, "[DONE]")
    assert outcome.error == "the server does not say how many tokens it wrote"


@pytest.mark.parametrize(
    ("chunks", "said"),
    [
        ((native("a", 1, None),), "the stream broke off before its end"),
        ((native("a", 1, None), "[DONE]"), "the text broke off before its end"),
        ((native("a", 1, None), {"error": {"message": "gone"}}), "gone"),
    ],
)
def test_a_stream_that_breaks_off_has_failed(
    chunks: tuple[Any, ...], said: str, scripted: ScriptedServer
) -> None:
    assert seen(scripted, "sglang", *chunks).error == said


def test_if_all_fail_the_command_fails(scripted: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    scripted.answer = lambda path, body: Reply(500, {"error": {"message": "broken"}})
    words = ["--base-url", scripted.url, "--output-file", str(path), *SMALL, *OWN]
    assert module_main("serving", words) == 3
    (found,) = records(path)
    assert (found["completed"], found["failed"]) == (0, 3)
    assert found["errors"] == {"HTTP 500: broken": 3}


def test_openai_is_sent_nothing_that_it_does_not_know(
    scripted: ScriptedServer, tmp_path: Path
) -> None:
    usage = {"completion_tokens": 4, "prompt_tokens": 6}
    choice = {"index": 0, "text": "abcd", "finish_reason": "length"}
    scripted.answer = lambda path, body: Reply(body={"choices": [choice], "usage": usage})
    for backend in ("openai", "vllm"):
        words = ["--backend", backend, "--base-url", scripted.url, *SMALL, *OWN]
        words += ["--disable-stream", "--output-file", str(tmp_path / "s.jsonl")]
        assert module_main("serving", words) == 0
    bodies = scripted.bodies("/v1/completions")
    assert ["ignore_eos" in body for body in bodies] == [False] * 3 + [True] * 3
    assert all(len(body["prompt"]) == 6 and body["max_tokens"] == 4 for body in bodies)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--base-url http://x --port 1", "either --base-url or --host and --port"),
        ("--base-url ftp://x", "must begin with http:// or https://"),
        ("--request-rate 0", "must be above 0"),
        ("--request-rate nan", "must be above 0"),
        ("--num-prompts 0", "must be at least 1"),
        ("--backend other", "invalid choice"),
        ("--gsp-output-len 3", "goes with --dataset-name generated-shared-prefix"),
    ],
)
def test_a_bad_argument_ends_at_once(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert module_main("serving", words.split()) == 2
    assert said in capsys.readouterr().err
