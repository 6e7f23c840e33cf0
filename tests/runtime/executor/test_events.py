"""The log of a run, and what its model calls cost."""

from __future__ import annotations

from typing import Any

from sglc.runtime.executor.events import RunEvent

SOURCE = """
tool @get(%k: str) -> str <effect = "readonly">
prompt @main() {
  %s0 = stream
  %s1 = put %s0, "start "
  %s2, %a = gen %s1 <max_tokens = 9, rng = "1", name = "a", show = true>
  %s3, %b = gen %s2 <max_tokens = 9, rng = "2">
  %s4, %c, %p = select %s3, ["x", "y"] <by = "token_avg", name = "c">
  %w = tool @get, k = %a
  %g = fork %s4, [7] branch (%t: stream, %k: int) {
    %t1 = put %t, %k
    %t2, %d = gen %t1 <max_tokens = 9, rng = "3", name = "d">
    yield %t2, d = %d
  }
  %n = apply %g <fn = "len">
  return %s4, n = %n, w = %w
}
"""


def test_the_log_of_a_run(world: Any) -> None:
    world.tools["get"] = lambda k: k.upper()
    heard: list[RunEvent] = []
    executor = world.executor()
    run = executor.submit(world.plan(SOURCE), on_event=heard.append)
    result = executor.drive(run)
    assert run.log.since() == heard
    assert run.log.since(3) == heard[3:]
    assert len(run.log) == len(heard)
    value = {"n": 1, "w": "<START>"}
    data = [event.to_data() for event in heard if event.t != "tool"]
    assert data == [
        {"t": "delta", "name": "a", "path": "", "text": "<st", "show": True},
        {"t": "delta", "name": "a", "path": "", "text": "art>", "show": True},
        {"t": "value", "name": "a", "path": "", "value": "<start>", "show": True},
        {"t": "value", "name": "c", "path": "", "value": "y"},
        {"t": "delta", "name": "d", "path": "0", "text": heard_text(heard, 0)},
        {"t": "delta", "name": "d", "path": "0", "text": heard_text(heard, 1)},
        {"t": "value", "name": "d", "path": "0", "value": heard_text(heard, 0, 1)},
        {"t": "branch", "name": "", "path": "0", "text": "7" + heard_text(heard, 0, 1)},
        {"t": "done", "name": "", "path": "", "value": value},
    ]
    assert [e.to_data() for e in heard if e.t == "tool"] == [
        {"t": "tool", "name": "get", "path": "", "value": "<START>"}
    ]
    assert result.value == value
    assert result.captures == {"a": "<start>", "c": "y", "n": 1, "w": "<START>"}


def heard_text(heard: list[RunEvent], *which: int) -> str:
    deltas = [event.value for event in heard if event.t == "delta" and event.name == "d"]
    return "".join(deltas[number] for number in which)


def test_without_deltas(world: Any) -> None:
    world.tools["get"] = lambda k: k
    executor = world.executor()
    run = executor.submit(world.plan(SOURCE), deltas=False)
    executor.drive(run)
    kinds = [event.t for event in run.log.since() if event.t != "tool"]
    assert kinds == ["value", "value", "value", "branch", "done"]
    assert not any(request.deltas for request in world.backend.requests)


def test_an_error_is_the_last_but_one_event(world: Any) -> None:
    executor = world.executor()
    run = executor.submit(world.plan('prompt @main() {\n  %s = stream\n  fail "no"\n}'))
    error = executor.drive(run).error
    assert [(e.t, e.value) for e in run.log.since()] == [("error", error), ("done", None)]
    assert str(error) == "a.sgl:3:1: no"


def test_costs_are_counted_by_place(world: Any) -> None:
    source = """
    prompt @main() {
      %s0 = stream
      %s1 = put %s0, "abc"
      %xs = map [1, 2] body (%x: int) {
        %s2, %a = gen %s1 <max_tokens = 9, rng = "1">
        yield %a
      }
      %s3, %v, %p = select %s1, ["x", "yy"] <by = "unconditional">
      return %s1, xs = %xs
    }
    """
    stats = {str(loc): cost for loc, cost in world.run(source).stats.items()}
    assert set(stats) == {"a.sgl:5:1", "a.sgl:8:1"}
    gens = stats["a.sgl:5:1"]
    assert (gens.calls, gens.prompt_tokens, gens.decoded_tokens, gens.decode_steps) == (2, 6, 6, 4)
    assert stats["a.sgl:8:1"].calls == 1
