"""Equal greedy calls that are open at one time are one stream; nobody can tell from the outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from generators.hash_model import TOKENIZER, scheduler
from generators.ir_programs import ARGUMENTS, ENTRY, make_tools, modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.diagnostics import DiagnosticSink
from sglc.compiler.driver import Optimization, compile_source
from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.passes.pipeline import parse_pipeline
from sglc.compiler.plan.plan import Plan
from sglc.compiler.source import SourceFile
from sglc.constraints.prefixed import Prefixed, any_bytes
from sglc.runtime.core.script import Constraint, Decode, Extend, StreamRequest
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.flight import Flights, request_key
from sglc.runtime.executor.modelcall import ModelCall
from sglc.runtime.executor.profile import Profile
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.prompt import PromptEncoder

ASK = """
prompt main(q: str) -> str:
    "Question: {q}\\n"
    kind = select(["fact", "opinion"])
    " Answer: "
    answer = gen(max_tokens=10)
    return answer
"""
DRAWN = 'prompt main(q: str) -> str:\n    "{q}"\n    return gen(max_tokens=6, temperature=1)\n'
LONG = """
prompt main(q: str) -> str:
    "{q}"
    answer = gen(max_tokens=40, min_tokens=30)
    return answer
"""


def plan_of(text: str, pipeline: str = "batch") -> Plan:
    sink = DiagnosticSink()
    optimization = Optimization(parse_pipeline(pipeline))
    program = compile_source(SourceFile("t.sgl", text), sink, optimization=optimization)
    assert program is not None, sink.diagnostics
    return program.plan


class World:
    """An executor over the hash model."""

    def __init__(self, num_slots: int = 20_000, **limits: int) -> None:
        self.backend: Scheduler = scheduler(num_slots, **limits)
        self.recorder = Recorder()
        self.executor = Executor(
            self.backend, PromptEncoder(TOKENIZER, CHATML), recorder=self.recorder
        )

    def submit(self, plan: Plan, q: str = "why?", **options: Any) -> Run:
        return self.executor.submit(plan, {"q": q}, **options)

    def counted(self, *names: str) -> tuple[int, ...]:
        return tuple(self.backend.stats()[name] for name in names)


def cost(run: Run, name: str) -> int:
    return sum(getattr(stats, name) for stats in run.result().stats.values())


def told(run: Run) -> list[dict[str, Any]]:
    """The events of a run, with deltas of one capture joined."""
    events: list[dict[str, Any]] = []
    for event in (event.to_data() for event in run.log.since()):
        if events and event["t"] == events[-1]["t"] == "delta":
            events[-1]["text"] += event["text"]
        else:
            events.append(event)
    return events


def test_runs_that_ask_the_same_cost_one() -> None:
    counters = ("queue_entries", "prefilled_tokens", "decoded_tokens", "scored_tokens")
    alone = World()
    first = alone.submit(plan_of(ASK))
    alone.executor.run_until_idle()
    together = World()
    runs = [together.submit(plan_of(ASK), instance=i) for i in range(5)]
    together.executor.run_until_idle()
    assert together.counted(*counters) == alone.counted(*counters)
    assert [told(run) for run in runs] == [told(first)] * 5
    assert [cost(run, "calls") for run in runs] == [2] * 5
    assert [cost(run, "single_flight_hits") for run in runs] == [0, 2, 2, 2, 2]
    assert [cost(run, "decoded_tokens") for run in runs] == [
        cost(first, "decoded_tokens"),
        *[0] * 4,
    ]
    assert len({cost(run, "completion_tokens") for run in runs}) == 1
    total = Profile.of(together.recorder).total
    assert (total.calls, total.single_flight_hits) == (10, 8)
    assert total.to_data()["single_flight_hits"] == 8


def test_without_the_hint_each_run_asks_for_itself() -> None:
    world = World()
    runs = [world.submit(plan_of(ASK, ""), instance=i) for i in range(3)]
    world.executor.run_until_idle()
    assert world.counted("queue_entries") == (6,)
    assert [cost(run, "single_flight_hits") for run in runs] == [0, 0, 0]


def test_calls_of_one_run_share_too() -> None:
    text = """
prompt short(text: str) -> str:
    "Shorten: {text}"
    return gen(max_tokens=8)
prompt main(q: str) -> str:
    parts = [short(q) for i in 1..4]
    return parts[0]
"""
    world = World()
    run = world.submit(plan_of(text))
    world.executor.run_until_idle()
    assert world.counted("queue_entries") == (1,)
    assert (cost(run, "calls"), cost(run, "single_flight_hits")) == (4, 3)


@pytest.mark.parametrize(
    ("text", "qs"), [(DRAWN, ["a", "a"]), (ASK, ["a", "b"])], ids=["drawn", "other text"]
)
def test_what_differs_is_not_shared(text: str, qs: list[str]) -> None:
    world = World()
    runs = [world.submit(plan_of(text), q, instance=i) for i, q in enumerate(qs)]
    world.executor.run_until_idle()
    assert [cost(run, "single_flight_hits") for run in runs] == [0, 0]
    assert world.counted("queue_entries") == (sum(cost(run, "calls") for run in runs),)


def test_who_comes_late_gets_what_was_missed() -> None:
    world = World()
    first = world.submit(plan_of(LONG), deltas=True)
    for _ in range(7):
        world.executor.step()
    assert not first.done
    late = world.submit(plan_of(LONG), instance=1)
    quiet = world.submit(plan_of(LONG), instance=2, deltas=False)
    world.executor.run_until_idle()
    assert told(late) == told(first)
    assert (cost(late, "single_flight_hits"), cost(late, "decoded_tokens")) == (1, 0)
    # One that wants no deltas is another request: its stream reports none.
    assert (cost(quiet, "single_flight_hits"), quiet.result().value) == (0, first.result().value)


def test_nothing_is_kept_of_a_flight_that_is_over() -> None:
    world = World()
    for instance in range(2):
        run = world.submit(plan_of(LONG), instance=instance)
        world.executor.run_until_idle()
        assert (cost(run, "single_flight_hits"), cost(run, "queue_entries")) == (0, 1)


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_a_cancelled_run_leaves_the_stream_to_the_others(cancelled: int) -> None:
    world = World()
    runs = [world.submit(plan_of(LONG), instance=i) for i in range(3)]
    for _ in range(5):
        world.executor.step()
    world.executor.cancel(runs[cancelled])
    world.executor.run_until_idle()
    left = [run for run in runs if run is not runs[cancelled]]
    assert world.counted("queue_entries") == (1,)
    assert told(left[0]) == told(left[1])
    assert left[0].result().error is None
    # What it cost is counted once: for the first that stayed.
    (decoded,) = world.counted("decoded_tokens")
    assert [cost(run, "decoded_tokens") for run in left] == [decoded, 0]
    assert Profile.of(world.recorder).total.stats.decoded_tokens == decoded
    assert world.backend.idle


def test_a_stream_ends_when_the_last_run_is_cancelled() -> None:
    world = World()
    runs = [world.submit(plan_of(LONG), instance=i) for i in range(2)]
    for _ in range(5):
        world.executor.step()
    world.executor.cancel(runs[0])
    assert not world.backend.idle
    world.executor.cancel(runs[1])
    assert world.backend.idle
    assert world.backend.slot_usage.held == 0
    (decoded,) = world.counted("decoded_tokens")
    assert decoded > 0
    assert [cost(run, "decoded_tokens") for run in runs] == [0, decoded]


def test_all_fail_with_one_message() -> None:
    world = World(num_slots=30)
    runs = [world.submit(plan_of(LONG), q="x" * 50, instance=i) for i in range(3)]
    world.executor.run_until_idle()
    messages = {str(run.result().error) for run in runs}
    assert len(messages) == 1
    assert (
        "the stream needs 50 KV slots, but the pool has 29: shorten the prompt, or raise"
        in messages.pop()
    )
    assert [cost(run, "single_flight_hits") for run in runs] == [0, 1, 1]


def test_a_call_that_asks_twice_has_two_streams() -> None:
    backend = scheduler(100)
    flights = Flights(backend)
    first, second = cast(ModelCall, object()), cast(ModelCall, object())
    request = StreamRequest((Extend((1, 2)), Decode(4)))
    key = request_key(request)
    for number in range(2):  # a choice that is scored alone, and the prompt was empty
        assert flights.join(key, (first, number)) is None
        flights.begin(backend.submit(request), request, (first, number), key)
    assert flights.join(key, (second, 0)) == (0, ())
    assert flights.takers(0) == ((first, 0), (second, 0))
    for stream in (0, 1):
        flights.leave(stream, first, cancel=True)
    assert (len(flights), backend.snapshot().num_waiting) == (1, 1)
    flights.leave(0, second, cancel=True)
    assert not flights
    assert backend.idle
    assert flights.join(key, (second, 0)) is None


def test_limits_count_for_every_run_as_if_it_were_alone() -> None:
    world = World()
    plan = plan_of(LONG)
    runs = [world.submit(plan, instance=i) for i in range(2)]
    world.executor.run_until_idle()
    assert runs[0].fuel.tokens == runs[1].fuel.tokens > 0


def test_the_key_holds_all_that_a_greedy_decode_depends_on() -> None:
    decode = Decode(4, key=7)
    request = StreamRequest((Extend((1, 2)), decode))

    def other(**changes: Any) -> StreamRequest:
        return StreamRequest((Extend((1, 2)), replace(decode, **changes)))

    key = request_key(request)
    held_to = Constraint(any_bytes(), "eos")
    constraints = [
        held_to,
        replace(held_to, end="closed"),
        replace(held_to, closing=False),
        replace(held_to, done=frozenset({1})),
        replace(held_to, machine=Prefixed(b"a", any_bytes())),
    ]
    assert request_key(other(constraint=held_to)) == request_key(
        other(constraint=replace(held_to), key=9)
    )
    assert key == request_key(other(key=9))
    assert key == request_key(replace(request, hold=True))
    assert key == request_key(other(expect=3))
    others = [
        other(max_tokens=5),
        other(stop=("x",)),
        other(label="a"),
        other(heal=b"x"),
        other(jump=False),
        other(num_logprobs=0),
        StreamRequest((Extend((1, 3)), decode)),
        StreamRequest((Extend((1, 2)), decode), deltas=False),
        StreamRequest((Extend((1, 2)), decode, Extend((4,)))),
        *(other(constraint=constraint) for constraint in constraints),
    ]
    assert len({key, *map(request_key, others)}) == 1 + len(others)
    assert request_key(other(sampling=replace(decode.sampling, temperature=1.0))) is None


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(modules(), st.integers(1, 4), st.randoms(use_true_random=False))
def test_random_programs_give_what_they_give_alone(
    module: Module, num_instances: int, order: Any
) -> None:
    def tools(log: list[str]) -> dict[str, Callable[..., str]]:
        return make_tools(log) | {"note": lambda line: f"#{line[:3]}"}

    def results(hinted: Module) -> list[Any]:
        executor = Executor(
            scheduler(20_000), PromptEncoder(TOKENIZER, CHATML), tools=ToolRegistry(tools([]))
        )
        plan = lower_module(hinted, ENTRY)
        runs: list[Run] = []
        for instance in range(num_instances):
            runs.append(executor.submit(plan, ARGUMENTS, seed=3, instance=instance))
            for _ in range(order.randint(0, 4)):
                executor.step()
        executor.run_until_idle()
        executor.close()
        return [(run.result().value, run.result().error, sorted_events(run)) for run in runs]

    assert results(module.with_hint("single_flight", True)) == results(module)


def sorted_events(run: Run) -> list[str]:
    """What is told of each capture; captures may overtake each other."""
    texts: dict[tuple[Any, ...], str] = {}
    for event in run.log.since():
        key = (event.t, event.name, event.path)
        texts[key] = texts.get(key, "") + str(event.value)
    return sorted(map(str, texts.items()))
