"""The scheduler's laws that results alone do not show: what is computed, kept, freed, refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.constraints import frames
from sglc.constraints.automaton import Automaton
from sglc.constraints.machine import TooAmbiguousError
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.syntax import Call, Text, alt, seq
from sglc.runtime.core.events import Decoded, Delta, Ended, Event, Failed, Scored
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import (
    Constraint,
    Decode,
    EndRule,
    Extend,
    Score,
    StreamRequest,
)
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.scheduler.scheduler import Scheduler


def prompt(*ids: int) -> StreamRequest:
    """A stream that only fills the cache."""
    return StreamRequest((Extend(ids),))


def ended(events: list[Event]) -> Ended:
    (end,) = [event for event in events if isinstance(event, Ended)]
    return end


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    prompts=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=9), min_size=1, max_size=30),
    chunk_size=st.sampled_from([1, 4, 100]),
    budget=st.sampled_from([2, 7, 1000]),
)
def test_prefilled_tokens_are_the_distinct_ones(
    world: Any, prompts: list[list[int]], chunk_size: int, budget: int
) -> None:
    scheduler = world.scheduler(chunk_size=chunk_size, max_prefill_tokens=budget)
    batch = [StreamRequest((Extend(tuple(ids)), Decode(1))) for ids in prompts]
    world.run(scheduler, batch)
    trie = {tuple(ids[:n]) for ids in prompts for n in range(1, len(ids) + 1)}
    stats = scheduler.stats()
    assert stats["prefilled_tokens"] == len(trie)
    assert stats["prefilled_tokens"] + stats["cached_tokens"] == sum(map(len, prompts))


def test_equal_prompts_of_one_step_cost_one(world: Any) -> None:
    runner = world.runner()
    scheduler = Scheduler(runner, world.vocabulary)
    for _ in range(50):
        scheduler.submit(StreamRequest((Extend((1, 2, 3)), Decode(1))))
    events = scheduler.step()
    assert runner.num_forwards == 1
    assert runner.num_tokens == 3
    assert sum(isinstance(event, Decoded) for event in events) == 50


def test_cached_prompt_recomputes_one_token(world: Any) -> None:
    scheduler = world.scheduler()
    request = StreamRequest((Extend((1, 2, 3)), Decode(1)))
    for _ in range(2):
        scheduler.submit(request)
        scheduler.step()
    stats = scheduler.stats()
    assert stats["prefilled_tokens"] == 3
    assert stats["recomputed_tokens"] == 1
    assert stats["cached_tokens"] == 3


def test_a_reset_scheduler_is_like_a_new_one(world: Any) -> None:
    scheduler = world.scheduler()
    request = StreamRequest((Extend((1, 2, 3)), Decode(4)))
    world.run(scheduler, [request])
    first = scheduler.stats()
    scheduler.reset()
    assert not any(scheduler.stats().values())
    world.run(scheduler, [request])
    assert scheduler.stats() == first


def test_a_scheduler_that_is_at_work_cannot_be_reset(world: Any) -> None:
    scheduler = world.scheduler()
    scheduler.submit(StreamRequest((Extend((1, 2, 3)), Decode(4))))
    with pytest.raises(RuntimeError, match="streams left"):
        scheduler.reset()


def test_a_script_goes_on_in_its_own_slots(world: Any) -> None:
    scheduler = world.scheduler()
    script = (Extend((1, 2, 3)), Decode(4, ignore_eos=True), Extend((0, 1)), Decode(2))
    events = world.run(scheduler, [StreamRequest(script)])[0]
    stats = ended(events).stats
    assert stats.prompt_tokens == 5
    assert stats.prefilled_tokens == 3 + 1 + 2  # the last decoded token goes with the extend
    assert stats.cached_tokens == 0
    assert scheduler.stats()["queue_entries"] == 1


def test_no_forward_pass_for_a_last_token_that_nobody_reads(world: Any) -> None:
    scheduler = world.scheduler()
    world.run(scheduler, [StreamRequest((Extend((1,)), Decode(3, ignore_eos=True)))])
    assert scheduler.stats()["forward_passes"] == 3


def test_outputs_are_cached_for_the_next_stream(world: Any) -> None:
    scheduler = world.scheduler()
    scheduler.submit(StreamRequest((Extend((1, 2)), Decode(5, ignore_eos=True))))
    events: list[Event] = []
    while not scheduler.idle:
        events += scheduler.step()
    (ids,) = [event.result.ids for event in events if isinstance(event, Decoded)]
    scheduler.submit(prompt(1, 2, *ids, 0))
    assert ended(scheduler.step()).stats.cached_tokens == 2 + 4


def test_trailing_extend_is_computed_and_cached(world: Any) -> None:
    scheduler = world.scheduler()
    scheduler.submit(prompt(1, 2, 3))
    scheduler.step()
    assert scheduler.slot_usage.cached == 3
    assert scheduler.idle


def test_score_computes_each_inner_token_once_in_one_forward(world: Any) -> None:
    runner = world.runner()
    scheduler = Scheduler(runner, world.vocabulary)
    choices = ((0, 1, 2), (0, 1, 3), (0, 2), (4,), ())
    scheduler.submit(StreamRequest((Extend((1, 2)), Score(choices))))
    (scored,) = [event for event in scheduler.step() if isinstance(event, Scored)]
    assert [len(row) for row in scored.result.logprobs] == [3, 3, 2, 1, 0]
    assert runner.num_forwards == 1
    assert runner.num_tokens == 2 + len({(0,), (0, 1)})
    scheduler.submit(prompt(1, 2, 0, 1, 3))
    assert ended(scheduler.step()).stats.cached_tokens == 4  # the winner goes on from the cache


def test_equal_scores_of_one_step_share(world: Any) -> None:
    scheduler = world.scheduler()
    request = StreamRequest((Extend((1, 2)), Score(((0, 1), (2, 1)))))
    world.run(scheduler, [request] * 20)
    stats = scheduler.stats()
    assert (stats["forward_passes"], stats["prefilled_tokens"], stats["scored_tokens"]) == (1, 2, 2)


def test_score_over_a_small_budget(world: Any) -> None:
    choices = tuple((i, j, 0) for i in range(4) for j in range(3))
    request = StreamRequest((Extend((1, 2)), Score(choices), Decode(2)))
    small = world.scheduler(max_prefill_tokens=2)
    (found,) = [e for e in world.run(small, [request])[0] if isinstance(e, Scored)]
    (expected,) = [e for e in world.run(world.naive(), [request])[0] if isinstance(e, Scored)]
    for row, other in zip(found.result.logprobs, expected.result.logprobs, strict=True):
        assert row == pytest.approx(other)
    assert small.stats()["scored_tokens"] == 4 + 12


def test_cancel_frees_and_silences(world: Any) -> None:
    scheduler = world.scheduler(max_running=2)
    streams = [
        scheduler.submit(StreamRequest((Extend((i, 1)), Decode(30, ignore_eos=True))))
        for i in range(4)
    ]
    scheduler.step()
    scheduler.step()
    for stream in streams[1:]:
        scheduler.cancel(stream)
    assert scheduler.slot_usage.held == 1  # of the stream that is left
    seen: set[int] = set()
    while not scheduler.idle:
        seen.update(event.stream for event in scheduler.step())
    assert seen == {streams[0]}
    scheduler.cancel(streams[0])
    scheduler.cancel(999)
    usage = scheduler.slot_usage
    assert usage.free + usage.cached == usage.total


def test_what_can_never_fit_fails_and_the_others_go_on(world: Any) -> None:
    scheduler = world.scheduler(num_slots=31)
    too_long = scheduler.submit(prompt(*[1] * 65))
    too_many = scheduler.submit(prompt(*[1] * 31))
    grows = scheduler.submit(StreamRequest((Extend((2,) * 25), Decode(30, ignore_eos=True))))
    fine = scheduler.submit(StreamRequest((Extend((3,)), Decode(3))))
    events: list[Event] = []
    while not scheduler.idle:
        events += scheduler.step()
    failed = {event.stream: event.message for event in events if isinstance(event, Failed)}
    assert {event.op for event in events if isinstance(event, Failed)} == {0, 1}
    assert "65" in failed[too_long]
    assert "64" in failed[too_long]
    assert "31" in failed[too_many]
    assert "30" in failed[too_many]
    assert "30" in failed[grows]
    assert fine not in failed
    assert scheduler.slot_usage.held == 0


def test_the_context_ends_a_decode_as_length(world: Any) -> None:
    request = StreamRequest((Extend((1,) * 60), Decode(30, ignore_eos=True)))
    events = world.run(world.scheduler(), [request])[0]
    (result,) = [event.result for event in events if isinstance(event, Decoded)]
    assert (len(result.ids), result.finish) == (4, "length")


def test_a_preempted_score_begins_again(world: Any, same_outcome: Any) -> None:
    choices = tuple((i, j, k) for i in range(2) for j in range(3) for k in range(2))
    batch = [
        StreamRequest((Extend((1, 2)), Decode(44, ignore_eos=True)), priority=1),
        StreamRequest((Extend((3, 2)), Score(choices), Decode(3))),
    ]
    scheduler = world.scheduler(num_slots=48, max_prefill_tokens=1)
    scheduler.submit(batch[0])
    while scheduler.slot_usage.free > 7:
        scheduler.step()
    scheduler.submit(batch[1])
    events: list[Event] = []
    while not scheduler.idle:
        events += [event for event in scheduler.step() if event.stream == 1]
    assert scheduler.stats()["preemptions"] > 0
    assert same_outcome(events) == same_outcome(world.run(world.naive(), batch)[1])


def test_a_preempted_stream_comes_back_to_its_cache(world: Any) -> None:
    scheduler = world.scheduler(num_slots=30)
    batch = [StreamRequest((Extend((i, 1, 2)), Decode(15, ignore_eos=True))) for i in range(2)]
    events = world.run(scheduler, batch)
    ends = [ended(found).stats for found in events.values()]
    assert sum(end.preemptions for end in ends) == 1
    assert max(end.cached_tokens for end in ends) > 3


def test_priority_first_then_submission_order(world: Any) -> None:
    scheduler = world.scheduler(max_running=1)
    order = [
        scheduler.submit(StreamRequest((Extend((i, 1)), Decode(1)), priority=p))
        for i, p in enumerate([0, 1, 0, 2])
    ]
    ends: list[int] = []
    while not scheduler.idle:
        ends += [event.stream for event in scheduler.step() if isinstance(event, Ended)]
    assert ends == [order[3], order[1], order[0], order[2]]


def test_ids_outside_the_vocabulary_are_refused(world: Any) -> None:
    scheduler = world.scheduler()
    for script in (
        (Extend((world.vocab_size,)),),
        (Extend((-1,)),),
        (Extend((1,)), Score(((1, 999),))),
        (Extend((1,)), Decode(1, SamplingParams(logit_bias=((999, 1.0),)))),
    ):
        with pytest.raises(ValueError, match="token ids must be in"):
            scheduler.submit(StreamRequest(script))
    assert scheduler.idle


@pytest.mark.parametrize(
    ("pattern", "closing", "message"),
    [
        ("z", False, "allows no token"),
        ("z", True, "no tokens for the shortest text"),
        ("[^\\s\\S]", True, "no text"),
        ("a{30}", True, "takes 30 tokens, and the decode may take 5"),
    ],
)
def test_a_constraint_that_no_token_fits_fails(
    world: Any, pattern: str, closing: bool, message: str
) -> None:
    try:
        automaton = Automaton.from_regex(pattern)
    except ValueError:
        automaton = Automaton.empty()
    decode = Decode(5, constraint=Constraint(automaton, "closed", closing))
    events = world.run(world.scheduler(), [StreamRequest((Extend((1,)), decode))])[0]
    (failed,) = events
    assert isinstance(failed, Failed)
    assert message in failed.message


@pytest.mark.parametrize("end", ["closed", "leave"])
@pytest.mark.parametrize("jump_forward", [False, True])
def test_a_text_ends_before_it_has_too_many_readings(
    world: Any, end: EndRule, jump_forward: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "MAX_WORK", 100)
    rules = {"s": alt(Text("a"), seq(Call("s"), Call("s"))), "": seq(Call("s"), Text("b"))}
    machine = Pushdown(rules, "", "")
    often = SamplingParams(logit_bias=((0, 1000.0),))  # the token `a`
    hostile = Decode(60, often, constraint=Constraint(machine, end, closing=False))
    other = Decode(60, constraint=Constraint(Automaton.from_regex("(ab)*c"), "closed"))
    scripts = [StreamRequest((Extend((1,)), decode)) for decode in (hostile, other)]
    events = world.run(world.scheduler(jump_forward=jump_forward), scripts)
    (text,) = [event.result.text for event in events[0] if isinstance(event, Decoded)]
    assert text == "a" * (len(text) - 1) + "b"
    assert 5 < len(text) < 60
    with pytest.raises(TooAmbiguousError):
        machine.accepts(b"a" * len(text) + b"b")
    assert isinstance(events[1][-1], Ended)


def test_the_empty_value_needs_no_token(world: Any) -> None:
    constraint = Constraint(Automaton.from_strings([""]), "closed")
    script = (Extend((1,)), Decode(5, constraint=constraint), Extend((2,)), Decode(1))
    events = world.run(world.scheduler(), [StreamRequest(script)])[0]
    first = next(event for event in events if isinstance(event, Decoded))
    assert (first.op, first.result.ids, first.result.finish) == (1, (), "constraint")


def test_streams_share_masks(world: Any) -> None:
    scheduler = world.scheduler()
    constraint = Constraint(Automaton.from_regex("(ab)*c"), "closed")
    script = (Decode(9, constraint=constraint),)
    world.run(scheduler, [StreamRequest((Extend((i,)), *script)) for i in range(8)])
    assert scheduler.stats()["masks_built"] <= 3


def test_deltas_can_be_left_out(world: Any) -> None:
    request = StreamRequest((Extend((1,)), Decode(5, ignore_eos=True)), deltas=False)
    events = world.run(world.scheduler(), [request])[0]
    assert not any(isinstance(event, Delta) for event in events)


def test_a_vocabulary_larger_than_the_model_is_refused(world: Any) -> None:
    with pytest.raises(ValueError, match="the vocabulary has 500 ids"):
        Scheduler(world.runner(), Vocabulary.of([b"x"] * 500, []))
