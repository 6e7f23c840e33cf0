"""Groups wait as one and start as one, as far as they fit; room is kept for what is expected."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.constraints.automaton import Automaton
from sglc.runtime.core.events import Ended
from sglc.runtime.core.script import Constraint, Decode, Extend, StreamRequest


def decodes(*firsts: int, count: int = 5, priority: int = 0) -> list[StreamRequest]:
    """Streams that begin with the same tokens."""
    decode = Decode(count, ignore_eos=True)
    return [StreamRequest((Extend((1, 2, 3, i)), decode), priority) for i in firsts]


def ends(scheduler: Any) -> list[int]:
    """The streams in the order of their ends."""
    found: list[int] = []
    while not scheduler.idle:
        found += [event.stream for event in scheduler.step() if isinstance(event, Ended)]
    return found


def test_a_group_is_one_entry_and_starts_in_one_step(world: Any) -> None:
    scheduler = world.scheduler(max_prefill_tokens=2)
    streams = scheduler.submit_group(decodes(0, 1, 2, 3))
    scheduler.step()
    assert set(scheduler.snapshot().running) == set(streams)
    assert sorted(ends(scheduler)) == streams
    stats = scheduler.stats()
    assert (stats["groups"], stats["queue_entries"], stats["prefilled_tokens"]) == (1, 1, 3 + 4)


def test_streams_by_themselves_start_as_the_budget_allows(world: Any) -> None:
    scheduler = world.scheduler(max_prefill_tokens=2)
    for request in decodes(0, 1, 2, 3):
        scheduler.submit(request)
    scheduler.step()
    assert len(scheduler.snapshot().running) == 1


@pytest.mark.parametrize(("num_slots", "max_running"), [(2000, 3), (14, 100), (14, 2)])
def test_a_group_that_does_not_fit_is_split_in_its_order(
    world: Any, num_slots: int, max_running: int
) -> None:
    scheduler = world.scheduler(num_slots, max_running=max_running)
    streams = scheduler.submit_group(decodes(0, 1, 2, 3, 0, 1, 2, 3))
    (behind,) = (scheduler.submit(request) for request in decodes(0))
    scheduler.step()
    running = list(scheduler.snapshot().running)
    assert running == streams[: len(running)]
    assert 1 < len(running) < len(streams)
    order = ends(scheduler)
    assert sorted(order) == [*streams, behind]
    assert order[-1] == behind


def test_a_group_has_the_priority_of_its_most_urgent_stream(world: Any) -> None:
    scheduler = world.scheduler(max_running=1)
    (single,) = (scheduler.submit(request) for request in decodes(0, priority=1))
    first, second = scheduler.submit_group(decodes(1) + decodes(2, priority=2))
    assert ends(scheduler) == [first, second, single]


def test_streams_that_left_a_group_are_not_waited_for(world: Any) -> None:
    scheduler = world.scheduler(max_running=1)
    streams = scheduler.submit_group(decodes(0, 1, 2))
    scheduler.cancel(streams[0])
    scheduler.cancel(streams[2])
    assert ends(scheduler) == [streams[1]]
    assert scheduler.submit_group([]) == []
    assert scheduler.stats()["groups"] == 1


def test_a_group_with_a_bad_id_is_refused_whole(world: Any) -> None:
    scheduler = world.scheduler()
    with pytest.raises(ValueError, match="token ids must be in"):
        scheduler.submit_group([*decodes(0), StreamRequest((Extend((999,)),))])
    assert scheduler.idle


@pytest.mark.parametrize("expect", [0, 16])
def test_room_for_what_is_expected_prevents_preemption(world: Any, expect: int) -> None:
    scheduler = world.scheduler(num_slots=41)
    decode = Decode(16, ignore_eos=True, expect=expect)
    for i in range(4):
        scheduler.submit(StreamRequest((Extend((i, 1)), decode)))
    ends(scheduler)
    assert (scheduler.stats()["preemptions"] > 0) == (expect == 0)


def test_what_later_ops_expect_counts(world: Any) -> None:
    scheduler = world.scheduler(num_slots=41)
    decode = Decode(8, ignore_eos=True, expect=8)
    for i in range(4):
        scheduler.submit(StreamRequest((Extend((i, 1)), decode, Extend((1, 2)), decode)))
    ends(scheduler)
    assert scheduler.stats()["preemptions"] == 0


def test_streams_that_expect_more_than_there_is_run_one_by_one(world: Any) -> None:
    scheduler = world.scheduler(num_slots=31)
    constraint = Constraint(Automaton.from_strings(["ab1"]), "closed")
    decode = Decode(40, constraint=constraint, expect=40)
    streams = scheduler.submit_group([StreamRequest((Extend((i,)), decode)) for i in range(3)])
    scheduler.step()
    assert list(scheduler.snapshot().running) == streams[:1]
    assert ends(scheduler) == streams


def test_a_prefill_of_low_priority_lets_others_pass(world: Any) -> None:
    scheduler = world.scheduler(max_prefill_tokens=4)
    slow, resumed = (
        scheduler.submit(StreamRequest((Extend((i,) * 30),), priority=-1, hold=True))
        for i in range(2)
    )
    scheduler.step()
    urgent = scheduler.submit(StreamRequest((Extend((2,) * 8), Decode(1))))
    scheduler.resume(resumed, StreamRequest((Extend((1,) * 9), Decode(1))))
    done: list[int] = []
    for _ in range(5):  # 9 tokens of one and 8 of the other, in steps of 4
        done += [event.stream for event in scheduler.step() if isinstance(event, Ended)]
    assert sorted(done) == [resumed, urgent]
    scheduler.submit(StreamRequest((Extend((3,)),)))
    assert scheduler.step()
    assert scheduler.snapshot().running[slow].prefilled_tokens == 4 + 3 + 3  # what was left over
