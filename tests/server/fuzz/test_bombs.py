"""Requests that would take for ever, or all memory: refused in time, and nobody else waits."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer

Json = dict[str, Any]


def doubling(depth: int) -> Json:
    """A schema of ``depth`` definitions whose text would be 2 ** depth long."""
    sides = ("left", "right")
    made: Json = {
        f"d{i}": {
            "type": "object",
            "properties": {side: {"$ref": f"#/$defs/d{i + 1}"} for side in sides},
            "required": list(sides),
        }
        for i in range(depth)
    }
    return {"$defs": made | {f"d{depth}": {"type": "string"}}, "$ref": "#/$defs/d0"}


SCHEMAS: dict[str, Json] = {
    "a large enum": {"enum": [f"value {i} of many" for i in range(40_000)]},
    "itself": {"$ref": "#"},
    "a ring": {
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
        "$ref": "#/$defs/a",
    },
    "elsewhere": {"$ref": "http://127.0.0.1:1/x"},
    "a file": {"$ref": "file:///etc/passwd"},
    "doubling": doubling(60),
    "many items": {"type": "array", "items": {"type": "string"}, "minItems": 10**9},
    "a long text": {"type": "string", "minLength": 10**9},
    "a pattern": {"type": "string", "pattern": "((a{1,500}){1,500}){1,500}"},
}
REGEXES = {
    "repeats of repeats": "(a{1000}){1000}",
    "a huge count": "a{1000000000}",
    "brackets": "(" * 5000 + "a" + ")" * 5000,
    "subsets": "(a|b)*a(a|b){30}",
    "alternatives": "|".join(f"word{i}x" for i in range(50_000)),
}
GRAMMARS = {
    "a loop": "root ::= a\na ::= root",
    "brackets": "root ::= " + "(" * 3000 + '"a"' + ")" * 3000,
    "doubling": "root ::= r0\n"
    + "\n".join(f"r{i} ::= r{i + 1} r{i + 1}" for i in range(100))
    + '\nr100 ::= "a"',
}
BOMBS: dict[str, tuple[str, Json]] = {
    f"{field}: {name}": ("/v1/completions", {"prompt": "a", "max_tokens": 3, field: value})
    for field, group in (("json_schema", SCHEMAS), ("regex", REGEXES), ("ebnf", GRAMMARS))
    for name, value in group.items()
} | {
    "prompts": ("/v1/completions", {"prompt": [[1]] * 100_000}),
    "texts": ("/generate", {"text": ["a"] * 100_000}),
    "a text": ("/generate", {"text": "a b " * 2_000_000}),
    "tokens": ("/tokenize", {"prompt": "a b " * 2_000_000}),
    "many ids": ("/v1/completions", {"prompt": [1] * 2_000_000}),
    "ids": ("/generate", {"input_ids": ["a"] * 1_000_000}),
    "embeddings": ("/v1/embeddings", {"input": ["a"] * 100_000}),
    "fields": ("/v1/messages", dict.fromkeys(map(str, range(100_000)))),
    "a deep program": (
        "/v1/programs",
        {"source": f"prompt main() -> int:\n    return {'(' * 9000}1{')' * 9000}\n"},
    ),
    "a long program": (
        "/v1/programs",
        {"source": "prompt main():\n" + "    user: a\n" * 60_000},
    ),
}
TINY = {"text": "a", "sampling_params": {"max_new_tokens": 1}}


def megabytes(pid: int) -> int:
    """The memory that a process has in use."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) >> 10


def test_bombs_are_refused_and_others_are_served(small_server: RunningServer) -> None:
    found: dict[str, httpx2.Response] = {}

    def drop(name: str) -> None:
        path, body = BOMBS[name]
        found[name] = httpx2.post(f"{small_server.url}{path}", json=body, timeout=60)

    pids = (small_server.process.pid, small_server.engine_pid())
    before = [megabytes(pid) for pid in pids]
    threads = [threading.Thread(target=drop, args=[name]) for name in BOMBS]
    with httpx2.Client(base_url=small_server.url, timeout=10) as client:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert client.post("/generate", json=TINY).status_code == 200
        for thread in threads:
            thread.join()
        state = client.get("/get_server_info").json()["internal_states"][0]
    assert len(found) == len(BOMBS)
    for name, reply in found.items():
        assert reply.status_code in (400, 422), (name, reply.text)
        assert len(reply.text) < 4000
    assert small_server.engine_pid() == pids[1]  # the same one, not a new one
    grown = [megabytes(pid) - was for pid, was in zip(pids, before, strict=True)]
    assert max(grown) < 300, grown
    assert state["jobs"] == state["running"] == state["waiting"] == 0, state


@pytest.mark.parametrize("body", [{"n": 128, "max_tokens": 10**18}, {"max_tokens": 2**70}])
def test_what_is_asked_for_is_bounded_by_the_context(
    body: Json, small_server: RunningServer
) -> None:
    reply = httpx2.post(
        f"{small_server.url}/v1/completions", json={"prompt": "a"} | body, timeout=60
    )
    assert reply.status_code == 200
    assert reply.json()["usage"]["completion_tokens"] <= 40 * body.get("n", 1)
