"""Arms that begin before their decision: what they do counts once they are taken, else nothing."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from sglc.runtime.executor.limits import Limits

# The decision is a decode on a stream of its own; `%kind` goes into it, the echo comes out.
ROUTER = """
tool @look(%key: str) -> str <effect = "readonly">
tool @note(%line: str) -> str
prompt @main(%kind: str) -> str {{
  %s0 = stream
  %s1 = put %s0, "mail:"
  %d0 = stream
  %d1 = put %d0, "kind "
  %d2 = put %d1, %kind
  %d3, %k = gen %d2 <max_tokens = 9, rng = "1">
  {before}
  %s6: stream, %x: str = match %k <spec = {spec}>
    case "<refund>" {{
      {refund}
    }}
    else {{
      {other}
    }}
  return %s6, result = %x
}}
"""
DRAFT = """
      %c1 = put %s1, " refund"
      %c2, %e = gen %c1 <max_tokens = 9, rng = "2", name = "draft", show = true>
      yield %c2, %e
"""
SHORT = """
      %n1 = put %s1, " short"
      %n2, %w = gen %n1 <max_tokens = 9, rng = "3", name = "draft">
      yield %n2, %w
"""
REFUND = '["<refund>"]'


def router(
    spec: str = REFUND, refund: str = DRAFT, other: str = SHORT, before: str = "cond_free"
) -> str:
    text = ROUTER.format(spec=spec, refund=refund.strip(), other=other.strip(), before=before)
    return "\n".join(line for line in text.splitlines() if line.strip() not in ("", "cond_free"))


def outcome(result: Any) -> Any:
    return result.value, result.text, result.captures, result.error and result.error.message


def deciding(world: Any, source: str, kind: str) -> tuple[Any, Any]:
    """Start a run whose decision is held back, and do what can be done meanwhile."""
    world.backend.held = {"kind "}
    executor = world.executor()
    run = executor.submit(world.plan(source), {"kind": kind})
    for _ in range(4):
        executor.step()
    world.backend.held = set()
    return executor, run


def test_the_arm_is_in_the_window_of_its_decision(world: Any) -> None:
    plain = world.run(router("[]"), kind="refund")
    assert world.backend.largest_window == 1
    assert (plain.speculated, plain.committed) == (0, 0)
    early = world.run(router(), kind="refund")
    assert world.backend.largest_window == 2
    assert outcome(early) == outcome(plain)
    assert early.value == "<refund>"
    assert (early.speculated, early.committed, early.wasted_tokens) == (1, 1, 0)
    decision, arm = world.backend.requests[-2:]
    assert decision.priority == 0 > arm.priority
    assert decision.script[1].key == world.backend.requests[0].script[1].key
    assert arm.script[1].key == world.backend.requests[1].script[1].key


def test_an_arm_that_is_not_taken_leaves_nothing_behind(world: Any) -> None:
    plain = world.run(router("[]"), kind="sale")
    world.backend.held = {" refund"}
    early = world.run(router(), kind="sale")
    assert outcome(early) == outcome(plain)
    assert (early.speculated, early.committed) == (1, 0)
    assert len(world.backend.cancelled) == 1
    assert early.stats.keys() > plain.stats.keys()  # ... but its cost


def test_nothing_is_told_before_the_decision(world: Any) -> None:
    executor, run = deciding(world, router(), "refund")
    assert world.backend.open  # only the decision: the arm is done
    assert run.log.since() == []
    assert run.captures == {}
    assert executor.drive(run).value == "<refund>"
    told = [(e.t, e.name, e.value, e.show) for e in run.log.since()]
    assert told == [
        ("delta", "draft", "<ref", True),
        ("delta", "draft", "und>", True),
        ("value", "draft", "<refund>", True),
        ("done", "", "<refund>", False),
    ]


@pytest.mark.parametrize("kind", ["refund", "sale"])
def test_all_arms_may_begin(world: Any, kind: str) -> None:
    plain = world.run(router("[]"), kind=kind)
    executor, run = deciding(world, router('["<refund>", "else"]'), kind)
    early = executor.drive(run)
    assert outcome(early) == outcome(plain)
    assert (early.speculated, early.committed) == (2, 1)
    assert early.wasted_tokens == 3
    assert [event.value for event in run.log.since() if event.t == "value"] == [plain.value]


FAILS = """
      check false, "no refund"
      yield %s1, "x"
"""


def test_a_failure_counts_only_in_the_arm_that_is_taken(world: Any) -> None:
    executor, run = deciding(world, router(refund=FAILS), "sale")
    assert run.scope.errors == []
    assert executor.drive(run).value == "<short>"
    for spec in ("[]", REFUND):
        result = world.run(router(spec, refund=FAILS), kind="refund")
        assert result.error.message == "no refund"
        assert result.error.loc.line == 12


def test_the_first_failure_is_the_one_in_program_order(world: Any) -> None:
    before = 'check false, "not today"'
    executor, run = deciding(world, router(refund=FAILS, before=before), "refund")
    result = executor.drive(run)
    assert result.error.message == "not today"
    assert (result.speculated, result.committed) == (0, 0)  # known before anything was asked


def test_what_leaves_before_the_decision_ends_the_arm(world: Any) -> None:
    before = """
  %ok = cmp %k, "<sale>" <op = "!=">
  check %ok, "no sales"
"""
    for spec in ("[]", REFUND):
        executor, run = deciding(world, router(spec, before=before.strip()), "sale")
        assert executor.drive(run).error.message == "no sales"
    assert (run.result().speculated, run.result().committed) == (1, 0)
    assert run.parts == set()


NOTES = """
      %l = tool @look, key = "a"
      %e1: effect, %o = tool @note, line = %l, after = none
      yield %s1, %o
"""


@pytest.mark.parametrize(("kind", "notes"), [("refund", ["A"]), ("sale", [])])
def test_effects_wait_for_the_decision(world: Any, kind: str, notes: list[str]) -> None:
    looked, noted = [], []
    world.tools["look"] = lambda key: looked.append(key) or key.upper()
    world.tools["note"] = lambda line: noted.append(line) or f"noted {line}"
    source = router(refund=NOTES)
    world.backend.held = {"kind "}
    executor = world.executor()
    run = executor.submit(world.plan(source), {"kind": kind})
    while not looked:
        executor.step()
    for _ in range(5):
        executor.step()
        executor._pool.wait(0.01)
    assert looked == ["a"]
    assert noted == []
    assert [event.t for event in run.log.since()] == []
    world.backend.held = set()
    result = executor.drive(run)
    assert noted == notes
    assert result.value == ("noted A" if notes else "<short>")
    assert [event.name for event in run.log.since() if event.t == "tool"] == (
        ["look", "note"] if notes else []
    )


def test_a_tool_of_a_lost_arm_is_abandoned(world: Any) -> None:
    release = threading.Event()
    world.tools["look"] = lambda key: release.wait(20) and "late"
    world.tools["note"] = lambda line: line
    result = world.run(router(refund=NOTES), kind="sale")
    assert result.value == "<short>"
    release.set()


RETURNS = """
      %c1 = put %s1, " early"
      %c2, %e = gen %c1 <max_tokens = 9, rng = "2", name = "last">
      return %c2, result = "left"
"""


@pytest.mark.parametrize("kind", ["refund", "sale"])
def test_an_arm_that_returns_does_so_once_it_is_taken(world: Any, kind: str) -> None:
    plain = world.run(router("[]", refund=RETURNS), kind=kind)
    executor, run = deciding(world, router(refund=RETURNS), kind)
    assert run.owner.left is None
    assert outcome(executor.drive(run)) == outcome(plain)


LOOP = """
prompt @main(%stop: str) -> str {
  %s0 = stream
  %s1 = put %s0, "go"
  %s2: stream, %n: int = for ["a", "b", "c"], %s1, 0 body (%x: str, %s: stream, %m: int) {
    %t = put %s, %x
    %d0 = stream
    %d1 = put %d0, "kind "
    %d2 = put %d1, %x
    %d3, %k = gen %d2 <max_tokens = 9, rng = "1">
    %hit = cmp %k, %stop <op = "==">
    %u: stream, %o: int = if %hit <spec = ["do", "else"]>
      do {
        %t1, %v = gen %t <max_tokens = 9, rng = "2", name = "v">
        %p: int = arith %m, 100 <op = "+">
        break %t1, %p
      }
      else {
        %t2 = put %t, "."
        %t3, %w = gen %t2 <max_tokens = 9, rng = "3", name = "w">
        %q: int = arith %m, 1 <op = "+">
        continue %t3, %q
      }
    yield %u, %o
  }
  %all = format %n
  return %s2, result = %all
}
"""


@pytest.mark.parametrize(("stop", "value"), [("<a>", "100"), ("<b>", "101"), ("<z>", "3")])
def test_arms_leave_loops_once_they_are_taken(world: Any, stop: str, value: str) -> None:
    plain = world.run(LOOP.replace(' <spec = ["do", "else"]>', ""), stop=stop)
    assert plain.value == value
    for seed in range(6):
        world.backend.order = random.Random(seed)
        executor = world.executor()
        run, early = world.finish(executor, LOOP, stop=stop)
        assert outcome(early) == outcome(plain)
        turns = {"<a>": 1, "<b>": 2, "<z>": 3}[stop]
        assert (early.speculated, early.committed) == (2 * turns, turns)
        assert run.parts == set()


NESTED = """
      %f0 = put %d0, "inner "
      %f1 = put %f0, %kind
      %f2, %j = gen %f1 <max_tokens = 9, rng = "4">
      %c: stream, %y: str = match %j <spec = ["<refund>", "else"]>
        case "<refund>" {
          %a1 = put %s1, " yes"
          %a2, %a = gen %a1 <max_tokens = 9, rng = "5", name = "a">
          yield %a2, %a
        }
        else {
          check false, "inner"
          yield %s1, "no"
        }
      yield %c, %y
"""


@pytest.mark.parametrize("kind", ["refund", "sale"])
@pytest.mark.parametrize("held", [{"kind "}, {"inner "}, {" yes"}, {"kind ", "inner "}])
def test_arms_in_arms(world: Any, kind: str, held: set[str]) -> None:
    plain = world.run(router("[]", refund=NESTED), kind=kind)
    world.backend.held = set(held)
    executor = world.executor()
    run = executor.submit(world.plan(router(refund=NESTED)), {"kind": kind})
    for _ in range(4):
        executor.step()
    world.backend.held = {"inner "} & held
    for _ in range(4):
        executor.step()
    world.backend.held = set()
    early = executor.drive(run)
    assert outcome(early) == outcome(plain)
    assert early.speculated == 3
    assert early.committed == (2 if kind == "refund" else 0)
    assert run.parts == set()


def test_a_run_that_is_cancelled_takes_its_arms_with_it(world: Any) -> None:
    world.backend.held = {"kind ", "mail:"}
    executor = world.executor()
    run = executor.submit(world.plan(router('["<refund>", "else"]')), {"kind": "refund"})
    executor.step()
    assert len(world.backend.open) == 3
    executor.cancel(run)
    assert world.backend.idle
    assert sorted(world.backend.cancelled) == [1, 2, 3]
    result = run.result()
    assert result.error.code == "cancelled"
    assert (result.speculated, result.committed) == (2, 0)
    assert result.captures == {}
    assert not executor.step()


SPINS = """
      %xs = range 1, 50
      %ys = map %xs body (%y: int) {
        yield %y
      }
      %c2, %e = gen %s1 <max_tokens = 9, rng = "2">
      %c3, %g = gen %c2 <max_tokens = 9, rng = "4">
      yield %c3, %g
"""


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (Limits(max_turns=49), "the run needs more than 49 loop turns"),
        (Limits(max_model_calls=2), "the run needs more than 2 model calls"),
        (Limits(max_tokens=8), "the run needs more than 8 generated tokens"),
    ],
)
def test_a_limit_counts_only_in_the_arm_that_is_taken(
    world: Any, limits: Limits, message: str
) -> None:
    world.limits = limits
    for spec in ("[]", REFUND):
        executor, run = deciding(world, router(spec, refund=SPINS), "sale")
        assert executor.drive(run).value == "<short>"
        executor, run = deciding(world, router(spec, refund=SPINS), "refund")
        assert executor.drive(run).error.message == message
        assert world.backend.idle


SPINNING = """
prompt @main(%n: int) -> str {
  %s0 = stream
  %s1 = put %s0, "go"
  %s2: stream = while %n, %s1 body (%s: stream) {
    %t, %k = gen %s <max_tokens = 9, rng = "1">
    %go = cmp %k, "over" <op = "!=">
    cond %go
    %hit = cmp %k, "never" <op = "==">
    %u: stream = if %hit <spec = ["do"]>
      do {
        %ys = range 1, 50
        %zs = map %ys body (%y: int) {
          yield %y
        }
        %t1 = put %t, %zs
        yield %t1
      }
      else {
        yield %t
      }
    yield %u
  }
  return %s2, result = "end"
}
"""


def test_what_is_wasted_is_limited_as_well(world: Any) -> None:
    world.limits = Limits(max_turns=120)
    result = world.run(SPINNING, n=9)
    assert result.value == "end"
    assert result.speculated == 3
    world.limits = Limits(max_turns=1000)
    assert world.run(SPINNING, n=9).speculated == 9


def test_without_time_for_it_no_arm_begins(world: Any) -> None:
    """Where the host alone decides, nothing is guessed."""
    source = router().replace(
        '%d3, %k = gen %d2 <max_tokens = 9, rng = "1">', '%k = concat "<", %kind, ">"'
    )
    result = world.run(source, kind="sale")
    assert result.value == "<short>"
    assert result.speculated == 0
    assert world.backend.cancelled == []
