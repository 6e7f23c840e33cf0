"""However streams are batched, chunked, cached and preempted, they say what a naive loop says."""

from __future__ import annotations

import random
from dataclasses import asdict, replace
from typing import Any

import pytest
from generators.streams import AUTOMATA, DECODES, ENDS, FORCED, FORCING, IDS, requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.constraints.automaton import Automaton
from sglc.constraints.stops import stopped
from sglc.runtime.core.events import Decoded, Ended, Failed
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Constraint, Decode, Extend, StreamRequest
from sglc.runtime.core.stats import NOTHING
from sglc.runtime.scheduler.memory import KVMemory


@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(
    batch=st.lists(requests(), min_size=1, max_size=7),
    num_slots=st.sampled_from([80, 130, 2000]),
    max_running=st.sampled_from([1, 2, 4, 100]),
    chunk_size=st.sampled_from([1, 2, 5, 100]),
    budget=st.sampled_from([1, 3, 16, 1000]),
    order=st.randoms(use_true_random=False),
    jump=st.booleans(),
)
def test_scheduler_says_what_the_naive_loop_says(
    world: Any,
    same_outcome: Any,
    batch: list[StreamRequest],
    num_slots: int,
    max_running: int,
    chunk_size: int,
    budget: int,
    order: Any,
    jump: bool,
) -> None:
    order.shuffle(batch)
    expected = world.run(world.naive(jump), batch)
    scheduler = world.scheduler(
        num_slots,
        jump,
        max_running=max_running,
        chunk_size=chunk_size,
        max_prefill_tokens=budget,
    )
    found = world.run(scheduler, batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    constraints=st.lists(FORCED, min_size=1, max_size=5),
    decode=DECODES,
    num_slots=st.sampled_from([40, 70, 2000]),
    chunk_size=st.sampled_from([1, 3, 100]),
)
def test_forced_text_is_what_the_definition_says(
    world: Any,
    same_outcome: Any,
    constraints: list[Constraint],
    decode: Decode,
    num_slots: int,
    chunk_size: int,
) -> None:
    made = [replace(decode, constraint=c, max_tokens=decode.max_tokens + 10) for c in constraints]
    batch = [
        StreamRequest((Extend((i % 3,)), one, Extend((1,)), one)) for i, one in enumerate(made)
    ]
    expected = world.run(world.naive(jump_forward=True), batch)
    found = world.run(world.scheduler(num_slots, True, chunk_size=chunk_size), batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    machine=st.sampled_from([*AUTOMATA, *FORCING]),
    end=ENDS,
    decode=DECODES,
    stop=st.lists(
        st.sampled_from(["ab", "bca", "aa", "é", "c1", "12", " "]), min_size=1, max_size=2
    ),
    jump=st.booleans(),
)
def test_what_stands_before_a_stop_text_is_a_member(
    world: Any,
    same_outcome: Any,
    machine: Automaton,
    end: Any,
    decode: Decode,
    stop: list[str],
    jump: bool,
) -> None:
    constraint = Constraint(stopped(machine, stop), end)
    one = replace(decode, constraint=constraint, stop=tuple(stop), max_tokens=24)
    batch = [StreamRequest((Extend((i,)), one)) for i in range(3)]
    expected = world.run(world.naive(jump), batch)
    found = world.run(world.scheduler(jump_forward=jump), batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])
        results = [event.result for event in found[position] if isinstance(event, Decoded)]
        for result in results:
            if result.finish in ("stop", "constraint") and not isinstance(result.matched, int):
                assert machine.accepts(result.text.encode())
                assert not any(text in result.text for text in stop)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    prompts=st.lists(IDS.map(lambda ids: (1, *ids)), min_size=2, max_size=6),
    num_slots=st.integers(25, 50),
    chunk_size=st.sampled_from([2, 50]),
)
def test_preemption_loses_nothing(
    world: Any, same_outcome: Any, prompts: list[Any], num_slots: int, chunk_size: int
) -> None:
    decode = Decode(14, ignore_eos=True, num_logprobs=0)
    batch = [StreamRequest((Extend(ids), decode)) for ids in prompts]
    scheduler = world.scheduler(num_slots, chunk_size=chunk_size)
    expected, found = world.run(world.naive(), batch), world.run(scheduler, batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])
    ends = [event for events in found.values() for event in events if isinstance(event, Ended)]
    assert sum(end.stats.preemptions for end in ends) == scheduler.stats()["preemptions"]


def test_a_jump_gives_up_what_preemption_left_to_the_cache(
    world: Any, same_outcome: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens that were sampled, committed by a preemption, and are then cut anew with more text."""
    shared = 0
    truncate = KVMemory.truncate

    def counted(memory: KVMemory, stream: Any, length: int) -> None:
        nonlocal shared
        shared += length < stream.owned_from
        truncate(memory, stream, length)

    monkeypatch.setattr(KVMemory, "truncate", counted)
    machine = Automaton.from_regex(r'[ab]{4}cab12 "é1[ab]{4}c12 "é"')
    decode = Decode(40, SamplingParams(temperature=3.0), 1, constraint=Constraint(machine, "eos"))
    batch = [StreamRequest((Extend((i % 3, i)), decode)) for i in range(12)]
    expected = world.run(world.naive(jump_forward=True), batch)
    scheduler = world.scheduler(jump_forward=True)
    events: dict[int, list[Any]] = {scheduler.submit(request): [] for request in batch}
    while not scheduler.idle:
        for event in scheduler.step():
            events[event.stream].append(event)
        for stream in list(scheduler._state.running)[::2]:
            scheduler._preemption._preempt(stream)
        usage = scheduler.slot_usage
        assert usage.free + usage.cached + usage.held == usage.total
    for position, found in enumerate(events.values()):
        assert same_outcome(found) == same_outcome(expected[position])
    assert shared > 0


def test_a_tight_pool_does_preempt(world: Any) -> None:
    batch = [StreamRequest((Extend((i, 1, 2)), Decode(20, ignore_eos=True))) for i in range(4)]
    scheduler = world.scheduler(num_slots=40)
    world.run(scheduler, batch)
    assert scheduler.stats()["preemptions"] > 0


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    batch=st.lists(requests(), min_size=1, max_size=12),
    num_slots=st.sampled_from([30, 40, 80]),
    max_running=st.sampled_from([2, 4, 100]),
    chunk_size=st.sampled_from([2, 100]),
    seed=st.integers(0, 99),
)
def test_what_streams_count_adds_up_to_what_the_scheduler_counts(
    world: Any,
    batch: list[StreamRequest],
    num_slots: int,
    max_running: int,
    chunk_size: int,
    seed: int,
) -> None:
    """Streams that end, fail or are cancelled: at once, while they wait, while they run."""
    order = random.Random(seed)
    scheduler = world.scheduler(num_slots, True, max_running=max_running, chunk_size=chunk_size)
    total = NOTHING
    open_ids = {scheduler.submit(request) for request in batch}
    while open_ids:
        if order.random() < 0.05:
            stream = order.choice(sorted(open_ids))
            open_ids.remove(stream)
            total += scheduler.cancel(stream)
            assert scheduler.cancel(stream) == NOTHING
        for event in scheduler.step():
            if isinstance(event, Ended | Failed):
                open_ids.remove(event.stream)
                total += event.stats
        snapshot = scheduler.snapshot()
        seen = sum(snapshot.running.values(), total)
        prefilled = scheduler.stats()["prefilled_tokens"]
        assert seen.prefilled_tokens <= prefilled
        if not scheduler.stats()["preemptions"]:  # what was preempted is not among those that run
            assert seen.prefilled_tokens == prefilled
        assert len(snapshot.running) + snapshot.num_waiting == len(open_ids)
        slots = (snapshot.free_slots, snapshot.cached_slots, snapshot.held_slots)
        assert slots == scheduler.slot_usage[:3]
    counters = scheduler.stats()
    shared = counters.keys() & asdict(total).keys()
    assert shared == {
        "prefilled_tokens", "cached_tokens", "decoded_tokens", "forced_tokens", "scored_tokens",
        "queue_entries", "preemptions",
    }  # fmt: skip
    assert {key: getattr(total, key) for key in shared} == {key: counters[key] for key in shared}
