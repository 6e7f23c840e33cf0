"""What starts when, and that values are those of the program whatever the order."""

from __future__ import annotations

import random
from typing import Any

import pytest

SEQUENCE = """
prompt @main(%x: str) {
  %s0 = stream
  %s1 = put %s0, %x
  %s2, %a = gen %s1 <max_tokens = 9, rng = "1", name = "a">
  %s3 = put %s2, " and"
  %s4, %b = gen %s3 <max_tokens = 9, rng = "2", name = "b">
  return %s4, a = %a, b = %b
}
"""
FORK = """
prompt @main() {
  %s0 = stream
  %s1 = put %s0, "go"
  %g = fork %s1, [10, 20, 30] branch (%t: stream, %k: int, %i: int) {
    %t1 = put %t, " "
    %t2 = put %t1, %k
    %t3, %v = gen %t2 <max_tokens = 9, rng = "1", name = "v", logprob = true>
    yield %t3, k = %k, i = %i, v = %v
  }
  %vs = field %g <name = "v">
  %ks = field %g <name = "k">
  %is = field %g <name = "i">
  %best = apply %g <fn = "best", by = ["k"]>
  %p = pick %g, 0
  %said = field %p <name = "text">
  %l = field %p <name = "logprob">
  %end: stream = field %best <name = "stream">
  return %end, vs = %vs, ks = %ks, is = %is, t = %said, l = %l
}
"""
LOOP = """
prompt @judge(%e: str) -> str {
  %s0 = stream
  %s1 = put %s0, %e
  %s2, %v = gen %s1 <max_tokens = 9, rng = "1">
  return %s2, result = %v
}
prompt @main() {
  %s0 = stream
  %s1: stream = for ["a", "b", "c"], %s0 body (%e: str, %s: stream) {
    %v: str = call @judge, %e <rng = "7">
    %t = put %s, %v
    yield %t
  }
  %all = map ["d", "e"] body (%f: str) {
    %w: str = call @judge, %f <rng = "8">
    yield %w
  }
  return %s1, all = %all
}
"""


def test_a_stream_is_written_in_order(world: Any) -> None:
    result = world.run(SEQUENCE, x="hey")
    assert result.value == {"a": "<hey>", "b": "<and>"}
    assert result.text == "hey<hey> and<and>"
    assert result.captures == result.value
    assert not result.partial
    assert world.backend.prompts == ["hey", "hey<hey> and"]


def test_all_branches_run_at_once(world: Any) -> None:
    result = world.run(FORK)
    assert world.backend.largest_window == 3
    assert result.value == {
        "vs": ["<10>", "<20>", "<30>"], "ks": [10, 20, 30], "is": [0, 1, 2],
        "t": " 10<10>", "l": -1.5,
    }  # fmt: skip
    assert result.text == "go 30<30>"


def test_turns_and_isolated_calls_overlap(world: Any) -> None:
    result = world.run(LOOP)
    assert world.backend.largest_window == 5
    assert result.text == "<a><b><c>"
    assert result.value == {"all": ["<d>", "<e>"]}


def test_model_calls_of_all_instances_share_a_window(world: Any) -> None:
    executor, plan = world.executor(), world.plan(SEQUENCE)
    runs = [executor.submit(plan, {"x": f"n{i}"}, instance=i) for i in range(5)]
    executor.run_until_idle()
    assert world.backend.largest_window == 5
    assert [run.result().value["a"] for run in runs] == [f"<n{i}>" for i in range(5)]


@pytest.mark.parametrize("source", [FORK, LOOP])
def test_the_order_of_the_backend_changes_nothing(world: Any, source: str) -> None:
    expected = world.run(source)
    for seed in range(8):
        world.backend.order = random.Random(seed)
        result = world.run(source)
        assert (result.value, result.text) == (expected.value, expected.text)


def test_keys_depend_on_the_place_and_on_nothing_else(world: Any) -> None:
    def keys(**options: int) -> set[int]:
        world.backend.requests.clear()
        executor = world.executor()
        executor.drive(executor.submit(world.plan(FORK), **options))
        return {request.script[1].key for request in world.backend.requests}

    assert len(keys()) == 3
    assert keys() == keys()
    assert not keys() & keys(seed=1)
    assert not keys() & keys(instance=1)


def test_calls_nest_a_thousand_deep(world: Any) -> None:
    source = """
    prompt @down(%n: int) -> int {
      %s = stream
      %c = cmp %n, 0 <op = "==">
      %s1: stream, %v: int = if %c
        do {
          yield %s, 0
        }
        else {
          %m: int = arith %n, 1 <op = "-">
          %r: int = call @down, %m <rng = "1">
          %q: int = arith %r, 1 <op = "+">
          yield %s, %q
        }
      return %s1, result = %v
    }
    prompt @main() -> int {
      %s = stream
      %v: int = call @down, 1500 <rng = "1">
      return %s, result = %v
    }
    """
    assert world.run(source).value == 1500


def test_a_function_returns_before_all_of_it_is_known(world: Any) -> None:
    """The value of a call does not wait for a part of the callee that it does not need."""
    source = """
    prompt @two(%x: str) -> str {
      %s0 = stream
      %s1 = put %s0, "slow"
      %s2, %a = gen %s1 <max_tokens = 9, rng = "1">
      return %s2, result = %x
    }
    prompt @main() {
      %s0 = stream
      %v: str = call @two, "fast" <rng = "1">
      %s1 = put %s0, %v
      %s2, %b = gen %s1 <max_tokens = 9, rng = "2">
      return %s2, b = %b
    }
    """
    world.backend.held = {"slow"}
    executor = world.executor()
    run = executor.submit(world.plan(source))
    for _ in range(4):
        executor.step()
    assert [e.value for e in run.log.since() if e.t == "value"] == []
    assert world.backend.prompts == ["slow", "fast"]
    world.backend.held = set()
    assert executor.drive(run).value == {"b": "<fast>"}
