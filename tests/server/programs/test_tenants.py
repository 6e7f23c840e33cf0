"""Keys: what one has, another does not see; what one may use, its runs may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from generators.operated import Operated
from generators.servers import start_server
from generators.uploads import events_of, run, upload

from sglc.server.operations.key_file import edited

ASK = "tool ask() -> int\nprompt f() -> int:\n    return ask()\n"
MANY = """
prompt f(n: int):
    "Once"
    for i in 1..n:
        gen(max_tokens=4, min_tokens=4)
"""
LIMITS: dict[str, Any] = {
    "max_tokens": 30,
    "max_model_calls": 5,
    "max_fork_width": 3,
    "max_wall_time_s": 2.0,
}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operated]:
    """A server whose keys are alice's and bob's; bob may use little."""
    folder = tmp_path_factory.mktemp("keyed")
    file = folder / "keys.json"
    with edited(file) as found:
        keys = {"alice": found.add("alice", {}), "bob": found.add("bob", LIMITS)}
    server = start_server(folder, "--api-keys", str(file), "--isolate-cache")
    yield Operated(server, keys, file)
    assert server.stop() == 0, server.log.read_text()


@pytest.fixture
def clients(keyed: Operated) -> Iterator[tuple[httpx2.Client, httpx2.Client]]:
    """Alice's and bob's."""
    with keyed.client("alice") as alice, keyed.client("bob") as bob:
        yield alice, bob


def test_programs_and_runs_are_their_tenants(
    clients: tuple[httpx2.Client, httpx2.Client],
) -> None:
    alice, bob = clients
    program = upload(alice, ASK)
    with ExitStack() as stack:
        path = f"/v1/programs/{program}/run"
        reply = stack.enter_context(alice.stream("POST", path, json={"stream": True}))
        location = reply.headers["location"]
        events = events_of(reply.iter_lines())
        while (event := next(events)).name != "tool_call":
            pass
        call = f"{location}/tools/{event.data['call_id']}"
        for method, url, body in (
            ("GET", f"/v1/programs/{program}", None),
            ("GET", f"/v1/programs/{program}/ir", None),
            ("GET", f"/v1/programs/{program}/plan", None),
            ("GET", f"/v1/programs/{program}/viz", None),
            ("DELETE", f"/v1/programs/{program}", None),
            ("POST", path, {}),
            ("GET", location, None),
            ("GET", f"{location}/events", None),
            ("GET", f"{location}/trace", None),
            ("DELETE", location, None),
            ("POST", f"{location}/cancel", None),
            ("POST", call, {"result": 666}),
        ):
            assert bob.request(method, url, json=body).status_code == 404, url
        assert program not in bob.get("/v1/programs").text
        assert alice.post(call, json={"result": 7}).status_code == 200
        assert [*events][-1].data["value"] == 7
    # the same program is bob's own once he has uploaded it, and stays so
    assert upload(bob, ASK) == program
    assert alice.delete(f"/v1/programs/{program}").status_code == 200
    assert bob.get(f"/v1/programs/{program}").status_code == 200
    assert alice.get(f"/v1/programs/{program}").status_code == 404


def test_nobody_without_a_key(keyed: Operated) -> None:
    with httpx2.Client(base_url=keyed.url) as stranger:
        assert stranger.post("/v1/programs", json={"source": ASK}).status_code == 401
        assert stranger.get("/v1/runs/run_1").status_code == 401


@pytest.mark.parametrize(
    ("source", "arguments", "words"),
    [
        (MANY, {"n": 6}, "more than 5 model calls"),
        (MANY.replace("=4", "=16"), {"n": 3}, "more than 30 generated tokens"),
        (
            'prompt f(n: int):\n    "a"\n    fork i in 1..n as b:\n        k = gen(max_tokens=1)\n'
            "    m = b.k\n",
            {"n": 4},
            "a fork of more than 3 branches",
        ),
    ],
)
def test_a_run_may_use_what_its_key_may(
    clients: tuple[httpx2.Client, httpx2.Client],
    source: str,
    arguments: dict[str, Any],
    words: str,
) -> None:
    alice, bob = clients
    assert run(alice, upload(alice, source), arguments=arguments)["status"] == "completed"
    found = run(bob, upload(bob, source), arguments=arguments)
    assert found["status"] == "failed"
    assert found["error"]["code"] == "limit"
    assert words in found["error"]["message"]
    assert set(found) >= {"captures", "text", "messages", "stats"}  # what was finished


def test_a_key_has_its_time(clients: tuple[httpx2.Client, httpx2.Client]) -> None:
    _, bob = clients
    path = f"/v1/programs/{upload(bob, ASK)}/run"
    for more in ({}, {"timeout_s": 100}):
        with bob.stream("POST", path, json={"stream": True} | more) as reply:
            text = "".join(reply.iter_text())
        assert "the run needs more than 2 s" in text
