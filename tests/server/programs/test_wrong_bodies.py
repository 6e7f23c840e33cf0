"""Any JSON in any field of requests about programs: refused with a name, or done."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from generators.uploads import upload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TYPES = """
type Kind = "a" | "b"
type Item = {name: str(max=4), kind: Kind, size: int(0..9)?}
tool look(item: Item) -> list[Item]
prompt f(items: list[Item](max=3) = [], n: number = 1, j: json = 1, w: word = "a") -> str:
    return str(n)
prompt g() -> str:
    return str(look({name: "a", kind: "a", size: none}))
"""
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["a", "f", "g", "-O1", "", "\0", "\ud800", "é" * 300, "1e999"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["name", "kind", "size", "items", "n", "j"]), inner),
    ),
    max_leaves=8,
)
RUNS = st.fixed_dictionaries(
    {},
    optional={
        "prompt": JSON,
        "arguments": st.one_of(
            JSON, st.dictionaries(st.sampled_from(["items", "n", "j", "w"]), JSON)
        ),
        "batch": JSON,
        "seed": JSON,
        "trace": st.booleans(),
        "timeout_s": JSON,
    },
)
UPLOADS = st.fixed_dictionaries(
    {},
    optional={
        "source": st.one_of(JSON, st.just(TYPES)),
        "ir": JSON,
        "entry": JSON,
        "level": JSON,
        "known": JSON,
    },
)
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def program(http: httpx2.Client) -> str:
    return upload(http, TYPES)


def post(http: httpx2.Client, path: str, body: Any) -> httpx2.Response:
    data = json.dumps(body).encode()
    return http.post(path, content=data, headers={"Content-Type": "application/json"})


@FEW
@given(body=RUNS)
def test_bodies_of_runs(http: httpx2.Client, program: str, body: dict[str, Any]) -> None:
    reply = post(http, f"/v1/programs/{program}/run", body)
    assert reply.status_code in (200, 400), reply.text
    if reply.status_code == 200:
        assert reply.json()["status"] in ("completed", "failed")
    else:
        assert reply.json()["error"]["message"]


@FEW
@given(body=UPLOADS)
def test_bodies_of_programs(http: httpx2.Client, body: dict[str, Any]) -> None:
    reply = post(http, "/v1/programs", body)
    assert reply.status_code in (200, 400, 422), reply.text
    if reply.status_code == 422:
        assert "diagnostics" in reply.json()


@FEW
@given(answer=JSON)
def test_answers_of_tools(http: httpx2.Client, program: str, answer: Any) -> None:
    body = {"prompt": "g", "stream": True}
    with http.stream("POST", f"/v1/programs/{program}/run", json=body) as reply:
        location = reply.headers["location"]
        lines = reply.iter_lines()
        call = next(json.loads(line[6:])["call_id"] for line in lines if "call_id" in line)
        told = post(http, f"{location}/tools/{call}", {"result": answer})
        assert told.status_code in (200, 400), told.text
        if told.status_code == 400:
            http.delete(location)
        last = [line for line in lines if line.startswith("data: ")][-1]
    assert json.loads(last[6:])["status"] in ("completed", "failed", "cancelled")
