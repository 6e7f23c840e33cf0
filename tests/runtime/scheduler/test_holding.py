"""Held streams go on where they were, give way to all others, and leave nothing behind."""

from __future__ import annotations

from typing import Any

import pytest

from sglc.constraints.automaton import Automaton
from sglc.runtime.core.events import Decoded, Delta, Ended, Event, Failed, Held
from sglc.runtime.core.script import Constraint, Decode, Extend, Score, StreamRequest
from sglc.runtime.core.stats import NOTHING


def drain(backend: Any) -> list[Event]:
    """Run until only held streams are left."""
    events: list[Event] = []
    while not backend.idle:
        events += backend.step()
    return events


def test_a_chain_is_one_queue_entry_and_computes_each_token_once(world: Any) -> None:
    scheduler, naive = world.scheduler(), world.naive()
    decode = Decode(4, ignore_eos=True)
    texts: list[list[str]] = []
    for backend in (scheduler, naive):
        ids: tuple[int, ...] = (1, 2, 3)
        stream = backend.submit(StreamRequest((Extend(ids), decode), hold=True))
        texts.append([])
        for turn in range(5):
            if turn:
                backend.resume(stream, StreamRequest((Extend(ids), decode), hold=turn < 4))
            *_, decoded, last = drain(backend)
            assert isinstance(decoded, Decoded)
            assert isinstance(last, Held if turn < 4 else Ended)
            assert last.stats.prompt_tokens == (1 if turn else 3)
            texts[-1].append(decoded.result.text)
            ids = (*ids, *decoded.result.ids, turn % 3)
    assert texts[0] == texts[1]
    stats = scheduler.stats()
    assert (stats["queue_entries"], stats["resumes"], stats["parked"]) == (1, 4, 0)
    assert stats["prefilled_tokens"] == 3 + 4 * (1 + 1)  # with each text, the token before it
    assert (stats["cached_tokens"], stats["recomputed_tokens"]) == (0, 0)


def test_a_stream_that_is_at_work_is_not_resumed(world: Any) -> None:
    request = StreamRequest((Extend((1, 2)), Decode(4)), hold=True)
    for backend in (world.scheduler(), world.naive()):
        stream = backend.submit(request)
        for number in (stream, stream + 1):
            with pytest.raises(ValueError, match=f"stream {number} is not there to be resumed"):
                backend.resume(number, request)
        drain(backend)
        with pytest.raises(ValueError, match="must begin with the whole sequence"):
            backend.resume(stream, StreamRequest((Extend(()), Extend((1,)))))
        backend.resume(stream, request)


def hold(scheduler: Any, *ids: int) -> int:
    """A stream that holds the K/V of these tokens."""
    stream: int = scheduler.submit(StreamRequest((Extend(ids),), hold=True))
    drain(scheduler)
    return stream


def test_held_streams_are_parked_one_by_one_before_a_stream_is_preempted(world: Any) -> None:
    scheduler = world.scheduler(num_slots=31)
    held = [hold(scheduler, i, *[1] * 7) for i in range(3)]
    scheduler.submit(StreamRequest((Extend((3, 1)), Decode(18, ignore_eos=True))))
    parked: list[int] = []
    while not scheduler.idle:
        scheduler.step()
        parked.append(scheduler.stats()["parked"])
    assert sorted(set(parked)) == [0, 1, 2]  # 6 slots were free, 8 more each time
    assert scheduler.stats()["preemptions"] == 0
    for stream in held:  # the last one is still in its place; of the others something was evicted
        scheduler.resume(stream, StreamRequest((Extend((stream, *[1] * 7, 2)), Decode(1))))
    drain(scheduler)
    assert scheduler.stats()["queue_entries"] == 4 + 2


def test_a_held_stream_gives_its_slots_to_one_that_waits(world: Any) -> None:
    scheduler = world.scheduler(num_slots=41)
    for i in range(2):
        hold(scheduler, i, *[1] * 14)
    scheduler.submit(StreamRequest((Extend((2,)), Decode(5, ignore_eos=True))))
    scheduler.step()
    scheduler.submit(StreamRequest((Extend((3,) * 15), Decode(3, ignore_eos=True))))
    scheduler.step()
    assert len(scheduler.snapshot().running) == 2
    assert scheduler.stats()["parked"] == 1


def test_a_held_stream_gives_its_row_to_one_that_waits(world: Any) -> None:
    scheduler = world.scheduler(max_running=2)
    first, second = hold(scheduler, 1, 2), hold(scheduler, 2, 2)
    scheduler.submit(StreamRequest((Extend((3,)), Decode(5, ignore_eos=True))))
    scheduler.step()
    snapshot = scheduler.snapshot()
    assert (len(snapshot.running), snapshot.num_held, scheduler.stats()["parked"]) == (1, 2, 1)
    scheduler.resume(second, StreamRequest((Extend((2, 2, 1)),)))
    scheduler.resume(first, StreamRequest((Extend((1, 2, 1)),)))  # lost its place, waits for one
    assert scheduler.snapshot().num_waiting == 1
    drain(scheduler)
    stats = scheduler.stats()
    assert (stats["queue_entries"], stats["cached_tokens"]) == (3 + 1, 2)


def test_nobody_is_parked_for_a_stream_that_does_not_fit_anyway(world: Any) -> None:
    scheduler = world.scheduler(num_slots=41)
    hold(scheduler, 1, 2, 3, 4)
    scheduler.submit(StreamRequest((Extend((2,) * 20), Decode(12, ignore_eos=True))))
    scheduler.step()
    scheduler.submit(StreamRequest((Extend((3,) * 30), Decode(1))))
    scheduler.step()
    assert scheduler.snapshot().num_waiting == 1
    assert scheduler.stats()["parked"] == 0
    drain(scheduler)
    assert scheduler.stats()["parked"] == 0


def test_what_a_score_computed_of_the_winner_is_found(world: Any) -> None:
    scheduler = world.scheduler()
    score = Score(((0, 1, 2), (0, 3, 1)))
    stream = scheduler.submit(StreamRequest((Extend((1, 2)), score), hold=True))
    drain(scheduler)
    scheduler.resume(stream, StreamRequest((Extend((1, 2, 0, 3, 1)), Decode(2, ignore_eos=True))))
    (ended,) = [event for event in drain(scheduler) if isinstance(event, Ended)]
    assert (ended.stats.prompt_tokens, ended.stats.cached_tokens) == (3, 2)
    assert ended.stats.prefilled_tokens == 1  # the last token of a choice is never computed
    assert scheduler.stats()["queue_entries"] == 1


def test_a_resume_takes_back_tokens(world: Any) -> None:
    scheduler = world.scheduler()
    other = hold(scheduler, 1, 2, 3, 0)
    stream = hold(scheduler, 1, 2, 3, 3)
    scheduler.resume(stream, StreamRequest((Extend((1, 2, 2)), Decode(3, ignore_eos=True))))
    (found,) = [e.result for e in drain(scheduler) if isinstance(e, Decoded)]
    naive = world.naive()
    naive.submit(StreamRequest((Extend((1, 2, 2)), Decode(3, ignore_eos=True))))
    (expected,) = [e.result for e in drain(naive) if isinstance(e, Decoded)]
    assert found.ids == expected.ids
    assert scheduler.stats()["prefilled_tokens"] == 4 + 1 + 1
    assert scheduler.cancel(other) == NOTHING


def test_a_stream_that_is_still_prefilled_can_be_resumed(world: Any) -> None:
    scheduler = world.scheduler(chunk_size=3)
    running = scheduler.submit(StreamRequest((Extend((1,) * 9),), priority=-1, hold=True))
    scheduler.step()
    assert scheduler.snapshot().running[running].prefilled_tokens == 3
    waiting = scheduler.submit(StreamRequest((Extend((2,) * 9),), priority=-1, hold=True))
    scheduler.resume(waiting, StreamRequest((Extend((2,) * 9 + (1,)), Decode(1))))
    scheduler.resume(running, StreamRequest((Extend((1,) * 7 + (2,)), Decode(1))))
    ends = {e.stream: e.stats for e in drain(scheduler) if isinstance(e, Ended)}
    assert ends[running].prefilled_tokens == 8
    assert ends[waiting].prefilled_tokens == 10
    assert scheduler.stats()["queue_entries"] == 2


def test_both_backends_count_what_a_resume_adds(world: Any) -> None:
    for backend in (world.scheduler(), world.naive()):
        prefill = StreamRequest((Extend((1, 2)), Extend((3, 0))), hold=True)
        stream = backend.submit(prefill)
        backend.resume(stream, StreamRequest((Extend((1, 2, 3, 1, 1)), Decode(1)), hold=True))
        held = drain(backend)[-1]
        assert (held.stats.prompt_tokens, held.stats.decoded_tokens) == (4 + 2, 1)
        backend.resume(stream, prefill)
        held = drain(backend)[-1]
        assert (held.stats.prompt_tokens, held.stats.decoded_tokens) == (2, 0)
        assert backend.snapshot().num_held == 1
        assert backend.cancel(stream) == NOTHING
        assert backend.snapshot().num_held == 0


def test_a_stream_that_waits_is_resumed_with_another_priority(world: Any) -> None:
    scheduler = world.scheduler(max_running=1)
    late = scheduler.submit(StreamRequest((Extend((1,)),), priority=-1, hold=True))
    scheduler.submit(StreamRequest((Extend((2,)), Decode(1))))
    scheduler.resume(late, StreamRequest((Extend((1,)), Decode(1)), priority=1))
    ends = [event.stream for event in drain(scheduler) if isinstance(event, Ended)]
    assert ends[0] == late


def test_a_resume_that_does_not_fit_fails_and_leaves_nothing(world: Any) -> None:
    scheduler = world.scheduler(num_slots=31)
    for length in (65, 31):  # above the context, above the pool
        stream = hold(scheduler, 1, 2, 3)
        scheduler.resume(stream, StreamRequest((Extend((1, 2, 3) + (0,) * (length - 3)),)))
        (failed,) = drain(scheduler)
        assert isinstance(failed, Failed)
        assert str(length) in failed.message
        assert scheduler.snapshot().num_held == scheduler.slot_usage.held == 0
        assert scheduler.cancel(stream) == NOTHING
        scheduler.flush_cache()
        assert scheduler.slot_usage.free == 30


def test_cancelling_a_held_stream_counts_nothing_twice(world: Any) -> None:
    scheduler = world.scheduler()
    stream = hold(scheduler, 1, 2, 3)
    assert scheduler.cancel(stream) == NOTHING
    assert scheduler.snapshot().num_held == 0
    decode = Decode(1, constraint=Constraint(Automaton.from_strings([""]), "closed"))
    request = StreamRequest((Extend((1, 2)), decode), hold=True)
    stream = scheduler.submit(request)  # held at once, and not reported yet
    assert not scheduler.idle
    assert scheduler.cancel(stream).prompt_tokens == 2
    assert scheduler.idle


def test_a_stream_held_without_a_place_waits_for_one(world: Any) -> None:
    scheduler = world.scheduler()
    decode = Decode(1, constraint=Constraint(Automaton.from_strings([""]), "closed"))
    stream = scheduler.submit(StreamRequest((Extend((1, 2)), decode), hold=True))
    assert isinstance(drain(scheduler)[-1], Held)
    scheduler.resume(stream, StreamRequest((Extend((1, 2)),), hold=True))
    assert isinstance(drain(scheduler)[-1], Held)
    stats = scheduler.stats()
    assert (stats["queue_entries"], stats["prefilled_tokens"], stats["parked"]) == (1, 2, 0)


@pytest.mark.parametrize("insert", [True, False])
def test_without_insert_what_nobody_else_used_is_freed(world: Any, insert: bool) -> None:
    scheduler = world.scheduler()
    shared = scheduler.submit(StreamRequest((Extend((1, 2)),)))
    drain(scheduler)
    script = (Extend((1, 2, 3, 0)), Decode(5, ignore_eos=True), Score(((0, 1), (1, 2, 3))))
    first = scheduler.submit(StreamRequest(script, insert=insert))
    scheduler.step()
    second = scheduler.submit(StreamRequest((Extend((1, 2, 3, 1)),)))  # shares 1 2, and 3 of first
    drain(scheduler)
    assert shared < first < second
    of_first = 1 + 5 + 1 + 2  # the 0, the decode, the inner tokens of the choices
    assert scheduler.slot_usage.cached == 4 + insert * of_first
    assert scheduler.slot_usage.held == 0


@pytest.mark.parametrize("insert", [True, False])
def test_streams_without_insert_leave_room(world: Any, insert: bool) -> None:
    scheduler = world.scheduler()
    for i in range(6):
        script = (Extend((3, 3, i, 1)), Decode(6, ignore_eos=True))
        stream = scheduler.submit(StreamRequest(script, hold=True, insert=insert))
        drain(scheduler)
        scheduler.cancel(stream)
    scheduler.submit(StreamRequest((Extend((3, 3)), Decode(1))))
    drain(scheduler)
    assert scheduler.stats()["peak_slots"] == (2 + 6 * 7 if insert else 9)


def test_without_insert_the_shared_tokens_stay(world: Any) -> None:
    scheduler = world.scheduler()
    script = (Extend((1, 2, 3, 0)), Decode(5, ignore_eos=True))
    scheduler.submit(StreamRequest(script, insert=False, shared=3))
    drain(scheduler)
    assert scheduler.slot_usage.cached == 3
    stream = scheduler.submit(StreamRequest(script, hold=True, insert=False, shared=4))
    ids = (1, 2, 3, 0, *drain(scheduler)[-2].result.ids, 2)
    scheduler.resume(stream, StreamRequest((Extend(ids), Decode(2)), insert=False, shared=len(ids)))
    drain(scheduler)
    assert scheduler.slot_usage.cached == 4
    with pytest.raises(ValueError, match="shared"):
        StreamRequest(script, shared=-1)


def test_what_a_resume_takes_back_is_freed_without_insert(world: Any) -> None:
    scheduler = world.scheduler()
    stream = hold(scheduler, 1, 2, 3, 0)
    scheduler.resume(stream, StreamRequest((Extend((1, 2, 2)),), hold=True, insert=False))
    drain(scheduler)
    assert scheduler.slot_usage.cached == 3
    scheduler.cancel(stream)
    assert scheduler.slot_usage.cached == 0


def test_a_hold_that_no_step_has_told_is_none_once_the_stream_is_resumed(world: Any) -> None:
    """Whoever resumes a stream hears of the end of the script that it gave, and of no other."""
    scheduler = world.scheduler()
    ids = (1, 2, 3)
    stream = scheduler.submit(StreamRequest((Extend(ids),), hold=True))
    assert [type(event) for event in drain(scheduler)] == [Held]
    scheduler.resume(stream, StreamRequest((Extend(ids),), hold=True))  # there at once
    scheduler.resume(stream, StreamRequest((Extend((*ids, 4)), Decode(2, ignore_eos=True))))
    events = [event for event in drain(scheduler) if not isinstance(event, Delta)]
    assert [type(event) for event in events] == [Decoded, Ended]
    last = events[-1]
    assert isinstance(last, Ended)
    assert last.stats.prompt_tokens == 1
