"""Forks and maps that end once what their values come to is decided: the value is that of waiting,
and of what was still at work nothing is left."""

from __future__ import annotations

import random
import threading
from typing import Any, cast

import pytest
from generators.timed_runs import record

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.runtime.core.backend import Backend
from sglc.runtime.core.stats import StreamStats
from sglc.runtime.executor.held import HeldStreams
from sglc.runtime.executor.part import Part
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.stream import Stream
from sglc.runtime.executor.trial import Trial

VOTE = """
tool @look(%key: int) -> str <effect = "readonly">
prompt @ask(%k: int) -> str {{
  %s0 = stream
  %s1 = put %s0, "think "
  %s2 = put %s1, %k
  %s3, %x = gen %s2 <max_tokens = 9, rng = "1">
  %s4 = put %s3, " so "
  %s5, %y = gen %s4 <max_tokens = 9, rng = "2">
  return %s5, result = %x
}}
prompt @main(%n: int) -> any {{
  %s0 = stream
  %s1 = put %s0, "all"
  %r = range 1, %n
  %g = fork %s1, %r <{until}> branch (%b: stream, %k: int) {{
    %b1 = put %b, " vote "
    %b2 = put %b1, %k
    {body}
    yield %b2, v = %v
  }}
  {read}
  return %s1, result = %m
}}
"""
GEN = '%b3, %v = gen %b2 <max_tokens = 9, rng = "1", name = "v">'
CALL = '%v: str = call @ask, k = %k <rng = "7">'
TOOL = "%v: any = tool @look, key = %k"
KEY = (
    GEN.replace("%v", "%t")
    + '\n    %w = apply %t <fn = "len">\n    %v: int = arith %w, 0 <op = "+">'
)
LIST = '%l: list[any] = field %g <name = "v">\n  %m: any = apply %l <fn = "{}">'
BEST = '%i: branch = apply %g <fn = "best", by = ["v"]>\n  %m: str = field %i <name = "text">'
MAJORITY = 'until = "majority", of = ["v"]'
KINDS = {
    "majority": (MAJORITY, GEN, LIST.format("majority")),
    "calls": (MAJORITY, CALL, LIST.format("majority")),
    "any": ('until = "any", of = ["v"]', GEN, LIST.format("any")),
    "all": ('until = "all", of = ["v"]', GEN, LIST.format("all")),
    "max": ('until = "goal", of = ["v"], goal = 2', KEY, LIST.format("max")),
    "min": ('until = "goal", of = ["v"], goal = 0', KEY, LIST.format("min")),
    "best": ('until = "first_goal", of = ["v"], goal = 2', KEY, BEST),
}


def vote(kind: str, *, waits: bool = False) -> str:
    until, body, read = KINDS[kind]
    return VOTE.format(until="names = []" if waits else until, body=body, read=read).replace(
        " <names = []>", ""
    )


@pytest.mark.parametrize("kind", KINDS)
def test_to_end_early_is_to_wait(world: Any, kind: str) -> None:
    """Whatever is answered, and in whatever order the answers come."""
    stopped, executor = 0, world.executor()
    for seed in range(40):
        answers = random.Random(seed).choices(["", "a", "bb"], k=8)
        world.backend.reply = lambda prompt, of=answers: of[int(prompt.split()[-1]) - 1] if (
            prompt.split()[-1].isdigit()
        ) else "rest"  # fmt: skip
        size = 2 + seed % 7
        world.backend.order = random.Random(seed)
        _, plain = world.finish(executor, vote(kind, waits=True), n=size)
        asked = len(world.backend.requests)
        world.backend.order = random.Random(seed + 1)
        before = len(world.backend.cancelled)
        run, early = world.finish(executor, vote(kind), n=size)
        assert plain.error is early.error is None
        assert (type(early.value), early.value) == (type(plain.value), plain.value)
        assert early.text == plain.text
        assert world.backend.idle
        assert not run.parts
        assert not run.streams
        stopped += len(world.backend.cancelled) - before
        assert len(world.backend.requests) - asked <= asked
    assert stopped > 5


def test_what_is_left_is_stopped_at_once(world: Any) -> None:
    world.backend.held = {"vote 2", "vote 4"}
    executor = world.executor()
    world.backend.reply = lambda prompt: "same"
    run = executor.submit(world.plan(vote("majority")), {"n": 5})
    executor.step()
    assert world.backend.idle
    assert len(world.backend.cancelled) == 2
    executor.step()
    assert run.result().value == "same"
    told = [event.t for event in run.log.since()]
    assert told.count("branch") == told.count("value") == 3
    (cost,) = run.result().stats.values()
    assert cost.calls == 5


def test_a_vote_that_is_open_waits(world: Any) -> None:
    world.backend.held = {"vote 2", "vote 3"}
    world.backend.reply = lambda prompt: "same"
    executor = world.executor()
    run = executor.submit(world.plan(vote("majority")), {"n": 5})
    executor.step()
    executor.step()
    assert len(world.backend.open) == 0
    assert run.result().value == "same"
    world.backend.held = {"vote 2", "vote 3", "vote 4"}
    run = executor.submit(world.plan(vote("majority")), {"n": 5})
    for _ in range(5):
        executor.step()
    assert not run.done
    assert len(world.backend.open) == 3
    executor.cancel(run)
    assert world.backend.idle


def test_calls_in_a_stopped_branch_begin_no_more(world: Any) -> None:
    world.backend.reply = lambda prompt: "same"
    world.backend.held = {"think 4", "think 5"}
    result = world.run(vote("calls"), n=5)
    assert result.value == "same"
    assert sum(" so " in prompt for prompt in world.backend.prompts) == 3


def test_a_tool_that_changes_nothing_is_not_waited_for(world: Any) -> None:
    done, seen = threading.Event(), []

    def look(key: int) -> str:
        seen.append(key)
        if key == 2:
            done.wait(30)
        return "yes"

    world.tools = {"look": look}
    source = VOTE.format(until='until = "any", of = ["v"]', body=TOOL, read=LIST.format("any"))
    try:
        assert world.run(source, n=3).value is True
    finally:
        done.set()
    assert 2 in seen


def test_a_failure_is_told_when_it_comes_before_the_decision(world: Any) -> None:
    """The pass takes care that nothing fails; a plan that says otherwise fails as ever."""

    def reply(prompt: str) -> str:
        if prompt.endswith("1"):
            raise RuntimeError("no")
        return "same"

    world.backend.reply = reply
    result = world.run(vote("majority"), n=5)
    assert result.error.message == "no"


TIMED = """prompt main() -> bool:
    "x"
    fork k in 1..3 as path:
        if k == 2: "{fast = gen(max_tokens=9)}"
        else: "{slow = gen(max_tokens=9)}"
        v = k == 2
    found = any(path.v)
    "{found}{last = gen(max_tokens=9)}"
    return found
"""


def decided_plan_of(source: str) -> Plan:
    passes = Optimization(parse_pipeline("decide"))
    program = compile_source(SourceFile("a.sgl", source), DiagnosticSink(), None, passes)
    assert program is not None
    return program.plan


def test_a_stopped_call_ends_with_the_decision() -> None:
    plain = record(TIMED, fast=2, slow=9, last=1)
    early = record(TIMED, plan=decided_plan_of, fast=2, slow=9, last=1)
    assert plain.run.duration_ns == 100
    assert early.run.duration_ns == 30
    assert early.result.value is plain.result.value is True
    ends = [call.end_ns for call in early.run.calls if call.name == "slow"]
    assert ends == [20, 20]
    assert Profile.of(early.recorder).total.wasted_tokens == 0


class Freed:
    """A backend of which only what is cancelled matters."""

    def __init__(self) -> None:
        self.streams: list[int] = []

    def cancel(self, stream: int) -> StreamStats:
        self.streams.append(stream)
        return StreamStats()


def test_what_a_stopped_part_holds_is_let_go_and_no_more(world: Any) -> None:
    run = world.executor().submit(world.plan(vote("majority")), {"n": 2})
    backend = Freed()
    held = HeldStreams(cast(Backend, backend), None)
    part, other = Part(run), Part(run)
    ended, trial = Part(part), Trial(part)
    for stream, keeper in enumerate([run, part, other, ended, trial]):
        held.keep(keeper, Stream(run.encoder), stream)
    ended.end()
    trial.commit(run.scope)
    trial.end()
    for each in part.family():
        held.release_all(each)
    assert sorted(backend.streams) == [1, 3, 4]
    held.release_all(run)
    assert sorted(backend.streams) == [0, 1, 2, 3, 4]
