"""Embeddings: one forward pass for all, without logits that nobody reads."""

from __future__ import annotations

from typing import Any

import pytest
from torch import Tensor

from sglc.runtime.core.events import Decoded, Embedded, Ended, Event, Failed
from sglc.runtime.core.script import Decode, Embed, Extend, StreamRequest
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.engine.naive_backend import NaiveBackend
from sglc.runtime.engine.scripted import ScriptedBackend
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.byte import ByteTokenizer


class Headless(HashRunner):
    """Counts the rows that go through the head."""

    num_rows = 0

    def logits(self, hidden: Tensor) -> Tensor:
        self.num_rows += len(hidden)
        return super().logits(hidden)


def embed(*ids: int) -> StreamRequest:
    return StreamRequest((Extend(ids), Embed()))


def vectors(events: list[Event]) -> list[tuple[float, ...]]:
    return [event.vector for event in events if isinstance(event, Embedded)]


@pytest.fixture
def runner(world: Any) -> Headless:
    return Headless(world.vocab_size, 2000, world.max_context, eos_id=world.eos)


def test_a_batch_is_one_pass_and_no_logits(world: Any, runner: Headless) -> None:
    scheduler = Scheduler(runner, world.vocabulary)
    prompts = [(0, 1, 2, i % 4) for i in range(8)]
    for ids in prompts:
        scheduler.submit(embed(*ids))
    found = vectors(scheduler.step())
    assert scheduler.idle
    assert (runner.num_forwards, runner.num_tokens, runner.num_rows) == (1, 3 + 4, 0)
    assert len(set(found)) == 4
    assert found[:4] == found[4:]
    for vector in found:
        assert sum(x * x for x in vector) == pytest.approx(1.0)


def test_what_is_cached_is_computed_for_its_last_token_alone(world: Any, runner: Headless) -> None:
    scheduler = Scheduler(runner, world.vocabulary)
    scheduler.submit(embed(1, 2, 3))
    first = vectors(scheduler.step())
    scheduler.submit(embed(1, 2, 3))
    events = scheduler.step()
    (end,) = [event for event in events if isinstance(event, Ended)]
    assert vectors(events) == first
    assert (end.stats.cached_tokens, end.stats.prefilled_tokens) == (3, 0)
    assert scheduler.stats()["recomputed_tokens"] == 1
    assert runner.num_tokens == 3 + 1


def test_embeddings_and_decodes_share_a_pass(world: Any, same_outcome: Any) -> None:
    script = (Extend((1, 2)), Embed(), Decode(3, ignore_eos=True), Embed(), Extend((2,)), Embed())
    batch = [StreamRequest(script), embed(1, 2), StreamRequest((Extend((3,)), Decode(4)))]
    scheduler = world.scheduler()
    expected, found = world.run(world.naive(), batch), world.run(scheduler, batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])
    assert [type(event) for event in found[0] if isinstance(event, Embedded | Decoded)] == [
        Embedded, Decoded, Embedded, Embedded,
    ]  # fmt: skip
    assert scheduler.stats()["forward_passes"] == 6  # embed, 3 samples, embed twice


def test_backends_without_hidden_states_say_so(world: Any) -> None:
    naive = NaiveBackend(lambda _: [0.0], world.vocabulary, world.vocab_size, 9)
    naive.submit(embed(1))
    scripted = ScriptedBackend({}, ByteTokenizer())
    scripted.submit(embed(1))
    for backend in (naive, scripted):
        events: list[Event] = []
        while not backend.idle:
            events += backend.step()
        (failed,) = events
        assert isinstance(failed, Failed)
        assert failed.op == 1
        assert "no embeddings" in failed.message


def test_a_stream_too_long_to_embed_fails(world: Any) -> None:
    batch = [embed(*[1] * world.max_context), embed(*[1] * (world.max_context + 1))]
    for backend in (world.scheduler(), world.naive()):
        fits, fails = world.run(backend, batch).values()
        assert [type(event) for event in fits] == [Embedded, Ended]
        assert [type(event) for event in fails] == [Failed]
