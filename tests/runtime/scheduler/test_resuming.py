"""Held streams against fresh ones: each script says what a new stream with the same tokens says.

Streams are submitted, alone and in groups, held, parked, resumed, taken back and cancelled in any
order; no slot, no row and no count gets lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from generators.streams import DECODES, EMBEDS, IDS, SCORES
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from sglc.runtime.config import SCHEDULE_POLICIES, SchedulePolicy
from sglc.runtime.core.events import Decoded, Ended, Event, Failed, Held
from sglc.runtime.core.script import Decode, Extend, Score, StreamRequest
from sglc.runtime.core.stats import NOTHING
from sglc.runtime.scheduler.scheduler import Scheduler

EXPECTING = DECODES.flatmap(
    lambda decode: st.integers(0, decode.max_tokens).map(lambda n: replace(decode, expect=n))
)
LONG = st.builds(Decode, st.integers(8, 20), ignore_eos=st.just(True))
OPS = st.lists(st.builds(Extend, IDS) | EXPECTING | LONG | SCORES | EMBEDS, max_size=3).map(tuple)
FIRST = st.tuples(st.integers(0, 1), IDS).map(lambda ids: (ids[0], *ids[1]))
HOLD = st.sampled_from([True, True, True, False])


@st.composite
def scripts(draw: Any, ids: Sequence[int]) -> StreamRequest:
    """A script over the whole sequence ``ids``, or one that prefills it."""
    rest = draw(st.just(()) | OPS)
    return StreamRequest(
        (Extend(tuple(ids)), *rest), draw(st.integers(-1, 1)), draw(st.booleans()), draw(HOLD),
        draw(st.booleans()),
    )  # fmt: skip


REQUESTS = FIRST.flatmap(scripts)


@dataclass
class Known:
    """What a test knows of a stream: its script, what was reported of that, its tokens if held."""

    request: StreamRequest
    events: list[Event] = field(default_factory=list)
    tokens: list[int] | None = None


class Streams(RuleBasedStateMachine):
    """Streams on a scheduler, each checked when its script is complete."""

    def __init__(self, world: Any, outcome: Callable[[list[Event]], list[object]]) -> None:
        super().__init__()
        self.world = world
        self.outcome = outcome
        self.open: dict[int, Known] = {}
        self.total = NOTHING
        self.fresh: dict[tuple[Any, ...], list[object]] = {}

    @initialize(
        num_slots=st.sampled_from([80, 80, 110, 2000]),
        max_running=st.sampled_from([1, 3, 100, 100]),
        chunk_size=st.sampled_from([1, 3, 100]),
        budget=st.sampled_from([1, 4, 1000]),
        jump=st.booleans(),
        policy=st.sampled_from(SCHEDULE_POLICIES),
        radix_cache=st.sampled_from([True, True, False]),
    )
    def begin(
        self,
        num_slots: int,
        max_running: int,
        chunk_size: int,
        budget: int,
        jump: bool,
        policy: SchedulePolicy,
        radix_cache: bool,
    ) -> None:
        self.jump = jump
        self.scheduler: Scheduler = self.world.scheduler(
            num_slots,
            jump,
            max_running=max_running,
            chunk_size=chunk_size,
            max_prefill_tokens=budget,
            schedule_policy=policy,
            radix_cache=radix_cache,
        )

    @rule(request=REQUESTS)
    def submit(self, request: StreamRequest) -> None:
        self.open[self.scheduler.submit(request)] = Known(request)

    @rule(requests=st.lists(REQUESTS, min_size=1, max_size=5))
    def submit_group(self, requests: list[StreamRequest]) -> None:
        streams = self.scheduler.submit_group(requests)
        self.open.update(zip(streams, map(Known, requests), strict=True))

    @precondition(lambda self: any(s.tokens is not None for s in self.open.values()))
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        held = [n for n, s in self.open.items() if s.tokens is not None]
        for number in data.draw(st.lists(st.sampled_from(held), min_size=1, unique=True)):
            tokens = self.open[number].tokens
            assert tokens is not None
            keep = data.draw(st.integers(0, len(tokens)) | st.just(len(tokens)))
            ids = (*tokens[:keep], *data.draw(IDS)) or (1,)
            self.give(number, data.draw(scripts(ids)))

    @precondition(lambda self: any(self.is_prefilled(s) for s in self.open.values()))
    @rule(data=st.data(), request=REQUESTS)
    def resume_early(self, data: st.DataObject, request: StreamRequest) -> None:
        """A stream with nothing to do but a prefill goes another way."""
        extending = [n for n, s in self.open.items() if self.is_prefilled(s)]
        number = data.draw(st.sampled_from(extending))
        stream = self.open[number]
        if data.draw(st.booleans()):
            first = stream.request.sequence
            cut = data.draw(st.integers(1, len(first)))
            request = replace(request, script=(Extend(first[:cut]), *request.script[1:]))
        self.give(number, request)

    @rule(count=st.integers(1, 12))
    def step(self, count: int) -> None:
        for _ in range(count):
            self.one_step()

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.drop(data.draw(st.sampled_from(sorted(self.open))))

    @rule()
    def flush(self) -> None:
        self.scheduler.flush_cache()

    @invariant()
    def everything_is_somewhere(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        usage, snapshot = self.scheduler.slot_usage, self.scheduler.snapshot()
        assert usage.free + usage.cached + usage.held == usage.total
        found = len(snapshot.running) + snapshot.num_waiting + snapshot.num_held
        assert found == len(self.scheduler._state.streams) <= len(self.open)
        pending = {event.stream for event in self.scheduler._state.events}
        held = sum(s.tokens is not None for s in self.open.values())
        assert held <= snapshot.num_held <= held + len(pending)

    def teardown(self) -> None:
        if not hasattr(self, "scheduler"):
            return
        for _ in range(5000):
            if self.scheduler.idle:
                break
            self.one_step()
        assert self.scheduler.idle
        assert all(s.tokens is not None for s in self.open.values())
        for number in list(self.open):
            self.drop(number)
        usage = self.scheduler.slot_usage
        assert (usage.held, self.scheduler.snapshot().num_held) == (0, 0)
        assert self.scheduler.flush_cache() == usage.cached
        assert self.scheduler.slot_usage.free == usage.total
        config = self.scheduler._state.config
        assert self.scheduler._state.memory.table.num_free == config.max_running
        counters, total = self.scheduler.stats(), asdict(self.total)
        shared = counters.keys() & total.keys()
        assert {k: total[k] for k in shared} == {k: counters[k] for k in shared}

    def one_step(self) -> None:
        for event in self.scheduler.step():
            stream = self.open[event.stream]
            stream.events.append(event)
            if isinstance(event, Ended | Failed | Held):
                self.total += event.stats
                self.check(stream)
                if isinstance(event, Held):
                    stream.tokens = tokens_after(stream)
                    stream.events = []
                else:
                    del self.open[event.stream]

    def give(self, number: int, request: StreamRequest) -> None:
        """Resume a stream; of what is not reported yet only the counts are of interest."""
        self.scheduler.resume(number, request)
        stream = self.open[number]
        stream.request = request
        stream.tokens = None

    def drop(self, number: int) -> None:
        self.total += self.scheduler.cancel(number)
        assert self.scheduler.cancel(number) == NOTHING
        del self.open[number]

    def is_prefilled(self, stream: Known) -> bool:
        """Whether a stream has only extends to do, and has not failed by their length."""
        lengths = [len(op.ids) for op in stream.request.script if isinstance(op, Extend)]
        is_extend = len(lengths) == len(stream.request.script)
        return stream.tokens is None and is_extend and sum(lengths) <= self.world.max_context

    def check(self, stream: Known) -> None:
        """Compare what a script has reported with what a fresh stream says to it."""
        naive = self.world.naive(self.jump)
        naive.submit(stream.request)
        expected: list[Event] = []
        while not naive.idle:
            expected += naive.step()
        assert comparable(self.outcome(stream.events)) == comparable(self.outcome(expected))
        assert type(stream.events[-1]) is type(expected[-1])


def comparable(outcome: list[object]) -> list[object]:
    """Leave out what differs for a stream that had tokens already: how many it was given."""
    *results, last = outcome
    assert isinstance(last, tuple)
    return [*results, last[1:]]


def tokens_after(stream: Known) -> list[int]:
    """The tokens of a held stream, by what it reported; choice 0 is taken to have won."""
    results = {event.op: event.result for event in stream.events if isinstance(event, Decoded)}
    tokens: list[int] = []
    for number, op in enumerate(stream.request.script):
        if isinstance(op, Extend):
            tokens += op.ids
        elif isinstance(op, Decode):
            result = results[number]
            tokens += result.ids[: result.num_kept]
    last = stream.request.script[-1]
    return tokens + list(last.choices[0]) if isinstance(last, Score) else tokens


def test_a_resumed_stream_says_what_a_fresh_one_says(world: Any, same_outcome: Any) -> None:
    run_state_machine_as_test(
        lambda: Streams(world, same_outcome),
        settings=settings(
            max_examples=100,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
