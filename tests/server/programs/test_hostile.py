"""Programs that are meant to do harm: each ends with an error, and nobody else waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer
from generators.uploads import run_source, upload

DEEP = "".join(f"{'    ' * (i + 1)}if x:\n" for i in range(99)) + "    " * 100 + '"a"\n'
NESTED = "".join(f"{'    ' * (i + 1)}for i{i} in 1..n:\n" for i in range(5))
FORKED = "".join(f"{'    ' * (i + 1)}fork a{i} in 1..9 as x{i}:\n" for i in range(5))
UPLOADS: dict[str, tuple[str, str]] = {
    "huge": (f'prompt f():\n    "{"a" * 300_000}"\n', "262144 at most"),
    "deep lists": (f"prompt f():\n    x = {'[' * 3000}1{']' * 3000}\n", "nested deeper"),
    "deep blocks": (f"prompt f(x: bool):\n{DEEP}", "nested deeper"),
    "long names": (f"prompt f():\n    {'x' * 200_000}\n", "unknown name"),
    "endless constants": (
        "let a = [i for i in 1..100000]\nlet b = [a for i in 1..1000]\n"
        'prompt f():\n    "{len(b)}"\n',
        "takes too long",
    ),
    "a type too large to check": (
        'type T = /(a|b)*a(a|b){18}/\nprompt f(x: T):\n    "{x}"\n',
        "too large to check",
    ),
    "a constraint too large": (
        "type T = /(a|b)*a(a|b){18}/\nprompt f():\n    x = gen(T, max_tokens=4)\n",
        "more than 100000 states",
    ),
    "endless recursion": (
        "prompt f(n: int) -> int:\n    return f(n)\n",
        "recursion",
    ),
}
GROW = "prompt f(n: int):\n    {start}\n    for i in 1..n:\n        s = {step}\n    x = s\n"
RUNS: dict[str, tuple[str, str]] = {
    "an endless loop": (
        "prompt f():\n    n = 0\n    while true limit 100000000:\n        n = n + 1\n    m = n\n",
        "more than 20000 loop turns",
    ),
    "loops in loops": (
        f'prompt f(n: int):\n{NESTED}{"    " * 6}"a"\n',
        "more than 20000 loop turns",
    ),
    "texts that double": (
        GROW.format(start='s = "aaaa"', step="s + s"),
        "more than 100000 characters and items",
    ),
    "lists that double": (
        GROW.format(start="s: json = [1]", step="[s, s]"),
        "more than 100000 characters and items",
    ),
    "lists that nest": (GROW.format(start="s: json = [1]", step="[s]"), "nest deeper than 200"),
    "a list of millions": (
        "prompt f(n: int):\n    x = [i for i in 1..n * 1000]\n    y = x\n",
        "more than 100000 characters and items",
    ),
    "a wide fork": (
        'prompt f(n: int):\n    "a"\n    fork a in 1..n as x:\n        k = gen(max_tokens=1)\n'
        "    m = x.k\n",
        "a fork of more than 10 branches",
    ),
    "forks in forks": (
        f'prompt f():\n    "a"\n{FORKED}{"    " * 6}k = a4 + 1\n    m = x0.x1.x2.x3.x4.k\n',
        "more than 30000 turns, branches, arms and calls",
    ),
    "many model calls": (
        'prompt f(n: int):\n    for i in 1..n:\n        "a"\n        gen(max_tokens=1)\n',
        "more than 50 model calls",
    ),
    "many tokens": (
        'prompt f(n: int):\n    for i in 1..n:\n        "a"\n'
        "        gen(max_tokens=100, min_tokens=100)\n",
        "more than 500 generated tokens",
    ),
    "a prompt over the context": (
        'prompt f(n: int):\n    for i in 1..n:\n        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\n'
        "    gen(max_tokens=2)\n",
        "the prompt has",
    ),
}  # fmt: skip


@pytest.fixture
def limited(short: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=short.url, timeout=60) as client:
        yield client


@pytest.mark.parametrize("name", UPLOADS)
def test_a_program_too_large_is_refused_and_says_so(limited: httpx2.Client, name: str) -> None:
    source, words = UPLOADS[name]
    reply = limited.post("/v1/programs", json={"source": source})
    assert reply.status_code == 422, reply.text[:500]
    assert words in reply.text, reply.text[:500]
    assert limited.get("/health").status_code == 200


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_needs_too_much_ends(limited: httpx2.Client, name: str) -> None:
    source, words = RUNS[name]
    program = upload(limited, source)
    arguments = {"n": 1000} if "f(n: int)" in source else {}
    found = limited.post(f"/v1/programs/{program}/run", json={"arguments": arguments}).json()
    limited.delete(f"/v1/programs/{program}")
    assert found["status"] == "failed", found
    assert words in found["error"]["message"]
    stats = limited.post("/generate", json={"text": "a", "sampling_params": {"max_new_tokens": 1}})
    assert stats.status_code == 200


def test_others_go_on_while_one_computes(http: httpx2.Client) -> None:
    """Runs that only compute take turns with the model: a dozen calls of it come in between."""
    source = (
        "prompt f():\n    n = 0\n    for a in 1..300:\n        for b in 1..300:\n"
        "            n = (n + a * b) % 7\n    m = n\n"
    )
    program, ended = upload(http, source), threading.Event()
    found: list[Any] = []

    def compute() -> None:
        found.append(http.post(f"/v1/programs/{program}/run", json={"seed": 0}).json())
        ended.set()

    thread = threading.Thread(target=compute)
    thread.start()
    answered = 0
    while not ended.is_set():
        body = {"text": "Once", "sampling_params": {"max_new_tokens": 4}}
        assert http.post("/generate", json=body).status_code == 200
        answered += 1
    thread.join()
    assert found[0]["status"] == "completed", found
    assert answered >= 4


def test_a_program_may_take_less_time_than_the_server_allows(http: httpx2.Client) -> None:
    source = "tool wait() -> int\nprompt f() -> int:\n    return wait()\n"
    body = {"stream": True, "timeout_s": 0.3}
    path = f"/v1/programs/{upload(http, source)}/run"
    with http.stream("POST", path, json=body) as reply:
        text = "".join(reply.iter_text())
    assert "the run needs more than 0.3 s" in text


def test_programs_are_counted(limited: httpx2.Client) -> None:
    ids: list[str] = []
    while True:
        source = f"prompt f() -> int:\n    return {len(ids)}\n"
        reply = limited.post("/v1/programs", json={"source": source})
        if reply.status_code != 200:
            break
        ids.append(reply.json()["id"])
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "too_many_programs")
    assert len(limited.get("/v1/programs").json()["data"]) == 8
    for each in ids:
        limited.delete(f"/v1/programs/{each}")
    assert run_source(limited, "prompt f() -> int:\n    return 1\n")["value"] == 1


def test_a_result_too_large_is_told_as_such(http: httpx2.Client) -> None:
    source = 'prompt f(n: int) -> list[str]:\n    return ["abc" for i in 1..n]\n'
    program = upload(http, source)
    reply = http.post(f"/v1/programs/{program}/run", json={"arguments": {"n": 90_000}})
    assert len(reply.json()["value"]) == 90_000
    source = "prompt f(x: str):\n    user: x\n"
    reply = http.post(
        f"/v1/programs/{upload(http, source)}/run", json={"arguments": {"x": "a" * 2_100_000}}
    )
    assert reply.json()["omitted"] == ["text", "messages"]


def test_results_of_a_batch_are_bounded(limited: httpx2.Client) -> None:
    program = upload(limited, "prompt f(x: str) -> str:\n    return x\n")
    rows = [{"x": "a" * 10_000}] * 40
    found = limited.post(f"/v1/programs/{program}/run", json={"batch": rows}).json()
    values = [each["value"] for each in found["results"] if "error" not in each]
    errors = [each["error"] for each in found["results"] if "error" in each]
    assert values[0] == "a" * 10_000
    assert sum(map(len, values)) <= 100_000 + 10_000
    assert len(errors) == len(rows) - len(values)
    assert {each["code"] for each in errors} == {"limit"}
    assert "more than 100000 bytes" in errors[0]["message"]
