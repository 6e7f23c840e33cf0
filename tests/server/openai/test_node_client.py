"""Every method that the official client for Node has for these endpoints."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from generators.servers import RunningServer

HERE = Path(__file__).parent / "node"
INSTALLED = Path(__file__).parents[3] / "build" / "node"


def _installed() -> Path:
    """Return a folder with the client in it; it is installed once, and again for a new version."""
    wanted = (HERE / "package.json").read_text()
    kept = INSTALLED / "package.json"
    if not (INSTALLED / "node_modules" / "openai").exists() or kept.read_text() != wanted:
        shutil.rmtree(INSTALLED, ignore_errors=True)
        INSTALLED.mkdir(parents=True)
        kept.write_text(wanted)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
        made = subprocess.run(command, cwd=INSTALLED, capture_output=True, text=True, timeout=120)
        if made.returncode:
            shutil.rmtree(INSTALLED)
            pytest.skip(f"npm cannot install the client: {made.stderr[-300:]}")
    return INSTALLED


@pytest.fixture(scope="module")
def found(server: RunningServer) -> dict[str, Any]:
    """What the client got, by the names in ``calls.mjs``."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    command = ["node", str(HERE / "calls.mjs"), str(_installed()), f"{server.url}/v1"]
    made = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    result: dict[str, Any] = json.loads(made.stdout)
    return result


def content(reply: dict[str, Any]) -> Any:
    return reply["choices"][0]["message"]["content"]


def test_answers_and_streams(found: dict[str, Any]) -> None:
    assert content(found["create"]) == "Paris."
    *chunks, usage = found["chunks"]
    assert "".join(each["choices"][0]["delta"].get("content", "") for each in chunks) == "Paris."
    assert usage["usage"] == found["create"]["usage"]


def test_the_stream_helper_joins_what_it_sees(found: dict[str, Any]) -> None:
    assert "".join(found["contents"]) == content(found["helper"]) == "Paris."
    tokens = [each["token"] for each in found["helper"]["choices"][0]["logprobs"]["content"]]
    assert "".join(tokens) == "Paris."


def test_formats_and_arguments_parse(found: dict[str, Any]) -> None:
    assert 0 <= json.loads(content(found["parsed"]))["a"] <= 9
    (choice,) = found["calls"]["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["id"].startswith("call_")
    assert 0 <= json.loads(call["function"]["arguments"])["a"] <= 9


def test_tools_are_run(found: dict[str, Any]) -> None:
    (given,) = found["given"]
    *_, called, answered = found["run"]
    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"a": given}
    assert answered["content"] == str(2 * given)
    assert answered["tool_call_id"] == called["tool_calls"][0]["id"]


def test_responses(found: dict[str, Any]) -> None:
    assert found["response"]["output_text"] == found["deltas"] == "Paris."
    (item,) = found["shaped"]["output"]
    assert 0 <= json.loads(item["content"][0]["text"])["a"] <= 9


def test_files_and_batches(found: dict[str, Any]) -> None:
    assert found["retrieved"] == found["file"]
    assert found["content"] == "\n".join(found["lines"])
    ended = found["ended"]
    assert ended["status"] == "completed"
    assert ended["request_counts"] == {"total": 2, "completed": 2, "failed": 0}
    output = [json.loads(line) for line in found["output"].splitlines()]
    assert [line["custom_id"] for line in output] == ["a", "b"]
    assert [content(line["response"]["body"]) for line in output] == ["Paris.", "Paris."]
    assert found["batch"]["id"] in found["listed"]
    assert ended["output_file_id"] in found["files"]
    assert found["cancelled"] == {"name": "ConflictError", "status": 409}
    assert found["deleted"] == {"id": found["file"]["id"], "object": "file", "deleted": True}


def test_the_other_endpoints(found: dict[str, Any]) -> None:
    assert found["completion"]["usage"]["completion_tokens"] == 3
    assert found["pieces"]
    assert [len(each["embedding"]) for each in found["embedding"]["data"]] == [256, 256]
    assert found["models"] == [found["model"]]
    assert found["error"] == {"name": "BadRequestError", "status": 400, "param": "n"}
