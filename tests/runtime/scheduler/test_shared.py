"""Clients of one backend: each sees what a backend of its own would tell it, and nothing else."""

from __future__ import annotations

import random
from typing import Any

import pytest
from generators.streams import IDS, requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.core.events import Decoded, Ended, Event, Failed, Held
from sglc.runtime.core.script import Decode, Extend, StreamRequest
from sglc.runtime.core.stats import NOTHING, StreamStats
from sglc.runtime.engine.shared import Client, SharedBackend

LONG = Decode(12, ignore_eos=True)


def generate(*ids: int, **options: Any) -> StreamRequest:
    return StreamRequest((Extend(ids), LONG), deltas=False, **options)


def end_of(events: list[Event]) -> StreamStats:
    (stats,) = [event.stats for event in events if isinstance(event, Ended | Held | Failed)]
    return stats


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    batches=st.lists(st.lists(requests(), max_size=4), min_size=2, max_size=4),
    is_group=st.booleans(),
    num_slots=st.sampled_from([80, 130, 2000]),
    seed=st.integers(0, 99),
)
def test_a_client_is_told_what_a_backend_of_its_own_would_say(
    world: Any,
    same_outcome: Any,
    batches: list[list[StreamRequest]],
    is_group: bool,
    num_slots: int,
    seed: int,
) -> None:
    """Whoever steps, in whatever order, and however late a batch comes."""
    order = random.Random(seed)
    scheduler = world.scheduler(num_slots)
    shared = SharedBackend(scheduler)
    clients = [shared.client() for _ in batches]
    streams: list[list[int]] = [[] for _ in batches]
    events: dict[tuple[Client, int], list[Event]] = {}
    for client, batch, mine in zip(clients, batches, streams, strict=True):
        for _ in range(order.randrange(3)):
            report(order.choice(clients), events)
        mine += client.submit_group(batch) if is_group else map(client.submit, batch)
    while not shared.idle:
        report(order.choice(clients), events)
        parts = [client.snapshot() for client in clients]
        whole = scheduler.snapshot()
        assert {k: v for part in parts for k, v in part.running.items()} == whole.running
        assert sum(part.num_waiting for part in parts) == whole.num_waiting
        assert {part.free_slots for part in parts} == {whole.free_slots}
    assert all(client.idle for client in clients)
    for client, batch, mine in zip(clients, batches, streams, strict=True):
        expected = world.run(world.naive(), batch)
        for position, stream in enumerate(mine):
            assert same_outcome(events[client, stream]) == same_outcome(expected[position])
    assert len(events) == sum(map(len, batches))
    total = sum(map(end_of, events.values()), NOTHING)
    assert total.prefilled_tokens == scheduler.stats()["prefilled_tokens"]


def report(client: Client, events: dict[tuple[Client, int], list[Event]]) -> None:
    for event in client.step():
        events.setdefault((client, event.stream), []).append(event)


def test_one_pass_serves_all(world: Any) -> None:
    shared = SharedBackend(world.scheduler())
    clients = [shared.client() for _ in range(4)]
    for i, client in enumerate(clients):
        client.submit(generate(i, 1))
    for _ in range(12):
        assert clients[0].idle is False
        clients[0].step()
        assert clients[1].take() == [] or clients[0].idle
    assert clients[0].idle
    assert not clients[2].idle
    assert not shared.idle
    assert [type(event) for event in clients[2].step()] == [Decoded, Ended]  # no further pass
    assert clients[3].stats()["forward_passes"] == 12


def test_a_client_has_no_hold_on_others(world: Any) -> None:
    shared = SharedBackend(world.scheduler())
    mine, other = shared.client(), shared.client()
    stream = other.submit(generate(1, hold=True))
    assert mine.cancel(stream) == NOTHING
    while not other.take():
        mine.step()
    with pytest.raises(ValueError, match="not there to be resumed"):
        mine.resume(stream, generate(1, 2))
    assert other.snapshot().num_held == 1
    assert mine.snapshot().num_held == 0
    assert other.idle
    other.resume(stream, generate(1, 2))
    assert not other.idle
    assert mine.idle


def test_what_was_not_reported_is_dropped_and_counted(world: Any) -> None:
    shared = SharedBackend(world.scheduler())
    mine, other = shared.client(), shared.client()
    ending, holding = mine.submit(generate(1)), mine.submit(generate(2, hold=True))
    other.submit(generate(3))
    while not other.idle:
        other.step()
    assert mine.cancel(ending).decoded_tokens == 12
    assert not mine.idle
    assert mine.cancel(holding).decoded_tokens == 12
    assert (mine.idle, shared.idle) == (True, True)
    assert mine.cancel(ending) == mine.cancel(holding) == NOTHING


def test_a_stream_with_unknown_results_is_not_resumed(world: Any) -> None:
    shared = SharedBackend(world.scheduler())
    mine, other = shared.client(), shared.client()
    stream = mine.submit(generate(1, hold=True))
    while not other.idle or not shared.unread:
        other.step()
    with pytest.raises(ValueError, match="has more to do"):
        mine.resume(stream, generate(1, 2))
    assert [type(event) for event in mine.step()] == [Decoded, Held]
    mine.resume(stream, generate(1, 2))


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(first=IDS, second=IDS, num_steps=st.integers(0, 4), chunk_size=st.sampled_from([2, 100]))
def test_resumed_before_it_is_known_to_be_held(
    world: Any,
    same_outcome: Any,
    first: tuple[int, ...],
    second: tuple[int, ...],
    num_steps: int,
    chunk_size: int,
) -> None:
    """As if it had been extending still: one end, with all that was counted."""
    before = StreamRequest((Extend((1, *first)),), hold=True)
    after = generate(1, *second)
    naive = world.naive()
    expected: list[Event] = []
    naive.resume(naive.submit(before), after)
    while not naive.idle:
        expected += naive.step()
    scheduler = world.scheduler(chunk_size=chunk_size)
    shared = SharedBackend(scheduler)
    mine, other = shared.client(), shared.client()
    stream = mine.submit(before)
    for _ in range(num_steps):
        other.step()
    mine.resume(stream, after)
    found: list[Event] = []
    while not mine.idle:
        found += mine.step()
    assert same_outcome(found) == same_outcome(expected)
    assert end_of(found).prefilled_tokens == scheduler.stats()["prefilled_tokens"]
