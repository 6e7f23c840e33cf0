"""Servers that are down, busy, slow, broken or something else: what is said, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from generators.remote_runs import Runner, plan_of
from generators.scripted_http import Reply, ScriptedServer
from generators.servers import free_port

from sglc.runtime.executor.limits import Limits
from sglc.runtime.remote.capabilities import SGLC
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.faults import retry_after_s
from sglc.runtime.remote.open import open_remote
from sglc.runtime.remote.policy import Policy

ASK = 'prompt ask():\n    "Q: {answer = gen(max_tokens=8)}"\n'
QUICK = {"first_delay_s": 0.001, "max_delay_s": 0.01}


def event(text: str, finish: Any = None, **meta: Any) -> dict[str, Any]:
    """Return an event of SGLang's dialect: all of the text so far."""
    told = {"prompt_tokens": 2, "completion_tokens": len(text.split()), "cached_tokens": 0}
    return {"text": text, "meta_info": {"finish_reason": finish, **told, **meta}}


STOP = {"type": "stop", "matched": None}
FINE = Reply(chunks=[event("one"), event("one two", STOP), "[DONE]"])


class Server(ScriptedServer):
    """Runs programs against a script."""

    def __init__(self) -> None:
        super().__init__()
        self.runners: list[Runner] = []

    def runner(self, url: str | None = None, **policy: Any) -> Runner:
        remote = open_remote(
            "native", url=url or self.url, capabilities=SGLC, policy=Policy(**(QUICK | policy))
        )
        self.runners.append(Runner(remote))
        return self.runners[-1]


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        made.replies.append(Reply(body={"model_path": "m"}))
        yield made
        for runner in made.runners:
            runner.close()


def failure(runner: Runner) -> str:
    """Return the message of a program that fails."""
    result = runner.run(ASK)
    assert result.error is not None
    assert result.error.code == "model"
    assert str(result.error.loc) == "a.sgl:2:19"
    return result.error.message


def test_an_answer(server: Server) -> None:
    runner = server.runner()
    server.replies.append(FINE)
    assert runner.run(ASK).captures == {"answer": "one two"}


def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RemoteError, match=r"no server answers at .*\(tried 3 times\)") as caught:
        open_remote("native", url=url, policy=Policy(max_retries=2, **QUICK))  # type: ignore[arg-type]
    assert url in str(caught.value)
    assert "start it, or check the address" in str(caught.value)


def test_a_server_that_goes_away() -> None:
    with Server() as server:
        server.replies.append(Reply(body={"model_path": "m"}))
        runner = server.runner(max_retries=1)
    try:
        assert f"no server answers at {server.url}/generate" in failure(runner)
        assert runner.remote.backend.usage.retries == 1
    finally:
        runner.close()


def test_two_failures_of_the_server_and_then_none(server: Server) -> None:
    runner = server.runner(max_retries=2)
    server.replies += [Reply(500, {"error": {"message": "oops"}})] * 2 + [FINE]
    assert runner.run(ASK).captures == {"answer": "one two"}
    used = runner.remote.backend.usage
    assert (used.requests, used.retries) == (3, 2)


def test_a_failure_that_stays(server: Server) -> None:
    runner = server.runner(max_retries=2)
    server.replies += [Reply(503, {"message": "overloaded"})] * 3
    message = failure(runner)
    assert "answers 503: overloaded; see the server's log (tried 3 times)" in message


def test_a_busy_server_says_when(server: Server) -> None:
    runner = server.runner(max_retries=1)
    server.replies += [Reply(429, {"error": "busy"}, {"retry-after": "0.005"}), FINE]
    assert runner.run(ASK).captures == {"answer": "one two"}


def test_a_busy_server_that_wants_too_long(server: Server) -> None:
    runner = server.runner(max_retries=5)
    server.replies.append(Reply(429, {"error": "busy"}, {"retry-after": "3600"}))
    message = failure(runner)
    assert "answers 429: busy; lower max_in_flight" in message
    assert message.endswith("; it asks to wait for 3600 s")
    assert len(server.bodies("/generate")) == 1


@pytest.mark.parametrize(
    ("status", "advice"),
    [(400, "no such field"), (401, "check the API key"), (404, "check the address")],
)
def test_a_refusal_is_not_tried_again(server: Server, status: int, advice: str) -> None:
    runner = server.runner()
    server.replies.append(Reply(status, {"error": {"message": "no such field"}}))
    assert advice in failure(runner)
    assert len(server.bodies("/generate")) == 1


def test_a_stream_that_breaks_off_keeps_its_text_and_is_not_tried_again(server: Server) -> None:
    runner = server.runner()
    server.replies.append(Reply(chunks=[event("one"), event("one two")], breaks=True))
    run = runner.submit(ASK)
    result = runner.finish(run)
    deltas = [each.value for each in run.log.since() if each.t == "delta"]
    assert "".join(deltas) == "one two"
    assert result.error is not None
    assert "/generate broke off its answer" in result.error.message
    assert len(server.bodies("/generate")) == 1


def test_a_stream_that_ends_without_an_end(server: Server) -> None:
    runner = server.runner()
    server.replies.append(Reply(chunks=[event("one"), "[DONE]"]))
    assert "broke off its answer behind 3 characters" in failure(runner)


def test_a_stream_that_breaks_off_before_any_text_is_tried_again(server: Server) -> None:
    runner = server.runner()
    server.replies += [Reply(chunks=[], breaks=True), FINE]
    assert runner.run(ASK).captures == {"answer": "one two"}
    assert runner.remote.backend.usage.retries == 1


def test_no_text_in_time(server: Server) -> None:
    runner = server.runner(first_token_s=0.05)
    server.replies.append(Reply(chunks=[event("one", STOP)], pause_s=0.3))
    assert "has sent no text within 0.05 s; raise timeout_s (first_token_s of" in failure(runner)
    assert len(server.bodies("/generate")) == 1  # it works on that, and may bill it


def test_the_time_of_a_run_ends_what_waits_for_a_server(server: Server) -> None:
    runner = server.runner()
    server.replies.append(Reply(chunks=[event("one")], pause_s=0.5))
    run = runner.executor.submit(plan_of(ASK), {}, limits=Limits(wall_time_s=0.05))
    result = runner.finish(run)
    assert result.error is not None
    assert (result.error.code, result.error.message) == ("limit", "the run needs more than 0.05 s")
    assert runner.remote.backend.idle


def test_no_end_in_time(server: Server) -> None:
    runner = server.runner(total_s=0.15)
    server.replies.append(Reply(chunks=[event("a" * n) for n in range(1, 8)], pause_s=0.05))
    assert "has not answered within 0.15 s; raise timeout_s (total_s of" in failure(runner)


def test_an_error_in_the_stream(server: Server) -> None:
    runner = server.runner()
    server.replies.append(Reply(chunks=[event("one"), {"error": {"message": "out of memory"}}]))
    assert failure(runner).endswith("/generate answers: out of memory")


@pytest.mark.parametrize(
    ("chunk", "said"),
    [
        ("{]", "what is no JSON: '{]'"),
        ({"text": "x"}, "no meta_info"),
        ({"meta_info": {}}, "no text"),
        ([1], "no meta_info"),
        (event("x", STOP, completion_tokens="many"), "completion_tokens 'many'"),
        (event("x", STOP) | {"index": 7}, "a text number 7"),
        (event("x", {"type": "abort", "message": "killed"}), "gave up the text: killed"),
    ],
    ids=str,
)
def test_nonsense(server: Server, chunk: Any, said: str) -> None:
    runner = server.runner()
    server.replies.append(Reply(chunks=[chunk]))
    assert said in failure(runner)


def test_something_else_at_the_address(server: Server) -> None:
    runner = server.runner()
    server.replies.append(Reply(body=b"<html>It works!</html>"))
    assert "does not stream: it answered with application/json" in failure(runner)


def test_no_address() -> None:
    with pytest.raises(RemoteError, match="is no address of a server"):
        open_remote("native", url="localhost:30000")
    with pytest.raises(ValueError, match="needs a url, as http://"):
        open_remote("native")
    with pytest.raises(ValueError, match="unknown kind of server 'grpc'"):
        open_remote("grpc", url="x")  # type: ignore[arg-type]


def test_a_run_that_is_cancelled_ends_its_request(server: Server) -> None:
    runner = server.runner()
    server.replies.append(Reply(chunks=[event("a" * n) for n in range(1, 200)], pause_s=0.02))
    run = runner.submit(ASK)
    while not any(each.t == "delta" for each in run.log.since()):
        runner.executor.step()
        runner.executor.wait(1)
    runner.executor.cancel(run)
    assert run.result().error is not None
    assert runner.remote.backend.idle
    assert runner.remote.backend.step() == []
    while not server.num_left:
        time.sleep(0.01)


def test_what_is_not_json_in_an_error(server: Server) -> None:
    runner = server.runner(max_retries=0)
    server.replies.append(Reply(502, b"<html>Bad Gateway</html>"))
    assert "answers 502: <html>Bad Gateway</html>; see the server's log" in failure(runner)


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_retries", -1), ("max_in_flight", 0), ("total_s", -1.0), ("connect_s", float("nan")),
     ("max_retries", 1.5), ("tokens_per_minute", "9"), ("emulate", "sometimes")],
)  # fmt: skip
def test_a_policy_names_the_field_that_is_wrong(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field} must be"):
        Policy(**{field: value})


def test_retry_after_is_seconds_or_a_date() -> None:
    later = datetime.now(UTC) + timedelta(seconds=60)
    assert retry_after_s("2.5") == 2.5
    assert 50 < (retry_after_s(format_datetime(later, usegmt=True)) or 0) <= 60
    assert retry_after_s("Mon, 01 Jan 2001 00:00:00 GMT") == 0
    assert retry_after_s("soon") is None
    assert retry_after_s("nan") is None
    assert retry_after_s(None) is None


def test_delays_double_and_have_a_limit() -> None:
    policy = Policy(first_delay_s=1.0, max_delay_s=6.0)
    for attempt, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 6.0), (500, 6.0)):
        delays = [policy.delay_s(attempt) for _ in range(50)]
        assert all(longest / 2 <= delay <= longest for delay in delays)
        assert len(set(delays)) > 1  # clients that failed together do not come back together


def test_a_stop_text_that_a_server_shows_and_takes_back_is_never_shown(server: Server) -> None:
    runner = server.runner()
    ended = event("one", {"type": "stop", "matched": "\n\n"})
    server.replies.append(Reply(chunks=[event("on"), event("one\n"), ended]))
    run = runner.submit('prompt ask():\n    "Q: {answer = gen(max_tokens=8, stop="\\n\\n")}"\n')
    result = runner.finish(run)
    assert result.captures == {"answer": "one"}
    assert [each.value for each in run.log.since() if each.t == "delta"] == ["on", "e"]


@pytest.mark.parametrize("reason", ["FINISH_LENGTH: 8", "FINISH_EOS"])
def test_a_server_that_says_in_words_why_a_text_ended(server: Server, reason: str) -> None:
    runner = server.runner()
    server.replies.append(Reply(chunks=[event("one", reason)]))
    assert runner.run(ASK).captures == {"answer": "one"}


def test_a_server_is_asked_at_its_newer_paths_too(scripted: ScriptedServer) -> None:
    answers = {
        "/model_info": Reply(body={"model_path": "m"}),
        "/v1/models": Reply(body={"data": [{"id": "m", "owned_by": "sglang"}]}),
        "/server_info": Reply(body={"version": "0.6.0"}),
    }
    scripted.answer = lambda path, body: answers.get(path, Reply(404, {"detail": "Not Found"}))
    remote = open_remote("native", url=scripted.url)
    remote.backend.close()
    assert (remote.capabilities.name, remote.model) == ("sglang 0.5", "m")


def test_a_server_of_another_dialect_is_told(scripted: ScriptedServer) -> None:
    scripted.answer = lambda path, body: Reply(404, {"detail": "Not Found"})
    with pytest.raises(RemoteError, match="does not name its model at /get_model_info; check"):
        open_remote("native", url=scripted.url)


@pytest.mark.parametrize(
    ("owner", "info", "name"),
    [
        ("sglc", None, "sglc"),
        ("sglang", {"version": "0.5.3"}, "sglang 0.5"),
        ("sglang", {"version": "0.4.1"}, "sglang 0.2 to 0.4"),
        (None, None, "sglang 0.2 to 0.4"),
    ],
)
def test_a_server_is_asked_what_it_is(
    scripted: ScriptedServer, owner: str | None, info: Any, name: str
) -> None:
    answers = {
        "/get_model_info": Reply(body={"model_path": "m"}),
        "/v1/models": Reply(body={"data": [{"id": "m", "owned_by": owner}]}),
        "/get_server_info": Reply(body=info),
    }
    if owner is None:
        answers["/v1/models"] = answers["/get_server_info"] = Reply(404, {"detail": "Not Found"})
    scripted.answer = lambda path, body: answers.get(path, Reply(404, {"detail": "Not Found"}))
    remote = open_remote("native", url=scripted.url + "/generate")
    remote.backend.close()
    assert (remote.capabilities.name, remote.model) == (name, "m")
