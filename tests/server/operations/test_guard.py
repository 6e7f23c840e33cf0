"""The door of a running server."""

from __future__ import annotations

import os
import signal

import httpx2
import pytest
from generators.operated import Operated, Wait

from sglc.server.operations.key_file import edited

GENERATE = {"text": "The capital of France is", "sampling_params": {"max_new_tokens": 1}}


def headers(**values: str) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in values.items()}


def test_a_key_opens_in_either_header(operated: Operated, stranger: httpx2.Client) -> None:
    key = operated.keys["alice"]
    for given in (
        headers(authorization=f"Bearer {key}"),
        headers(authorization=f"bearer  {key}"),
        headers(x_api_key=key),
        headers(x_api_key=key, authorization=f"Bearer {key}"),
    ):
        assert stranger.post("/generate", json=GENERATE, headers=given).status_code == 200, given


def test_no_key_or_a_wrong_one_does_not(operated: Operated, stranger: httpx2.Client) -> None:
    alice, bob = operated.keys["alice"], operated.keys["bob"]
    for given in (
        {},
        headers(authorization=f"Bearer {alice}x"),
        headers(authorization=f"Bearer {alice[:-1]}"),
        headers(authorization=f"Basic {alice}"),
        headers(authorization=alice),
        headers(authorization="Bearer"),
        headers(x_api_key="x" * 5000),
        headers(x_api_key=bob, authorization=f"Bearer {alice}"),
    ):
        reply = stranger.post("/generate", json=GENERATE, headers=given)
        assert (reply.status_code, reply.json()) == (401, {"error": "Unauthorized"}), given
        assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "path", ["/generate", "/v1/models", "/metrics", "/v1", "/nowhere", "/%2fhealth", "/HEALTH"]
)
def test_every_other_path_is_shut(path: str, stranger: httpx2.Client) -> None:
    assert stranger.get(path).status_code == 401


def test_health_and_preflight_need_none(stranger: httpx2.Client) -> None:
    assert stranger.get("/health").status_code == 200
    assert stranger.get("/healthy").status_code == 404
    assert stranger.options("/generate").status_code == 405


def test_refusals_speak_the_dialect_of_their_path(stranger: httpx2.Client) -> None:
    openai = stranger.post("/v1/chat/completions", json={}).json()["error"]
    assert (openai["type"], openai["code"]) == ("authentication_error", "invalid_api_key")
    anthropic = stranger.post("/v1/messages", json={}).json()
    assert anthropic["type"] == "error"
    assert anthropic["error"]["type"] == "authentication_error"


def test_what_one_key_has_stored_another_cannot_see(
    operated: Operated, alice: httpx2.Client
) -> None:
    made = alice.post(
        "/v1/files", data={"purpose": "batch"}, files={"file": ("a.jsonl", b"{}\n")}
    ).json()
    assert alice.get(f"/v1/files/{made['id']}").status_code == 200
    with operated.client("bob") as bob:
        assert bob.get(f"/v1/files/{made['id']}").status_code == 404
        assert bob.delete(f"/v1/files/{made['id']}").status_code == 404
        assert bob.get("/v1/files").json()["data"] == []
    assert alice.delete(f"/v1/files/{made['id']}").status_code == 200


@pytest.mark.parametrize("is_told", [True, False])
def test_keys_come_and_go_while_it_runs(
    is_told: bool, operated: Operated, stranger: httpx2.Client, eventually: Wait
) -> None:
    def status(key: str) -> int:
        return stranger.post("/generate", json=GENERATE, headers=headers(x_api_key=key)).status_code

    with edited(operated.file) as found:
        key = found.add("carol", {})
    if is_told:
        os.kill(operated.server.process.pid, signal.SIGHUP)
    eventually(lambda: status(key) == 200)
    with edited(operated.file) as found:
        found.remove("carol")
    eventually(lambda: status(key) == 401)
