"""What a recorder takes down: exact times, what is waited for, sums that are the engine's."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pytest
from generators.hash_model import TOKENIZER, scheduler
from generators.ir_programs import ARGUMENTS, ENTRY, make_tools, modules
from generators.timed_runs import Clock, Steps, check_times, plan_of, record
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.plan import Plan
from sglc.runtime.core.stats import Snapshot, StreamStats
from sglc.runtime.executor.code import PlanCode
from sglc.runtime.executor.events import EventLog
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

A_THEN_B = 'prompt main():\n    "x{a = gen()}{b = gen()}"\n'
TWO = """prompt one() -> str:
    "1{a = gen()}"
    return a
prompt two() -> str:
    "2{b = gen()}"
    return b
"""


def two(body: str) -> str:
    """A program over two prompts that make a call each, ``a`` and ``b``."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{TWO}prompt main():\n{lines}"


def test_a_call_is_prefill_then_decode() -> None:
    done = record(A_THEN_B, a=3, b=2)
    assert done.spent("a") == {"prefill": 10, "decode": 20}
    assert done.spent("b") == {"prefill": 10, "decode": 10}
    assert done.path == ["a", "b"]
    assert done.run.duration_ns == 50


def test_time_between_steps_belongs_to_the_step_that_is_waited_for() -> None:
    done = record(A_THEN_B, host_ns=4, a=3, b=1)
    assert done.spent("a") == {"prefill": 10, "decode": 28}
    assert done.spent("b") == {"prefill": 10}
    assert done.run.longest is not None
    assert (done.run.longest.length_ns, done.run.duration_ns) == (48, 56)


def test_a_stream_that_finds_no_room_queues() -> None:
    done = record(two('"{one()}{two()}"'), max_running=1, a=3, b=2)
    assert done.spent("a") == {"prefill": 10, "decode": 20}
    assert done.spent("b") == {"queue": 30, "prefill": 10, "decode": 10}
    assert done.path == ["b"]


def test_a_constraint_is_waited_for() -> None:
    done = record('prompt main():\n    "x{a = gen(/a+/)}"\n', build_ns=7, a=2)
    assert done.spent("a") == {"build": 7, "prefill": 10, "decode": 10}


@pytest.mark.parametrize(
    ("body", "steps", "path"),
    [
        ('"{one()}{two()}{c = gen()}"', {"a": 4, "b": 3, "c": 1}, ["a", "c"]),
        ('"{one()}{two()}{c = gen()}"', {"a": 3, "b": 4, "c": 1}, ["b", "c"]),
        ('x = one()\nif x == "a": y = two()', {"a": 1, "b": 1}, ["a", "b"]),
        ('x = one()\ncheck x == "a"\ny = two()', {"a": 1, "b": 1}, ["a", "b"]),
        ('x = one()\ny = two() if x == "a" else x\n"{y}"', {"a": 1, "b": 1}, ["a", "b"]),
        ('"x"\nfor i in 1..3: "{c = gen()}"', {"c": 2}, ["c", "c", "c"]),
        ('xs = [one() for i in 1..3]\n"{xs[1]}{c = gen()}"', {"a": 2, "c": 1}, ["a", "c"]),
        ('y = try one_bad() else two()\n"{y}"', {"bad": 2, "b": 1}, ["bad", "b"]),
        ('"x"\nfork as f:\n    l: "{a = gen()}"\n    r: "{b = gen()}"\n"{f.l.a}{c = gen()}"',
         {"a": 1, "b": 3, "c": 1}, ["b", "c"]),
        ('"x"\nfork as f:\n    l: "{a = gen()}"\n    r: "{b = gen()}"\n"{f.r.b}{c = gen()}"',
         {"a": 1, "b": 3, "c": 1}, ["b", "c"]),
        ('include said()\n"{c = gen()}"', {"d": 2, "c": 1}, ["d", "c"]),
    ],
)  # fmt: skip
def test_the_path_follows_what_is_waited_for(
    body: str, steps: dict[str, int], path: list[str]
) -> None:
    more = (
        'prompt one_bad() -> str:\n    "1{bad = gen()}"\n    return bad\n'
        'prompt said():\n    "3{d = gen()}"\n'
    )
    done = record(more + two(body), **steps)
    assert done.result.error is None
    assert done.path == path


CHAIN = 'prompt chain() -> str:\n    "x{u = gen()}{v = gen()}{w = gen()}"\n    return w\n'
CHOSEN = """y = "none"
if x == "{}":
    y = z
else:
    y = "other"
"{{y}}{{c = gen()}}"
"""


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('"{chain()}{one()}{c = gen()}"', ["a", "c"]),
        ("x = one()\nz = chain()\n" + CHOSEN.format("a"), ["a", "c"]),  # z comes after the arm
        ("x = chain()\nz = one()\n" + CHOSEN.format("w"), ["a", "c"]),  # ... and before it
        ("x = one()\nz = two()\n" + CHOSEN.format("a"), ["a", "c"]),  # x is all that it waits for
    ],
)
def test_the_longest_chain_need_not_be_the_last_to_end(body: str, path: list[str]) -> None:
    """Three short calls in a row end after a longer one, as the host takes its time in between."""
    done = record(CHAIN + two(body), host_ns=100, u=1, v=1, w=1, a=2, b=1, c=1)
    assert done.result.error is None
    assert done.path == path
    assert done.run.longest is not None
    assert done.run.longest.length_ns == 130
    assert max(done.run.calls, key=lambda call: call.end_ns).name == "c"


LOOKUP = """@readonly @retry(1)
tool look(k: str) -> str from "nowhere:look"
prompt main():
    "{look("k")}{a = gen()}"
"""


def test_a_tool_is_timed_where_it_runs_and_again_when_it_is_tried_again() -> None:
    def tools(clock: Clock) -> Mapping[str, Callable[..., Any]]:
        failures = iter([True, False])

        def look(k: str) -> str:
            clock.now += 7
            if next(failures):
                raise RuntimeError("busy")
            return k

        return {"look": look}

    done = record(LOOKUP, tools, a=1)
    assert done.spent("look") == {"tool": 14}
    assert done.spent("a") == {"prefill": 10}
    assert done.path == ["look", "a"]
    total = Profile.of(done.recorder).total
    assert (total.calls, total.tool_calls) == (1, 1)


def test_a_tool_that_does_not_end_has_the_time_until_it_is_given_up() -> None:
    clock = Clock()
    recorder = Recorder(clock, timeline=True)
    plan = plan_of(LOOKUP)
    encoder = PromptEncoder(TOKENIZER, CHATML)
    run = Run(
        PlanCode(plan, {}), encoder, {}, 0, 0, EventLog(), None, limits=Limits(), deltas=False
    )  # fmt: skip
    recorder.begin_run(run, 0)
    waits = recorder.begin(run, "tool", "waits", "", None)
    hangs = recorder.begin(run, "tool", "hangs", "", None)
    recorder.timed(waits, lambda: None)

    def function() -> None:
        clock.now += 20
        recorder.end_run(run)

    clock.now = 5
    recorder.timed(hangs, function)()
    assert waits.spent_ns == {"queue": 25}
    assert hangs.spent_ns == {"queue": 5, "tool": 20}
    check_times(recorder.runs[0])


def test_what_failed_or_was_cancelled_is_counted() -> None:
    bad = 'prompt main():\n    "1234{bad = gen()}"\n'
    failed = record(bad, bad=2)
    assert failed.result.error is not None
    assert failed.spent("bad") == {"prefill": 10, "decode": 10}

    clock = Clock()
    recorder = Recorder(clock, timeline=True)
    backend = Steps(clock, {"bad": 9})
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML), recorder=recorder)
    run = executor.submit(plan_of(bad))
    executor.step()
    executor.step()
    clock.now += 3
    executor.cancel(run)
    executor.close()
    (call,) = recorder.runs[0].calls
    assert call.spent_ns == {"prefill": 10, "decode": 13}
    check_times(recorder.runs[0])
    for stats, found in ((failed.run.calls[0].stats, failed.result), (call.stats, run.result())):
        assert stats == StreamStats(
            prompt_tokens=4, prefilled_tokens=4, decoded_tokens=2, queue_entries=1
        )
        (cost,) = found.stats.values()
        assert (cost.calls, cost.prefilled_tokens, cost.decoded_tokens) == (1, 4, 2)


def run_all(
    plan: Plan, arguments: Mapping[str, Any], backend: Scheduler, recorder: Recorder | None,
    num_instances: int, max_steps: int,
) -> list[Result]:  # fmt: skip
    """Run instances at once; those that have not ended after so many steps are cancelled."""
    executor = Executor(
        backend, PromptEncoder(TOKENIZER, CHATML), recorder=recorder,
        tools=ToolRegistry({**make_tools([]), "note": lambda line: f"#{line[:3]}"}),
    )  # fmt: skip
    runs = [executor.submit(plan, arguments, instance=i) for i in range(num_instances)]
    for _ in range(max_steps):
        if not executor.step():
            break
        executor.wait()
    executor.close()
    return [run.result() for run in runs]


def check_sums(recorder: Recorder, results: Sequence[Result], counters: Mapping[str, int]) -> None:
    """What the profile says is what the engine says, and what the results say."""
    for run in recorder.runs:
        check_times(run)
    profile = Profile.of(recorder)
    stats = asdict(profile.total.stats)
    assert counters.items() <= profile.counters.items()
    assert stats.keys() & counters.keys() == {
        "prefilled_tokens", "cached_tokens", "decoded_tokens", "forced_tokens", "scored_tokens",
        "queue_entries", "preemptions",
    }  # fmt: skip
    for key in stats.keys() & counters.keys():
        assert stats[key] == counters[key], key
    costs = [cost for result in results for cost in result.stats.values()]
    assert sum(cost.calls for cost in costs) == profile.total.calls
    for key in stats.keys() - {"preemptions"}:
        assert sum(getattr(cost, key) for cost in costs) == stats[key], key
    encoded_chars = sum(cost.encoded_chars for cost in costs)
    assert encoded_chars == profile.counters["encoded_chars"]
    assert bool(encoded_chars) == bool(profile.counters["tokenizer_calls"])
    shares = sum(profile.share(cost) for cost in profile.places.values())
    assert shares == pytest.approx(1.0 if profile.critical_ns else 0.0)
    assert profile.critical_ns == profile.total.critical_ns
    assert profile.wall_ns >= max(run.duration_ns for run in recorder.runs)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(modules(), st.integers(1, 5), st.sampled_from([1, 3, 10, 10_000]))
def test_random_programs_cost_what_the_engine_counts_and_give_the_same(
    module: Module, num_instances: int, max_steps: int
) -> None:
    plan = lower_module(module, ENTRY)
    plain = run_all(plan, ARGUMENTS, scheduler(4000), None, num_instances, 10_000)
    backend, recorder = scheduler(4000), Recorder(itertools.count().__next__, timeline=True)
    traced = run_all(plan, ARGUMENTS, backend, recorder, num_instances, max_steps)
    check_sums(recorder, traced, backend.stats())
    for one, other in zip(plain, traced, strict=True):
        if other.error is None or other.error.code != "cancelled":
            assert (str(one.error), one.text) == (str(other.error), other.text)
            assert str(one.value) == str(other.value)


PRESSURE = """type Card = {first: bool, second: "yes" | "no"}
prompt main():
    "Some words to begin with. {kind = select("one", "two", "three")}"
    fork i in 1..6 as f:
        "Branch {i}: {text = gen(max_tokens=40)}"
    card = gen(Card)
    "{f[0].text}{gen(/[ab]{3}cde/, max_tokens=4) if card.first else "-"}"
"""


@pytest.mark.parametrize("max_steps", [2, 15, 40, 10_000])
@pytest.mark.parametrize("num_slots", [120, 150, 20_000])
def test_sums_hold_under_pressure(num_slots: int, max_steps: int) -> None:
    """Streams are preempted, fail for want of slots or of budget, or are cut off."""
    backend = scheduler(num_slots, max_running=8, chunk_size=16)
    recorder = Recorder(itertools.count().__next__, timeline=True)
    results = run_all(plan_of(PRESSURE), {}, backend, recorder, 3, max_steps)
    check_sums(recorder, results, backend.stats())
    if max_steps == 10_000:
        counters = backend.stats()
        assert (counters["preemptions"] > 0) == (num_slots < 20_000)
        assert min(counters["scored_tokens"], counters["forced_tokens"]) > 0
    else:
        assert {result.error.code for result in results if result.error} == {"cancelled"}


class Told(Steps):
    """A backend that takes these snapshots for granted, one a step."""

    def __init__(self, clock: Clock, *counts: StreamStats | None) -> None:
        super().__init__(clock, {"a": len(counts)}, host_ns=1)
        self.counts = iter(counts)

    def snapshot(self) -> Snapshot:
        self.clock.now += self.host_ns
        stats = next(self.counts)
        return Snapshot({} if stats is None else {1: stats})


def test_a_stream_that_loses_its_room_queues_again() -> None:
    begun = StreamStats(prefilled_tokens=4)
    again = StreamStats(prefilled_tokens=4, cached_tokens=5, decoded_tokens=1)
    clock = Clock()
    recorder = Recorder(clock, timeline=True)
    backend = Told(clock, begun, None, begun, again, again)
    executor = Executor(backend, PromptEncoder(TOKENIZER, CHATML), recorder=recorder)
    executor.submit(plan_of('prompt main():\n    "1234{a = gen()}"\n'))
    executor.run_until_idle()
    executor.close()
    (run,) = recorder.runs
    check_times(run)
    phases = [(phase, end - begin) for phase, begin, end in run.calls[0].segments]
    # waits without a place, then in a place where nothing is done; the last one only decodes
    assert phases == [("prefill", 10), ("queue", 23), ("prefill", 10), ("decode", 11)]
