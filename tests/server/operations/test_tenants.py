"""What tenants have of each other on a running server: nothing."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from generators.operated import Operated, Wait
from hypothesis import given
from hypothesis import strategies as st

from sglc.runtime.core.events import DecodeResult
from sglc.runtime.core.stats import StreamStats
from sglc.server.engine.messages import Finished, Sampled, Written
from sglc.server.errors import ApiError
from sglc.server.operations.context import Served, acting_for, serving
from sglc.server.operations.ledger import JobAccount, Ledger
from sglc.server.operations.tenant import Tenant, TenantLimits

SECRET = "the merger of the two companies will be announced on the third of May"


def cached(client: httpx2.Client, path: str, body: dict[str, Any]) -> int:
    reply = client.post(path, json=body).raise_for_status().json()
    return int(reply["meta_info"]["cached_tokens"])


def test_a_prefix_of_one_is_not_served_to_another(operated: Operated) -> None:
    body = {"text": SECRET, "sampling_params": {"max_new_tokens": 1}}
    with operated.client("alice") as alice, operated.client("bob") as bob:
        assert cached(alice, "/generate", body) == 0
        assert cached(alice, "/generate", body) > 5
        assert cached(bob, "/generate", body) == 0
        assert cached(bob, "/generate", body) > 5


def test_without_the_option_it_is(http: httpx2.Client) -> None:
    body = {"text": SECRET, "sampling_params": {"max_new_tokens": 1}}
    cached(http, "/generate", body)
    assert cached(http, "/generate", body) > 5


FOUR = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("path", "field", "body"),
    [
        ("/generate", "text", {"sampling_params": {"max_new_tokens": 1}}),
        ("/encode", "text", {}),
        ("/v1/completions", "prompt", {"max_tokens": 1}),
        ("/v1/embeddings", "input", {}),
        ("/v1/score", "items", {"query": "a", "label_token_ids": [1]}),
    ],
)
def test_a_request_makes_no_more_model_calls_than_its_key_allows(
    operated: Operated, path: str, field: str, body: dict[str, Any]
) -> None:
    with operated.client("dora") as dora:
        assert dora.post(path, json=body | {field: FOUR[:3]}).status_code == 200
        refused = dora.post(path, json=body | {field: FOUR})
    assert refused.status_code == 400
    assert "makes 4 model calls; its key allows 3" in refused.json()["error"]["message"]


def test_a_key_runs_no_more_requests_than_it_may(
    operated: Operated, alice: httpx2.Client, eventually: Wait
) -> None:
    long = {"text": "Once", "sampling_params": {"max_new_tokens": 1500, "ignore_eos": True}}
    short = {"text": "Once", "sampling_params": {"max_new_tokens": 1, "n": 2}}
    with operated.client("bob") as bob:
        with bob.stream("POST", "/generate", json=long | {"stream": True}) as stream:
            lines = stream.iter_lines()  # to be kept: its end is that of the stream
            next(lines)
            refused = bob.post("/generate", json=short)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert "max_concurrent" in refused.json()["error"]["message"]
            assert bob.get("/v1/files").status_code == 200  # calls no model
            assert alice.post("/generate", json=short).status_code == 200
        eventually(lambda: bob.post("/generate", json=short).status_code == 200)


def held(name: str, most: int | None) -> Served:
    return Served(Tenant(name, TenantLimits(max_concurrent=most)))


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=40))
def test_the_ledger_counts_requests_not_jobs(actions: list[tuple[int, bool]]) -> None:
    """Against a model that knows the open jobs of each request."""
    ledger = Ledger(isolates=False)
    requests = [held("a", 2), held("a", 2), held("a", 2), held("b", None), held("b", None)]
    jobs: list[list[JobAccount]] = [[] for _ in requests]

    def running(name: str) -> int:
        return sum(bool(j) for r, j in zip(requests, jobs, strict=True) if r.tenant.name == name)

    for at, begins in actions:
        about = requests[at]
        if not begins:
            if jobs[at]:
                jobs[at].pop().ended()
        else:
            refused = not jobs[at] and about.tenant.name == "a" and running("a") >= 2
            with serving(about):
                if refused:
                    with pytest.raises(ApiError, match="2 requests"):
                        ledger.open()
                else:
                    jobs[at].append(ledger.open())
        assert [ledger.num_running(n) for n in "ab"] == [running("a"), running("b")]


def test_work_in_the_background_takes_no_place_of_a_request() -> None:
    ledger = Ledger(isolates=True)
    tenant = held("a", 1).tenant
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(acting_for(tenant))
            ledger.open()
        assert (ledger.num_running("a"), ledger.namespace()) == (0, "a")
    assert ledger.namespace() == ""


def test_a_request_knows_what_it_came_to() -> None:
    now = [10.0]
    about = Served()
    with serving(about):
        account = Ledger(isolates=False, clock=lambda: now[0]).open()
    now[0] = 10.5
    account.replied(Written(1, 0, "a", (3,)))
    now[0] = 11.0
    account.replied(Written(1, 1, "b", (4,)))
    stats = StreamStats(prompt_tokens=7, cached_tokens=2)
    result = DecodeResult("ab", (3, 4), (0.0, 0.0), "length")
    for sample in range(2):
        account.replied(Sampled(1, sample, result, stats))
    account.replied(Finished(1))
    usage = about.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.completion_tokens) == (7, 2, 4)
    assert (usage.first_token_s, usage.num_jobs) == (0.5, 1)


PROGRAM = """
prompt main(topic: str) -> str:
    "The most important thing about {topic}, which nobody else has asked about, is"
    return gen(max_tokens=4)
"""


def test_what_one_has_another_cannot_find(operated: Operated, alice: httpx2.Client) -> None:
    """Every kind of thing that is kept, by every path that names it."""
    program = alice.post("/v1/programs", json={"source": PROGRAM}).raise_for_status().json()["id"]
    run = alice.post(f"/v1/programs/{program}/run", json={"arguments": {"topic": "tea"}}).json()
    line = {
        "custom_id": "1",
        "method": "POST",
        "url": "/v1/completions",
        "body": {"model": "m", "prompt": "One", "max_tokens": 1},
    }
    upload = {"file": ("a.jsonl", json.dumps(line).encode())}
    file = alice.post("/v1/files", data={"purpose": "batch"}, files=upload).json()["id"]
    order = {"input_file_id": file, "endpoint": "/v1/completions", "completion_window": "24h"}
    batch = alice.post("/v1/batches", json=order).raise_for_status().json()["id"]
    paths = [
        ("GET", f"/v1/programs/{program}"),
        ("GET", f"/v1/programs/{program}/ir"),
        ("GET", f"/v1/programs/{program}/plan"),
        ("GET", f"/v1/programs/{program}/viz"),
        ("POST", f"/v1/programs/{program}/run"),
        ("GET", f"/v1/runs/{run['id']}"),
        ("GET", f"/v1/runs/{run['id']}/events"),
        ("GET", f"/v1/runs/{run['id']}/trace"),
        ("POST", f"/v1/runs/{run['id']}/cancel"),
        ("POST", f"/v1/runs/{run['id']}/tools/0"),
        ("GET", f"/v1/files/{file}"),
        ("GET", f"/v1/files/{file}/content"),
        ("GET", f"/v1/batches/{batch}"),
        ("POST", f"/v1/batches/{batch}/cancel"),
        ("DELETE", f"/v1/runs/{run['id']}"),
        ("DELETE", f"/v1/files/{file}"),
        ("DELETE", f"/v1/programs/{program}"),
    ]
    bodies: dict[str, Any] = {"run": {"arguments": {"topic": "tea"}}, "0": {"result": 1}}
    with operated.client("bob") as bob:
        for method, path in paths:
            body = bodies.get(path.rsplit("/", 1)[-1])
            reply = bob.request(method, path, json=body)
            assert reply.status_code == 404, (method, path, reply.text)
        for path in ("/v1/programs", "/v1/files", "/v1/batches"):
            assert bob.get(path).json()["data"] == [], path
        refused = bob.post("/v1/batches", json=order)
        assert refused.status_code == 404
    for method, path in paths:
        if method == "GET" and "trace" not in path:
            assert alice.get(path).status_code == 200, path  # so it is the key that hides it


def test_programs_of_tenants_share_nothing_in_the_cache(operated: Operated) -> None:
    def cached(client: httpx2.Client) -> int:
        program = client.post("/v1/programs", json={"source": PROGRAM}).json()["id"]
        body = {"arguments": {"topic": "coffee"}}
        reply = client.post(f"/v1/programs/{program}/run", json=body).raise_for_status().json()
        (cost,) = reply["stats"].values()
        return int(cost["cached_tokens"])

    with operated.client("alice") as alice, operated.client("bob") as bob:
        cached(alice)
        assert (cached(bob), cached(alice) > 5, cached(bob) > 5) == (0, True, True)


def test_one_cannot_abort_what_another_asked_for(operated: Operated, alice: httpx2.Client) -> None:
    sampling = {"max_new_tokens": 1000, "ignore_eos": True}
    body = {"text": "One", "stream": True, "rid": "mine", "sampling_params": sampling}
    with alice.stream("POST", "/generate", json=body) as stream, operated.client("bob") as bob:
        lines = stream.iter_lines()
        next(lines)
        bob.post("/abort_request", json={"rid": "mine"})
        last = [line for line in lines if line][-2]
        assert json.loads(last.removeprefix("data: "))["meta_info"]["completion_tokens"] == 1000
