"""Fuel, time and cancelling: a run always ends, and nothing of it is left."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from sglc.runtime.executor.limits import Limits

MANY = """
prompt @main(%n: int) {
  %s0 = stream
  %s1 = put %s0, "first"
  %s2, %a = gen %s1 <max_tokens = 9, rng = "1", name = "a">
  %xs = range 1, %n
  %s3: stream = for %xs, %s2 body (%x: int, %s: stream) {
    %t, %v = gen %s <max_tokens = 9, rng = "2">
    yield %t
  }
  return %s3, a = %a
}
"""
FORK = """
prompt @main(%n: int) {
  %s0 = stream
  %s1 = put %s0, "first"
  %xs = range 1, %n
  %g = fork %s1, %xs branch (%b: stream, %x: int) {
    yield %b, x = %x
  }
  return %s1, n = %n
}
"""
SPIN = """
prompt @main(%n: int) {
  %s0 = stream
  while %n body {
    cond true
    yield
  }
  return %s0, n = %n
}
"""
TRY = """
prompt @main(%n: int) {
  %s0 = stream
  %v: int = try
    body {
      %xs = range 1, %n
      %ys = map %xs body (%x: int) {
        yield %x
      }
      %len: int = apply %ys <fn = "len">
      yield %len
    }
    else {
      yield 0
    }
  return %s0, v = %v
}
"""


@pytest.mark.parametrize(
    ("limits", "source", "message"),
    [
        (Limits(max_model_calls=3), MANY, "the run needs more than 3 model calls"),
        (Limits(max_tokens=8), MANY, "the run needs more than 8 generated tokens"),
        (Limits(max_turns=5), MANY, "the run needs more than 5 loop turns"),
        (Limits(max_fork_width=5), FORK, "the run needs a fork of more than 5 branches"),
        (Limits(max_turns=5), SPIN, "the run needs more than 5 loop turns"),
        (Limits(max_turns=5), TRY, "the run needs more than 5 loop turns"),  # cannot be caught
    ],
)
def test_a_run_that_needs_too_much_ends(
    world: Any, limits: Limits, source: str, message: str
) -> None:
    assert world.run(source, n=6).error is None
    world.limits = limits
    result = world.run(source, n=6)
    assert (result.error.code, result.error.message) == ("limit", message)
    assert result.value is None
    assert world.backend.idle


def test_what_resolved_before_the_limit_is_kept(world: Any) -> None:
    world.limits = Limits(max_model_calls=3)
    result = world.run(MANY, n=6)
    assert result.captures == {"a": "<first>"}
    assert result.text.startswith("first<first>")


def test_calls_have_a_largest_depth(world: Any) -> None:
    world.limits = Limits(max_depth=10)
    source = """
    prompt @down(%n: int) -> int {
      %s = stream
      %r: int = call @down, %n <rng = "1">
      return %s, result = %r
    }
    prompt @main() {
      %s = stream
      %v: int = call @down, 1 <rng = "1">
      return %s, v = %v
    }
    """
    assert "calls nested deeper than 10" in world.run(source).error.message


def test_wall_time_is_that_of_the_clock_given(world: Any) -> None:
    now = [0.0]
    world.clock = lambda: now[0]
    world.limits = Limits(wall_time_s=5)
    world.backend.held = {"first"}
    executor = world.executor()
    run = executor.submit(world.plan(MANY), {"n": 2})
    for now[0] in (1.0, 4.9):
        assert executor.step()
    now[0] = 5.0
    assert not executor.step()
    assert run.result().error.message == "the run needs more than 5 s"
    assert world.backend.cancelled == [1]


GROW = """
prompt @main(%n: int) {
  %s0 = stream
  %a = const "aaaaaaaaaa"
  %xs = range 1, %n
  %t: str = for %xs, %a body (%x: int, %b: str) {
    %c: str = concat %b, %b
    yield %c
  }
  return %s0, t = %t
}
"""
NEST = """
prompt @main(%n: int) {
  %s0 = stream
  %a: list[any] = list %n
  %xs = range 1, %n
  %t: list[any] = for %xs, %a body (%x: int, %b: list[any]) {
    %c: list[any] = list %b, %b
    yield %c
  }
  return %s0, t = %t
}
"""
TWICE = """
prompt @twice(%n: int) -> int {
  %s = stream
  %more = cmp %n, 0 <op = ">">
  %r: int = if %more
    do {
      %m: int = arith %n, 1 <op = "-">
      %x: int = call @twice, %m <rng = "1">
      %y: int = call @twice, %m <rng = "2">
      %z: int = arith %x, %y <op = "+">
      yield %z
    }
    else {
      yield 1
    }
  return %s, result = %r
}
prompt @main(%n: int) {
  %s = stream
  %v: int = call @twice, %n <rng = "1">
  return %s, v = %v
}
"""


@pytest.mark.parametrize("source", [GROW, NEST])
def test_data_that_doubles_ends_the_run_before_the_memory(world: Any, source: str) -> None:
    world.limits = Limits(max_data=10_000)
    assert world.run(source, n=5).error is None
    error = world.run(source, n=60).error
    assert error.message == "the run needs more than 10000 characters and items of data"


def test_lists_that_nest_without_end_are_an_error(world: Any) -> None:
    world.limits = Limits(max_data=1_000_000)
    source = NEST.replace("list %b, %b", "list %b")
    assert world.run(source, n=150).error is None
    assert "nest deeper than 200" in world.run(source, n=500).error.message


def test_calls_that_double_end(world: Any) -> None:
    world.limits = Limits(max_blocks=500)
    assert world.run(TWICE, n=5).captures == {"v": 32}
    message = world.run(TWICE, n=60).error.message
    assert message == "the run needs more than 500 turns, branches, arms and calls"


def test_a_run_that_computes_leaves_the_step_to_others(world: Any) -> None:
    ticks = itertools.count()
    executor = world.executor(clock=lambda: float(next(ticks)), max_step_s=10)
    spinning = executor.submit(world.plan(SPIN), {"n": 10_000})
    asking = executor.submit(world.plan(MANY), {"n": 2})
    steps = 0
    while not asking.done:
        assert executor.step()
        executor.wait()  # does not block: nothing outside is waited for
        steps += 1
    assert not spinning.done
    assert steps < 20
    executor.run_until_idle()
    assert spinning.result().error is None


@pytest.mark.parametrize("field", ["max_tokens", "wall_time_s", "tool_timeout_s"])
def test_limits_are_positive(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} must be positive, not 0"):
        Limits(**{field: 0})


def test_cancelling_leaves_nothing_and_harms_nobody(world: Any) -> None:
    release = threading.Event()
    world.tools["wait"] = lambda k: str(release.wait(60))
    world.backend.held = {"held"}
    source = """
    tool @wait(%k: str) -> str <effect = "readonly">
    prompt @main(%x: str) {
      %s0 = stream
      %s1 = put %s0, %x
      %s2, %a = gen %s1 <max_tokens = 9, rng = "1", name = "a">
      %s3, %b = gen %s2 <max_tokens = 9, rng = "2", name = "b">
      %w = tool @wait, k = %a
      return %s3, b = %b
    }
    """
    executor, plan = world.executor(), world.plan(source)
    runs = [executor.submit(plan, {"x": x}) for x in ("held", "free", "free")]
    for _ in range(5):
        executor.step()
    executor.cancel(runs[0])
    executor.cancel(runs[1])
    assert world.backend.cancelled == [1]
    assert runs[0].result().error.code == "cancelled"
    assert runs[1].result().captures == {"a": "<free>", "b": "<free<free>>"}
    release.set()
    assert executor.drive(runs[2]).error is None
    assert world.backend.idle
    assert not executor.step()
    executor.cancel(runs[2])
    assert runs[2].result().error is None


def test_a_result_is_there_only_at_the_end(world: Any) -> None:
    executor = world.executor()
    run = executor.submit(world.plan(FORK), {"n": 1})
    assert not run.done
    with pytest.raises(RuntimeError, match="not done"):
        run.result()
    executor.close()
    assert run.result().error.message == "the executor was closed"
