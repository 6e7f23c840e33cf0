"""A page of another origin changes nothing, though browsers send its simple requests unasked."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from generators.servers import RunningServer, start_server

KNOWN = "https://known.example"
BODY = '{"text": "a", "sampling_params": {"max_new_tokens": 1}}'
FORM = "application/x-www-form-urlencoded"  # a type that a page may send without being asked


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server whose operator names the origins that may use it."""
    running = start_server(tmp_path_factory.mktemp("closed"), "--cors-origin", KNOWN)
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture
def page(closed: RunningServer) -> Iterator[httpx2.Client]:
    headers = {"content-type": FORM}
    with httpx2.Client(base_url=closed.url, timeout=30, headers=headers) as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": KNOWN + ".evil.example"},
        {"origin": "http://known.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_strange_page_changes_nothing(headers: dict[str, str], page: httpx2.Client) -> None:
    for method, path in (
        ("POST", "/generate"),
        ("PUT", "/generate"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/files"),
        ("DELETE", "/v1/files/file-0"),
        ("GET", "/flush_cache"),
        ("GET", "/open_session"),
        ("POST", "/abort_request"),
    ):
        reply = page.request(method, path, content=BODY, headers=headers)
        assert reply.status_code == 403, (method, path)
        assert "access-control-allow-origin" not in reply.headers


def test_everybody_else_does(closed: RunningServer, page: httpx2.Client) -> None:
    own = {"origin": closed.url}
    for headers in ({}, own, {"origin": KNOWN}, {"sec-fetch-site": "same-origin"}):
        assert page.post("/generate", content=BODY, headers=headers).status_code == 200
    assert page.post("/generate", content=BODY, headers={"origin": KNOWN}).headers[
        "access-control-allow-origin"
    ] == KNOWN  # fmt: skip


def test_a_strange_page_may_look_and_read_nothing(page: httpx2.Client) -> None:
    reply = page.get("/v1/models", headers={"origin": "https://evil.example"})
    assert reply.status_code == 200
    assert "access-control-allow-origin" not in reply.headers
