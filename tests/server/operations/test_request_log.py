"""Request ids, the log, origins and headers, on a running server."""

from __future__ import annotations

import json
import logging
import re

import httpx2
import pytest
from generators.operated import ORIGIN, Operated
from hypothesis import given
from hypothesis import strategies as st

from sglc.server.operations.context import Served, serving
from sglc.server.operations.log_format import FIELDS, JsonFormatter, TextFormatter
from sglc.server.operations.tenant import Tenant

GENERATE = {"text": "The capital of France is", "sampling_params": {"max_new_tokens": 4}}


def test_a_sane_id_is_taken_and_given_back(alice: httpx2.Client, operated: Operated) -> None:
    reply = alice.post("/generate", json=GENERATE, headers={"x-request-id": "job-7.a_b"})
    assert reply.headers["x-request-id"] == reply.headers["request-id"] == "job-7.a_b"
    (record,) = operated.log_of("job-7.a_b")
    assert record["message"] == "POST /generate"
    assert (record["status"], record["tenant"]) == (200, "alice")
    assert record["bytes_in"] == len(json.dumps(GENERATE, separators=(",", ":")))
    assert record["bytes_out"] == len(reply.content)


@pytest.mark.parametrize("given_id", ["", "a b", "x" * 129, 'a"b', "ä".encode().decode("latin-1")])
def test_another_gets_a_new_one(given_id: str, alice: httpx2.Client) -> None:
    reply = alice.get("/health", headers={"x-request-id": given_id.encode("latin-1")})  # type: ignore[dict-item]  # httpx2 takes bytes
    assert len(bytes.fromhex(reply.headers["x-request-id"])) == 16


def test_errors_have_an_id_too(stranger: httpx2.Client, alice: httpx2.Client) -> None:
    replies = [
        stranger.get("/v1/models"),
        alice.get("/nowhere"),
        alice.post("/generate", json={"text": 1}),
    ]
    assert [each.status_code for each in replies] == [401, 404, 400]
    assert len({each.headers["x-request-id"] for each in replies}) == 3


def test_the_log_has_neither_keys_nor_what_is_said(
    operated: Operated, alice: httpx2.Client, stranger: httpx2.Client
) -> None:
    said = "a sentence nobody else has written"
    ids = [
        alice.post("/generate", json=GENERATE | {"text": said}).headers["x-request-id"],
        stranger.post(
            "/generate", json=GENERATE, headers={"authorization": "Bearer wrong-key-7"}
        ).headers["x-request-id"],
    ]
    for each in ids:
        operated.log_of(each)
    text = operated.server.log.read_text()
    assert said not in text
    assert "wrong-key-7" not in text
    assert not any(key in text for key in operated.keys.values())


def test_pages_of_the_origin_may_call(stranger: httpx2.Client) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    reply = stranger.options("/v1/chat/completions", headers=asked)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert "authorization" in reply.headers["access-control-allow-headers"]
    other = stranger.options("/v1/chat/completions", headers=asked | {"Origin": "https://evil"})
    assert "access-control-allow-origin" not in other.headers
    refused = stranger.get("/v1/models", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ORIGIN  # the page can read why
    assert "access-control-allow-credentials" not in refused.headers


def test_replies_are_not_to_be_framed_or_sniffed(stranger: httpx2.Client) -> None:
    found = stranger.get("/health").headers
    assert found["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in found["content-security-policy"]


def test_anybody_may_call_by_default(http: httpx2.Client) -> None:
    assert http.get("/health", headers={"Origin": ORIGIN}).headers[
        "access-control-allow-origin"
    ] == "*"  # fmt: skip


FIELD = re.compile(r' (a|b)=("(?:[^"\\]|\\.)*"|[^ "]+)')


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text('ab= "\\\n\u2028é', max_size=8)))
def test_no_value_can_be_read_as_another_field(fields: dict[str, str]) -> None:
    record = logging.LogRecord("sglc", logging.INFO, "", 0, "done", (), None)
    setattr(record, FIELDS, fields)
    _, _, rest = TextFormatter().format(record).partition(" done")
    read = {
        name: json.loads(word) if word.startswith('"') else word
        for name, word in FIELD.findall(rest)
    }
    assert read == fields
    assert FIELD.sub("", rest) == ""


def test_a_path_is_one_word(alice: httpx2.Client, operated: Operated) -> None:
    reply = alice.get("/x%20status=200%20tenant=admin%0Ay", headers={"x-request-id": "path-1"})
    assert reply.status_code == 404
    (record,) = operated.log_of("path-1")
    assert record["message"] == "GET /x%20status=200%20tenant=admin%0Ay"


@given(st.text(), st.dictionaries(st.sampled_from(["a", "b"]), st.text()))
def test_a_record_is_one_line(message: str, fields: dict[str, str]) -> None:
    record = logging.LogRecord("sglc", logging.INFO, "", 0, "%s", (message,), None)
    setattr(record, FIELDS, fields)
    with serving(Served(Tenant("alice"), "id-1")):
        line, data = TextFormatter().format(record), JsonFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert len(data.split("\n")) == 1
    read = json.loads(data)
    assert (read["message"], read["request_id"], read["tenant"]) == (message, "id-1", "alice")
    assert {name: read[name] for name in fields} == fields
