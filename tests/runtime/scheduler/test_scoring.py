"""Scores of long choices: in chunks, with alternatives, and not computed a second time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.config import EngineConfig
from sglc.runtime.core.batch import ForwardBatch
from sglc.runtime.core.events import Ended, Failed, Scored
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.scheduler.scheduler import Scheduler

IDS = (*(i % 3 for i in range(40)), 5, 3)


class CountingRunner(HashRunner):
    """Notes how many rows of logits every forward pass makes."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.num_rows: list[int] = []

    def forward(self, batch: ForwardBatch) -> torch.Tensor:
        logits = super().forward(batch)
        self.num_rows.append(len(logits))
        return logits


def logprob_request(ids: tuple[int, ...], start: int, num_top: int = 2) -> StreamRequest:
    """What a server asks that wants the log probabilities of a prompt from a position on."""
    rest = ids[start:]
    return StreamRequest(
        (Extend(ids[:start]), Score((rest,), num_top=num_top), Extend(rest), Decode(3))
    )


def counting(world: Any, **limits: int) -> tuple[CountingRunner, Scheduler]:
    runner = CountingRunner(world.vocab_size, 2000, world.max_context, eos_id=world.eos)
    return runner, Scheduler(runner, world.vocabulary, EngineConfig(**limits))


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    start=st.integers(1, len(IDS) - 1),
    num_others=st.integers(0, 3),
    chunk_size=st.integers(1, 12),
    budget=st.integers(1, 20),
)
def test_rows_of_logits_are_bounded_by_the_chunk(
    world: Any, same_outcome: Any, start: int, num_others: int, chunk_size: int, budget: int
) -> None:
    batch = [logprob_request(IDS, start)]
    batch += [logprob_request((i, *IDS[i:]), 1 + i) for i in range(num_others)]
    runner, scheduler = counting(world, chunk_size=chunk_size, max_prefill_tokens=budget)
    expected, found = world.run(world.naive(), batch), world.run(scheduler, batch)
    for position in expected:
        assert same_outcome(found[position]) == same_outcome(expected[position])
    assert max(runner.num_rows) <= chunk_size + len(batch)  # a row for the end of each stream


@pytest.mark.parametrize("chunk_size", [3, 100])
@pytest.mark.parametrize("start", [1, 7, len(IDS) - 1])
def test_what_a_score_computed_is_not_computed_again(
    world: Any, start: int, chunk_size: int
) -> None:
    _, scheduler = counting(world, chunk_size=chunk_size)
    (events,) = world.run(scheduler, [logprob_request(IDS, start)]).values()
    (stats,) = [event.stats for event in events if isinstance(event, Ended)]
    assert stats.prefilled_tokens + stats.scored_tokens == len(IDS)
    assert stats.scored_tokens == len(IDS) - start - 1
    assert scheduler.stats()["recomputed_tokens"] == 0


def test_alternatives_are_those_of_the_place(world: Any) -> None:
    choices = ((0, 1, 2), (0, 1, 3), (2,), ())
    request = StreamRequest((Extend((1, 2)), Score(choices, num_top=3)))
    (events,) = world.run(world.scheduler(), [request]).values()
    (scored,) = [event.result for event in events if isinstance(event, Scored)]
    tops = scored.top_logprobs
    assert [len(row) for row in tops] == [3, 3, 1, 0]
    assert tops[0] == tops[1]  # after the same tokens
    assert tops[2][0] == tops[0][0]
    for choice, row, places in zip(choices, scored.logprobs, tops, strict=True):
        for token, value, top in zip(choice, row, places, strict=True):
            assert len(top) == 3
            assert value <= top[0][1]
            if token in dict(top):
                assert dict(top)[token] == value


def test_a_score_beyond_the_pool_fails(world: Any) -> None:
    small = world.scheduler(num_slots=30, chunk_size=4)
    (events,) = world.run(small, [logprob_request(IDS, 1)]).values()
    assert [type(event) for event in events] == [Failed]


def test_a_negative_number_of_alternatives_is_refused() -> None:
    with pytest.raises(ValueError, match="num_top must be at least 0, not -1"):
        Score(((1,),), num_top=-1)
