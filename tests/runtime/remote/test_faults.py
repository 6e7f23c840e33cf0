"""What servers say goes wrong: what is asked again, when, and what the author is told."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from generators.scripted_http import Reply, ScriptedServer

from sglc.runtime.remote.client import Client
from sglc.runtime.remote.connection import Connection
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.faults import error_in, refusal
from sglc.runtime.remote.policy import Policy

DAILY = {"@type": "QuotaFailure", "violations": [{"quotaId": "RequestsPerDayPerModel"}]}
MINUTELY = {"@type": "QuotaFailure", "violations": [{"quotaId": "TokensPerMinutePerModel"}]}
LATER = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38.5s"}


def error_of(**fields: Any) -> dict[str, Any]:
    return {"error": {"message": "no", **fields}}


@pytest.mark.parametrize(
    ("status", "headers", "body", "is_transient", "wait_s"),
    [
        (429, {}, error_of(type="rate_limit_error"), True, None),
        (429, {"retry-after": "7"}, error_of(), True, 7.0),
        (429, {"retry-after-ms": "250", "retry-after": "7"}, error_of(), True, 0.25),
        (429, {}, error_of(code="insufficient_quota"), False, None),
        (429, {}, error_of(details={"error_code": "enforced_spend_limit_reached"}), False, None),
        (429, {}, error_of(details=[MINUTELY, LATER]), True, 38.5),
        (429, {}, [error_of(details=[DAILY, LATER])], False, 38.5),
        (400, {"x-should-retry": "true"}, error_of(), True, None),
        (500, {"x-should-retry": "false"}, error_of(), False, None),
        (522, {}, "<html>", True, None),
        (529, {}, error_of(type="overloaded_error"), True, None),
        (501, {}, error_of(), False, None),
        (402, {}, error_of(), False, None),
    ],
)
def test_what_may_succeed_later(
    status: int, headers: dict[str, str], body: Any, is_transient: bool, wait_s: float | None
) -> None:
    error = refusal("http://host/a", status, headers, json.dumps(body))
    assert (error.is_transient, error.retry_after_s) == (is_transient, wait_s)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (429, error_of(code="insufficient_quota"), "no; what may be spent at the provider is used"),
        (400, error_of(code="context_length_exceeded"), "no; shorten the prompt, or lower max_tok"),
        (402, error_of(), "no; add credit at the provider"),
        (422, {"detail": [{"msg": "odd"}, {"msg": "more"}]}, '[{"msg": "odd"}, {"msg": "more"}]'),
        (400, [error_of()], "answers 400: no"),
    ],
)
def test_what_is_told(status: int, body: Any, told: str) -> None:
    assert told in str(refusal("http://host/a", status, {}, json.dumps(body)))


@pytest.mark.parametrize(
    ("reply", "is_transient"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}, True),
        (error_of(code=502), True),
        (error_of(status="UNAVAILABLE", code=503), True),
        ([error_of(status="INVALID_ARGUMENT", code=400)], False),
        ({"error": "no"}, False),
        (error_of(type="rate_limit_error", code="insufficient_quota"), False),
    ],
)
def test_an_error_may_come_with_a_status_of_200(reply: Any, is_transient: bool) -> None:
    error = error_in("http://host/a", reply)
    assert error is not None
    assert (str(error), error.is_transient) == ("http://host/a answers: no", is_transient)


@pytest.mark.parametrize("reply", [{"error": None}, {"choices": []}, [], [{"text": ""}], "error"])
def test_what_is_none(reply: Any) -> None:
    assert error_in("http://host/a", reply) is None


# The client


@contextmanager
def connection(url: str, **policy: Any) -> Iterator[Connection]:
    quick = Policy(**{"max_retries": 1, "first_delay_s": 0.001, **policy})
    with Connection(lambda meter: Client(url, quick, meter, {"x-api-key": "k-1"})) as made:
        yield made


def events_of(server: Connection) -> list[Any]:
    async def read() -> list[Any]:
        return [event async for event in server.events("/a", {})]

    return asyncio.run(read())


def test_what_is_spent_is_asked_for_once(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(429, error_of(code="insufficient_quota")))
    with connection(scripted.url) as server, pytest.raises(RemoteError, match="is used up"):
        server.post("/a", {})
    assert len(scripted.requests) == 1


@pytest.mark.parametrize(
    "ask", [lambda server: server.post("/a", {}), events_of], ids=["post", "events"]
)
def test_an_error_with_a_status_of_200_is_told_without_the_key(
    scripted: ScriptedServer, ask: Callable[[Connection], Any]
) -> None:
    said = error_of(message="the key k-1 is wrong")
    with connection(scripted.url) as server:
        scripted.replies.append(Reply(200, said) if ask is not events_of else Reply(chunks=[said]))
        with pytest.raises(RemoteError, match=r"answers: the key \*\*\* is wrong$"):
            ask(server)
    assert len(scripted.requests) == 1


def test_a_stream_that_begins_with_being_overloaded_is_asked_for_again(
    scripted: ScriptedServer,
) -> None:
    busy = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    scripted.replies += [Reply(chunks=[busy]), Reply(chunks=[{"n": 1}, busy])]
    with connection(scripted.url) as server, pytest.raises(RemoteError, match=r"Overloaded$"):
        events_of(server)  # behind an event it is not
    assert len(scripted.requests) == 2


def test_text_in_events_may_hold_what_python_takes_for_ends_of_lines(
    scripted: ScriptedServer,
) -> None:
    scripted.replies.append(Reply(chunks=['{"text": "a\u2028b\u0085c"}']))
    with connection(scripted.url) as server:
        assert events_of(server) == [{"text": "a\u2028b\u0085c"}]


def test_an_address_that_moved_is_told(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(308, b"", {"location": "http://new/a"}))
    with connection(scripted.url) as server, pytest.raises(RemoteError, match="points to http://n"):
        server.post("/a", {})


def test_a_proxy_that_refuses_is_told(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.replies.append(Reply(407))
    monkeypatch.setenv("https_proxy", scripted.url)
    with (
        connection("https://host.invalid") as server,
        pytest.raises(RemoteError, match=r"the proxy does not let .*407.*check HTTPS_PROXY"),
    ):
        server.post("/a", {})
    assert len(scripted.requests) == 1


def test_a_server_without_tls_is_told_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as connected:
                connected.recv(1)
                connected.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        answering = threading.Thread(target=answer)
        answering.start()
        with (
            connection(f"https://127.0.0.1:{listener.getsockname()[1]}") as server,
            pytest.raises(RemoteError, match=r"does not speak TLS.*begins with http://"),
        ):
            server.get("/a")
        answering.join()


def test_a_file_that_holds_no_certificates_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", tmp_path):
        with (
            connection("https://host.invalid", ca_file=str(path)) as server,
            pytest.raises(RemoteError, match=f"{path}' is no file of certificates"),
        ):
            server.get("/a")


def test_a_key_of_a_file_with_a_line_at_its_end_is_sent(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(body={}))
    with Connection(lambda m: Client(scripted.url, Policy(), m, {"x-api-key": "k-1\n"})) as server:
        server.get("/a")
    assert scripted.headers[0]["x-api-key"] == "k-1"


@pytest.mark.parametrize("key", ["k-\u00e9", "k-1\nk-2"])
def test_a_key_that_no_header_can_hold_is_told_without_it(
    scripted: ScriptedServer, key: str
) -> None:
    for make in (
        lambda meter: Client(scripted.url, Policy(), meter, {"authorization": f"Bearer {key}"}),
        lambda meter: Client(scripted.url, Policy(), meter, token=lambda: key),
    ):
        with (
            Connection(make) as server,
            pytest.raises(RemoteError, match="no header can hold: check the API key") as caught,
        ):
            server.get("/a")
        assert "k-" not in str(caught.value)
    assert not scripted.requests


def test_a_password_in_an_address_is_in_no_message(scripted: ScriptedServer) -> None:
    scripted.replies.append(Reply(403, {"error": "no"}))
    url = scripted.url.replace("http://", "http://me:secret@")
    with connection(url) as server, pytest.raises(RemoteError, match="answers 403") as caught:
        server.get("/a")
    assert str(caught.value).startswith(f"{scripted.url}/a answers")
    assert scripted.headers[0]["authorization"].startswith("Basic ")
