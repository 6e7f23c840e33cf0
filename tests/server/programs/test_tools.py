"""Tools of uploaded programs: answered over the stream by the client, or by webhooks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from generators.servers import RunningServer
from generators.uploads import converse, events_of, run, upload
from generators.webhook import WebhookHost

from sglc.server.programs.webhook_file import WebhookFileError, read_webhooks
from sglc.server.programs.webhooks import signature

ASK = """
@timeout(2) @readonly
tool ask(q: str) -> int
prompt f(q: str) -> int:
    return try ask(q) else -1
prompt g(q: str) -> int:
    return ask(q)
"""
LOOK = "tool {name}(q: str) -> str\nprompt f(q: str) -> str:\n    return {name}(q)\n"


def test_a_client_answers_over_the_stream(http: httpx2.Client) -> None:
    events = converse(
        http, upload(http, ASK), lambda e: {"result": len(e.data["arguments"]["q"])},
        prompt="g", arguments={"q": "four"},
    )  # fmt: skip
    assert [event.name for event in events] == ["begin", "tool_call", "tool", "done"]
    call = events[1].data
    assert (call["name"], call["arguments"], call["timeout_s"]) == ("ask", {"q": "four"}, 2)
    assert events[-1].data["value"] == 4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"result": "four"}, "its result must be int: not a text"),
        ({"result": None}, "its result must be int"),
        ({"error": "no idea"}, "tool `ask` failed: no idea"),
    ],
)
def test_a_wrong_answer_is_an_error_of_the_program(
    http: httpx2.Client, answer: dict[str, Any], words: str
) -> None:
    program = upload(http, ASK)
    failed = converse(http, program, lambda _: answer, prompt="g", arguments={"q": "a"})[-1].data
    assert failed["status"] == "failed"
    assert words in failed["error"]["message"]
    caught = converse(http, program, lambda _: answer, prompt="f", arguments={"q": "a"})[-1].data
    assert caught["value"] == -1


def test_nobody_answers_in_time(http: httpx2.Client) -> None:
    body = {"prompt": "f", "arguments": {"q": "a"}, "stream": True}
    path = f"/v1/programs/{upload(http, ASK)}/run"
    with http.stream("POST", path, json=body) as reply:
        location = reply.headers["location"]
        events = [*events_of(reply.iter_lines())]
    assert events[-1].data["value"] == -1
    call = next(event.data["call_id"] for event in events if event.name == "tool_call")
    late = http.post(f"{location}/tools/{call}", json={"result": 1})
    assert late.json()["error"]["code"] == "call_not_waiting"


@pytest.mark.parametrize("answer", [{}, {"result": 1, "error": "a"}, {"value": 1}])
def test_an_answer_is_a_result_or_an_error(http: httpx2.Client, answer: dict[str, Any]) -> None:
    path = f"/v1/programs/{upload(http, ASK)}/run"
    body = {"prompt": "g", "arguments": {"q": "a"}, "stream": True}
    with http.stream("POST", path, json=body) as reply:
        location = reply.headers["location"]
        events = events_of(reply.iter_lines())
        while (event := next(events)).name != "tool_call":
            pass
        call = f"{location}/tools/{event.data['call_id']}"
        assert http.post(call, json=answer).status_code == 400
        assert http.post(f"{location}/tools/call_0_0", json={"result": 1}).status_code == 409
        assert http.post(call, json={"result": 5}).json()["accepted"]
        assert http.post(call, json={"result": 6}).status_code == 409
        assert [*events][-1].data["value"] == 5


def test_a_run_that_cannot_tell_its_calls_is_refused(http: httpx2.Client) -> None:
    body = {"prompt": "g", "arguments": {"q": "a"}}
    reply = http.post(f"/v1/programs/{upload(http, ASK)}/run", json=body)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "stream")


def test_many_calls_wait_at_once(http: httpx2.Client) -> None:
    """More than any pool of threads, and the model goes on meanwhile."""
    source = "tool ask(q: int) -> int\nprompt f(q: int) -> int:\n    return ask(q)\n"
    rows = [{"q": number} for number in range(60)]
    path = f"/v1/programs/{upload(http, source)}/run"
    with http.stream("POST", path, json={"batch": rows, "stream": True}) as reply:
        location, calls = reply.headers["location"], []
        for event in events_of(reply.iter_lines()):
            if event.name == "tool_call":
                calls.append(event.data)
            if len(calls) == 60:
                alive = {"text": "a", "sampling_params": {"max_new_tokens": 2}}
                assert http.post("/generate", json=alive).status_code == 200
                for call in calls:
                    value = {"result": call["arguments"]["q"] * 2}
                    http.post(f"{location}/tools/{call['call_id']}", json=value)
                calls.clear()
        assert event.data["failed"] == 0
    results = http.get(location).json()["results"]
    assert [result["value"] for result in results] == [2 * number for number in range(60)]


@pytest.fixture
def limited(short: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=short.url, timeout=60) as client:
        yield client


def test_a_webhook_answers_and_can_tell_who_asks(
    limited: httpx2.Client, webhook: WebhookHost
) -> None:
    found = run(limited, upload(limited, LOOK.format(name="lookup")), arguments={"q": "cats"})
    assert found["value"] == "about cats"
    body, headers = webhook.requests[-1]
    asked = json.loads(body)
    assert (asked["name"], asked["run"]) == ("lookup", found["id"])
    signed = headers["X-Sglc-Signature"]
    now = int(signed.partition(",")[0].removeprefix("t="))
    assert signed == signature(webhook.secret, body, now)
    assert signed != signature("another secret of ours", body, now)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", "out of order"),
        ("away", "a redirect, which is not followed"),
        ("slow", "no answer within 0.2 s"),
        ("inside", "not a public one"),
    ],
)
def test_a_webhook_that_fails_is_an_error_of_the_program(
    limited: httpx2.Client, webhook: WebhookHost, name: str, words: str
) -> None:
    before = len(webhook.requests)
    found = run(limited, upload(limited, LOOK.format(name=name)), arguments={"q": "a"})
    assert words in found["error"]["message"]
    assert webhook.url.removeprefix("http://") not in json.dumps(found)
    assert len(webhook.requests) == before + (name != "inside")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be an object"),
        ("{", "cannot be read"),
        ('{"a": {"url": "file:///etc/passwd"}}', "url: must be http"),
        ('{"a": {"url": "https://me:pw@x.org"}}', "may hold no password"),
        ('{"a": {"url": "https://x.org", "secret": "short"}}', "secret"),
        ('{"a": {"url": "https://x.org", "timeout": 3}}', "timeout"),
    ],
)
def test_a_file_of_webhooks_that_is_wrong_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "webhooks.json"
    file.write_text(text)
    with pytest.raises(WebhookFileError, match=words):
        read_webhooks(file)


def test_a_file_of_webhooks_is_read(tmp_path: Path) -> None:
    file = tmp_path / "webhooks.json"
    file.write_text('{"search": {"url": "https://x.org/s", "timeout_s": 5.0}}')
    found = read_webhooks(file)["search"]
    assert (found.url, found.timeout_s, found.private) == ("https://x.org/s", 5.0, False)
