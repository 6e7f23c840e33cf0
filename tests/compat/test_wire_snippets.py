"""The requests of SGLang's documents, as they stand there, on a running server."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.request
from typing import Any

import openai
import pytest
from generators.servers import RunningServer
from generators.sglang_scripts import run_here

GENERATE = """{
    "text": "Once upon a time,",
    "sampling_params": {
      "max_new_tokens": 16,
      "temperature": 0
    }
  }"""
SEES = """{ "model": "default", "messages": [ { "role": "user", "content": [
 { "type": "image_url",
   "image_url": { "url": "https://www.ilankelman.org/stopsigns/australia.jpg" } },
 { "type": "text", "text": "What is the content of the image?" } ] } ], "temperature": 0 }"""


def _post(url: str, body: str) -> tuple[int, Any]:
    """Send what ``curl -H 'Content-Type: application/json' -d`` sends."""
    command = ["curl", "-s", "-w", "\n%{http_code}", url, "-H", "Content-Type: application/json",
        "-d", body]  # fmt: skip
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:  # no curl: the same bytes by other means
        request = urllib.request.Request(url, body.encode(), {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, json.load(reply)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
    text, _, status = said.rpartition("\n")
    return int(status), json.loads(text)


def test_generate(server: RunningServer) -> None:
    status, reply = _post(f"{server.url}/generate", GENERATE)
    meta = reply["meta_info"]
    assert status == 200
    assert reply["text"]
    assert meta["completion_tokens"] == meta["completion_tokens_wo_jump_forward"] == 16
    assert meta["finish_reason"] == {"type": "length", "length": 16}
    assert {"prompt_tokens", "cached_tokens", "id"} <= set(meta)


def test_a_picture_is_refused_by_a_model_of_text_and_said_so(server: RunningServer) -> None:
    status, reply = _post(f"{server.url}/v1/chat/completions", SEES)
    assert status == 400
    assert "image" in json.dumps(reply)


def test_the_client_of_openai(server: RunningServer) -> None:
    client = openai.Client(base_url=f"{server.url}/v1", api_key="EMPTY")
    completion = client.completions.create(
        model="default",
        prompt="The capital of France is",
        temperature=0,
        max_tokens=32,
    )
    assert completion.choices[0].text.startswith(" Paris")
    chat = client.chat.completions.create(
        model="default",
        messages=[
            {"role": "system", "content": "You are a helpful AI assistant"},
            {"role": "user", "content": "List 3 countries and their capitals."},
        ],
        temperature=0,
        max_tokens=64,
    )
    assert chat.choices[0].message.content


def test_the_example_for_models_of_openai(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    run_here("multi_turn_openai.py", options=())
    said = capsys.readouterr().out
    assert said.startswith("system : You are a helpful assistant.\nuser : What is the capital")
    assert "\nassistant : " in said


def test_the_example_of_speculation_counts_from_each_reset(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    run_here("openai_speculative.py", options=("--seed", "1"))
    counts = re.findall(r"TokenUsage\(prompt_tokens=(\d+), ", capsys.readouterr().out)
    first, second = map(int, counts)
    assert 0 < second < 1.5 * first  # else the first one would be part of it
