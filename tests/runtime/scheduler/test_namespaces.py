"""Streams of different namespaces share slots, and nothing that is in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from generators.streams import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.config import SCHEDULE_POLICIES, SchedulePolicy
from sglc.runtime.core.events import Ended, Failed, Held
from sglc.runtime.core.script import Extend, StreamRequest
from sglc.runtime.core.stats import StreamStats

SPACES = st.sampled_from(["", "a", "b"])
PLACED = st.builds(lambda each, name: replace(each, namespace=name), requests(), SPACES)
LAWS = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def costs(scheduler: Any, batch: list[StreamRequest]) -> list[StreamStats]:
    """What each stream cost, one after the other."""
    found: list[StreamStats] = []
    for request in batch:
        scheduler.submit(request)
        while not scheduler.idle:
            found += [e.stats for e in scheduler.step() if isinstance(e, Ended | Failed)]
    return found


@LAWS
@given(batch=st.lists(PLACED, min_size=1, max_size=8))
def test_a_stream_costs_what_it_does_without_the_others(
    world: Any, batch: list[StreamRequest]
) -> None:
    together = costs(world.scheduler(), batch)
    for name in {request.namespace for request in batch}:
        mine = [i for i, request in enumerate(batch) if request.namespace == name]
        alone = costs(world.scheduler(), [batch[i] for i in mine])
        assert alone == [together[i] for i in mine]


@LAWS
@given(
    batch=st.lists(PLACED, min_size=1, max_size=9),
    policy=st.sampled_from(SCHEDULE_POLICIES),
    num_slots=st.sampled_from([80, 130, 2000]),
    max_running=st.sampled_from([1, 3, 100]),
)
def test_results_and_slots_are_right_under_any_pressure(
    world: Any,
    same_outcome: Any,
    batch: list[StreamRequest],
    policy: SchedulePolicy,
    num_slots: int,
    max_running: int,
) -> None:
    scheduler = world.scheduler(num_slots, max_running=max_running, schedule_policy=policy)
    expected, found = world.run(world.naive(), batch), world.run(scheduler, batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])


@pytest.mark.parametrize("width", [1, 5])
def test_nothing_of_the_same_step_is_shared_either(world: Any, width: int) -> None:
    scheduler = world.scheduler()
    batch = [
        StreamRequest((Extend((1, 2, 3, 0, 1, 2)),), namespace=name)
        for name in "ab"
        for _ in range(width)
    ]
    scheduler.submit_group(batch)
    cached = [e.stats.cached_tokens for e in drained(scheduler) if isinstance(e, Ended)]
    assert sum(cached) == 2 * 6 * (width - 1)


def drained(scheduler: Any) -> list[Any]:
    found: list[Any] = []
    while not scheduler.idle:
        found += scheduler.step()
    return found


def test_eviction_takes_what_was_used_longest_ago_whose_ever_it_is(world: Any) -> None:
    scheduler = world.scheduler(21)  # 20 slots
    for name in ("a", "b"):
        costs(scheduler, [StreamRequest((Extend((1,) * 8),), namespace=name)])
    costs(scheduler, [StreamRequest((Extend((1,) * 8),), namespace="a")])
    costs(scheduler, [StreamRequest((Extend((2,) * 9),), namespace="c")])
    again = [StreamRequest((Extend((1,) * 8),), namespace=name) for name in ("a", "b")]
    kept, gone = (stats.cached_tokens for stats in costs(scheduler, again))
    assert kept == 8
    assert gone < 8


def test_namespaces_that_hold_nothing_are_forgotten(world: Any) -> None:
    scheduler = world.scheduler(40)
    for number in range(1000):
        costs(scheduler, [StreamRequest((Extend((1, 2, 3, number % 4)),), namespace=str(number))])
    tree = scheduler._state.memory.tree
    assert len(tree._roots) <= 65
    assert scheduler.flush_cache() == scheduler.slot_usage.total  # partly cached ones too


def test_a_held_stream_stays_in_its_namespace(world: Any) -> None:
    scheduler = world.scheduler()
    stream = scheduler.submit(StreamRequest((Extend((1, 2)),), hold=True, namespace="a"))
    assert [type(e) for e in drained(scheduler)] == [Held]
    with pytest.raises(ValueError, match="another namespace"):
        scheduler.resume(stream, StreamRequest((Extend((1, 2, 3)),), namespace="b"))
    scheduler.resume(stream, StreamRequest((Extend((1, 2, 3)),), namespace="a"))
    assert [type(e) for e in drained(scheduler)] == [Ended]
