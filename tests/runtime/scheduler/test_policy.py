"""Policies change who is admitted first and what is found in the cache, and no result."""

from __future__ import annotations

from typing import Any

import pytest
from generators.streams import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.config import SCHEDULE_POLICIES, SchedulePolicy
from sglc.runtime.core.events import Ended, Held
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.scheduler.policy import MAX_MATCHED


def ask(*ids: int, priority: int = 0, hold: bool = False) -> StreamRequest:
    return StreamRequest((Extend(ids), Decode(1, ignore_eos=True)), priority, hold=hold)


def order_of(scheduler: Any, batch: list[StreamRequest]) -> list[int]:
    """Positions of the requests in the order in which they end."""
    place = {scheduler.submit(request): i for i, request in enumerate(batch)}
    found: list[int] = []
    while not scheduler.idle:
        found += [place[e.stream] for e in scheduler.step() if isinstance(e, Ended)]
    return found


def warmed(world: Any, policy: SchedulePolicy, *prompts: tuple[int, ...], **limits: Any) -> Any:
    """A scheduler that has computed some prompts; it admits one stream at a time if not told."""
    scheduler = world.scheduler(schedule_policy=policy, **{"max_running": 1, **limits})
    for ids in prompts:
        order_of(scheduler, [StreamRequest((Extend(ids),))])
    return scheduler


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    batch=st.lists(requests(), min_size=1, max_size=9),
    policy=st.sampled_from(SCHEDULE_POLICIES),
    radix_cache=st.booleans(),
    num_slots=st.sampled_from([80, 130, 2000]),
    max_running=st.sampled_from([1, 3, 100]),
    chunk_size=st.sampled_from([2, 100]),
)
def test_no_policy_changes_a_result(
    world: Any,
    same_outcome: Any,
    batch: list[StreamRequest],
    policy: SchedulePolicy,
    radix_cache: bool,
    num_slots: int,
    max_running: int,
    chunk_size: int,
) -> None:
    scheduler = world.scheduler(
        num_slots,
        max_running=max_running,
        chunk_size=chunk_size,
        schedule_policy=policy,
        radix_cache=radix_cache,
    )
    expected, found = world.run(world.naive(), batch), world.run(scheduler, batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])
    if not radix_cache:
        assert scheduler.slot_usage.free == scheduler.slot_usage.total


def test_the_longest_cached_prefix_is_first(world: Any) -> None:
    batch = [ask(3, 3), ask(1, 2, 0), ask(1, 2, 3, 4, 0), ask(1, 2, 3, 0), ask(4, priority=1)]
    cached = (1, 2, 3, 4, 4)
    assert order_of(warmed(world, "lpm", cached), batch) == [4, 2, 3, 1, 0]
    assert order_of(warmed(world, "fcfs", cached), batch) == [4, 0, 1, 2, 3]
    assert order_of(warmed(world, "lpm", cached, radix_cache=False), batch) == [4, 0, 1, 2, 3]


def test_many_that_wait_are_taken_as_they_came(world: Any) -> None:
    hot, cold = ask(1, 2, 3), ask(3)
    for count, first in ((MAX_MATCHED, MAX_MATCHED - 1), (MAX_MATCHED + 1, 0)):
        scheduler = warmed(world, "lpm", (1, 2, 3))
        assert order_of(scheduler, [*[cold] * (count - 1), hot])[0] == first


def test_the_branch_that_most_wait_for_is_first(world: Any) -> None:
    """Depth first: what a branch has behind its fork comes before what ends at it."""
    batch = [ask(2, 2, 0), ask(3), ask(1, 1, 3), ask(1, 1, 0, 0), ask(2, 2, 1), ask(1, 1, 0, 1)]
    cached = [(2, 2), (1, 1, 0), (1, 1, 2)]
    scheduler = warmed(world, "dfs-weight", *cached, max_running=100)
    assert order_of(scheduler, batch) == [3, 5, 2, 0, 4, 1]


def test_random_orders_are_the_same_on_every_run(world: Any) -> None:
    batch = [ask(i % 4, i) for i in range(12)]
    first, again = (order_of(warmed(world, "random"), batch) for _ in range(2))
    assert first == again
    assert sorted(first) == list(range(12)) != first


@pytest.mark.parametrize("policy", SCHEDULE_POLICIES)
def test_a_small_cache_is_used_up_branch_by_branch(world: Any, policy: SchedulePolicy) -> None:
    """Two prompts that take turns, of which the cache holds one."""
    scheduler = world.scheduler(num_slots=35, max_running=1, schedule_policy=policy)
    stems = [(0,) * 20, (1,) * 20]
    assert len(order_of(scheduler, [ask(*stems[i % 2], 2, i) for i in range(12)])) == 12
    cached = scheduler.stats()["cached_tokens"]
    if policy == "fcfs":
        assert cached < 10 * 20
    elif policy != "random":
        assert cached >= 10 * 20


def test_without_a_cache_everybody_computes_alone(world: Any) -> None:
    scheduler = world.scheduler(radix_cache=False)
    world.run(scheduler, [ask(1, 2, 3)] * 4)
    world.run(scheduler, [ask(1, 2, 3)])
    stats = scheduler.stats()
    assert (stats["prefilled_tokens"], stats["cached_tokens"]) == (5 * 3, 0)


def test_without_a_cache_a_stream_keeps_its_own(world: Any) -> None:
    scheduler = world.scheduler(radix_cache=False)
    script = (Extend((1, 2)), Score(((3, 0, 1),)), Extend((3, 0, 1)))
    stream = scheduler.submit(StreamRequest(script, hold=True))
    held: list[Held] = []
    while not scheduler.idle:
        held += [event for event in scheduler.step() if isinstance(event, Held)]
    assert held[0].stats.computed_tokens == 5
    assert scheduler.snapshot().held_slots == 5
    scheduler.resume(stream, ask(1, 2, 3, 0, 1, 2))
    while not scheduler.idle:
        (end,) = [event for event in scheduler.step() if isinstance(event, Ended)]
    assert end.stats.prefilled_tokens == 1
    assert scheduler.slot_usage.free == scheduler.slot_usage.total
