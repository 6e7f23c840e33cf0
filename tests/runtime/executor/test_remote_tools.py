"""Tools that someone outside answers: no thread waits for them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.toolcalls import RemoteCall
from sglc.runtime.executor.tools import ToolRegistry

ASK = """
tool @ask(%q: str) -> int <effect = "readonly", timeout_s = 9, retries = 1>
prompt @main(%q: str) {
  %s0 = stream
  %v = tool @ask, q = %q
  return %s0, v = %v
}
"""


class Outside:
    """An executor that tells what it asks, with a clock that stands still."""

    def __init__(self, world: Any) -> None:
        self.calls: list[tuple[Run, RemoteCall]] = []
        self.now = 0.0
        self.executor = world.executor(
            tools=ToolRegistry(remote=True),
            clock=lambda: self.now,
            on_call=lambda run, call: self.calls.append((run, call)),
        )
        self.plan = world.plan(ASK)

    def begin(self, q: str = "why", **more: Any) -> Run:
        run = self.executor.submit(self.plan, {"q": q}, **more)
        self.executor.step()
        return run


@pytest.fixture
def outside(world: Any) -> Outside:
    return Outside(world)


def test_the_answer_is_the_value(outside: Outside) -> None:
    run = outside.begin()
    ((asking, call),) = outside.calls
    assert asking is run
    assert (call.name, call.arguments, call.timeout_s) == ("ask", {"q": "why"}, 9)
    assert outside.executor.answer(call.number, 42)
    assert outside.executor.drive(run).captures == {"v": 42}


def test_a_thousand_calls_wait_without_a_thread(outside: Outside) -> None:
    before = {*threading.enumerate()}
    runs = [outside.begin(str(i)) for i in range(1000)]
    assert not {*threading.enumerate()} - before
    for number, (_, call) in reversed([*enumerate(outside.calls)]):
        assert outside.executor.answer(call.number, number)
    outside.executor.run_until_idle()
    assert [run.result().captures["v"] for run in runs] == [*range(1000)]


def test_an_answer_of_another_type_is_refused_and_not_asked_again(outside: Outside) -> None:
    run = outside.begin()
    outside.executor.answer(outside.calls[0][1].number, "many")
    result = outside.executor.drive(run)
    assert result.error is not None
    assert "tool `ask`: its result must be int: not a text" in result.error.message
    assert len(outside.calls) == 1


def test_an_error_is_asked_again_under_another_number(outside: Outside) -> None:
    run = outside.begin()
    first = outside.calls[0][1].number
    outside.executor.answer(first, None, "busy")
    outside.executor.step()
    second = outside.calls[1][1].number
    assert not outside.executor.answer(first, 1)
    outside.executor.answer(second, None, "still busy")
    result = outside.executor.drive(run)
    assert result.error is not None
    assert result.error.message == "tool `ask` failed: still busy"


def test_a_call_has_the_time_its_tool_declares(outside: Outside) -> None:
    run = outside.begin()
    assert outside.executor.patience_s == 9
    for outside.now in (9.0, 18.0):  # tried again once
        outside.executor.step()
    assert run.done
    assert "no answer within 9 s" in str(run.result().error)
    assert not outside.executor.answer(outside.calls[0][1].number, 1)


def test_a_cancelled_run_waits_for_nothing(outside: Outside) -> None:
    run = outside.begin()
    outside.executor.cancel(run)
    assert not outside.executor.answer(outside.calls[0][1].number, 1)
    assert not outside.executor.is_waiting


def test_limits_are_those_of_the_run(outside: Outside) -> None:
    short = outside.begin(limits=Limits(wall_time_s=2))
    long = outside.begin()
    outside.now = 3.0
    outside.executor.step()
    assert "more than 2 s" in str(short.result().error)
    assert not long.done
