"""`sglc run --server`: programs on the model of another server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from generators.document_model import DocumentModel
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import RunningServer, free_port

Command = Callable[..., Any]
Write = Callable[..., Path]

ASK = """prompt ask(question: str) -> str:
    user: question
    assistant: answer = gen(max_tokens=12)
    return answer
"""
QUESTION = ("--question", "What is the capital of France?")


@pytest.mark.parametrize("dialect", ["native", "completions", "chat"])
def test_a_program_runs_on_a_server(
    sglc: Command, program: Write, server: RunningServer, dialect: str
) -> None:
    here = sglc("run", program(ASK), *QUESTION)
    done = sglc(
        "run", program(ASK), *QUESTION, "--server", server.url, "--dialect", dialect, "--stream"
    )
    assert (done.code, done.err) == (0, "")
    assert done.out == f"answer: {here.out}"


def test_anthropics_dialect_needs_a_model(
    sglc: Command, program: Write, server: RunningServer
) -> None:
    words = ("run", program(ASK), *QUESTION, "--server", server.url, "--dialect", "anthropic")
    refused = sglc(*words)
    assert (refused.code, "names no models" in refused.err) == (3, True)
    here = sglc("run", program(ASK), *QUESTION)
    assert sglc(*words, "--model", "m").out == here.out


def test_what_a_run_costs_is_what_the_server_bills(
    sglc: Command, program: Write, server: RunningServer
) -> None:
    done = sglc("run", program(ASK), *QUESTION, "--server", server.url, "--json")
    (cost,) = json.loads(done.out)["stats"].values()
    assert cost["prompt_tokens"] > 10
    assert 0 < cost["completion_tokens"] <= 12


def test_rows_run_on_a_server_and_go_on_where_they_were(
    sglc: Command, program: Write, server: RunningServer, tmp_path: Path
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"question": f"What is {n} + 1?"}) + "\n" for n in range(6)))
    out = tmp_path / "answers.jsonl"
    words = ("run", program(ASK), "--inputs", rows, "--out", out, "--server", server.url)
    assert sglc(*words).code == 0
    assert len(out.read_text().splitlines()) == 6
    assert "6 of 6 rows are done" in sglc(*words).err
    assert "rows are done" not in sglc(*words, "--emulate").err


def test_a_profile_of_a_server(sglc: Command, program: Write, server: RunningServer) -> None:
    done = sglc("run", program(ASK), *QUESTION, "--server", server.url, "--profile")
    assert done.code == 0
    assert "assistant: answer = gen(max_tokens=12)" in done.err


def test_what_the_server_cannot_do_is_told_before_anything_is_asked(
    sglc: Command, program: Write, scripted: ScriptedServer
) -> None:
    path = program(
        "prompt p(t: str):\n"
        '    "{t}{x = gen(int(1..9), max_tokens=4)}"\n'
        '    "{y = gen(max_tokens=4, top_k=3)}{z = select("a", "b")}"\n'
        "    inner()\n"
        "prompt inner():\n"
        '    "{w = gen(max_tokens=4, min_p=0.5)}"\n'
    )
    scripted.replies.append(Reply(body={"data": [{"id": "m", "owned_by": "somebody"}]}))
    words = ("run", path, "--prompt", "p", "--t", "x", "--server", scripted.url)
    done = sglc(*words, "--dialect", "completions")
    assert done.code == 3
    name = "completions of an OpenAI-compatible server"
    for line, refusal in (
        (2, f"`type`: {name} holds no text to int(1..9); emulate="),
        (3, f"`top_k`: {name} does not take it; leave it out"),
        (6, f"`min_p`: {name} does not take it; leave it out"),
    ):
        assert re.search(rf"program\.sgl:{line}:\d+: {re.escape(refusal)}", done.err)
    assert [path for path, _ in scripted.requests] == ["/v1/models"]


def test_types_are_emulated_if_that_is_asked_for(
    sglc: Command, program: Write, scripted: ScriptedServer
) -> None:
    path = program('prompt p() -> int:\n    "Q"\n    return gen(int(1..9), max_tokens=4)\n')
    scripted.replies += [
        Reply(body={"data": [{"id": "m", "owned_by": "somebody"}]}),
        Reply(body={"choices": [{"index": 0, "text": "none", "finish_reason": "stop"}]}),
        Reply(body={"choices": [{"index": 0, "text": "7", "finish_reason": "stop"}]}),
    ]
    done = sglc("run", path, "--server", scripted.url, "--dialect", "completions", "--emulate")
    assert (done.code, done.out) == (0, "7\n")


def test_speculation_pays_for_a_prompt_once(
    sglc: Command, program: Write, scripted: ScriptedServer
) -> None:
    path = program(
        "prompt p():\n"
        '    "A text.\\nName:{name = gen(stop="\\n", max_tokens=8)}"\n'
        '    "\\nJob:{job = gen(stop="\\n", max_tokens=8)}"\n'
    )
    model = DocumentModel("A text.\nName: Ada\nJob: writer\n")
    models = Reply(body={"data": [{"id": "m", "owned_by": "somebody"}]})
    scripted.answer = lambda path, body: models if body is None else model(path, body)
    words = ("run", path, "--server", scripted.url, "--dialect", "completions", "--json")
    plain, ahead = sglc(*words), sglc(*words, "--speculate", "32")
    for done in (plain, ahead):
        assert json.loads(done.out)["captures"] == {"name": " Ada", "job": " writer"}
    assert model.requests == 2 + 1


def test_a_server_that_is_not_there(sglc: Command, program: Write) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = sglc("run", program(ASK), *QUESTION, "--server", url)
    assert done.code == 3
    assert f"no server answers at {url}/get_model_info" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--server", "http://x", "--dtype", "float32"), "--dtype is about a model that runs here"),
        (("--server", "http://x", "--chat-template", "chatml"), "--chat-template is about a model"),
        (("--server", "http://x", "--max-slots", "9"), "--max-slots is about a model that runs"),
        (("--dialect", "native"), "--dialect goes with --server"),
        (("--emulate",), "--emulate goes with --server"),
        (("--speculate", "0"), "--speculate goes with --server"),
        (("--server", "http://x", "--speculate", "0"), "--speculate must be at least 1, not 0"),
    ],
    ids=str,
)
def test_options_that_say_nothing_are_refused(
    sglc: Command, program: Write, words: tuple[str, ...], message: str
) -> None:
    done = sglc("run", program(ASK), *QUESTION, *words)
    assert done.code == 2
    assert message in done.err


def test_the_key_comes_from_the_environment(
    sglc: Command, program: Write, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SGLC_SERVER_KEY", "secret-1")
    scripted.replies.append(Reply(401, {"error": "Unauthorized"}))
    done = sglc("run", program(ASK), *QUESTION, "--server", scripted.url)
    assert done.code == 3
    assert "answers 401: Unauthorized; check the API key" in done.err
    assert "secret-1" not in done.err
    assert scripted.headers[-1]["authorization"] == "Bearer secret-1"
