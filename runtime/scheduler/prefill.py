"""Prefill: computing the tokens that a stream was given, in chunks, each distinct one once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from sglc.runtime.core.script import Embed
from sglc.runtime.scheduler.choices import ChoiceTrie
from sglc.runtime.scheduler.last_logits import want_last_logits, want_logits
from sglc.runtime.scheduler.plan import EmbedPick, ForcedPick, Sample, StepPlan
from sglc.runtime.scheduler.scoring import ScorePlanner
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import DecodeState, Stream


class PrefillPlanner:
    """Feeds tokens that have no K/V yet, and asks for what comes after the last one."""

    def __init__(self, state: SchedulerState) -> None:
        self._state = state
        self._scoring = ScorePlanner(state)

    def plan(self, plan: StepPlan, least: int | None) -> list[Stream]:
        """Bring on the running streams that do not decode, by priority, then as admitted.

        Those of a priority below ``least`` are returned instead: others come before them.
        """
        streams = [stream for stream in self._state.running if not stream.decoding]
        streams.sort(key=_urgency)
        count = len(streams)
        if least is not None:
            count = bisect_right(streams, -least, key=_urgency)
        self.feed_all(streams[:count], plan)
        return streams[count:]

    def feed_all(self, streams: Iterable[Stream], plan: StepPlan) -> None:
        """Bring on streams in their order."""
        for stream in streams:
            self.feed(stream, plan)

    def feed(self, stream: Stream, plan: StepPlan) -> None:
        """Bring a stream as far as budget and slots allow."""
        if stream.computed < len(stream.tokens):
            self._compute(stream, plan)
        decode = stream.work
        if isinstance(decode, DecodeState) and decode.owed:
            self._pick_forced(stream, decode, plan)
            if decode.owed:
                return
        if isinstance(decode, DecodeState) and decode.ending is not None:
            plan.ended.append(stream)
            return
        if stream.computed < len(stream.tokens):
            return
        if stream.work is None:
            plan.completed.append(stream)
            return
        if isinstance(stream.work, ChoiceTrie):
            self._scoring.feed(stream, stream.work, plan)
            return
        row = want_last_logits(self._state, stream, plan)
        if row is None:
            return
        if isinstance(stream.work, Embed):
            plan.embeds.append(EmbedPick(stream, row))
        else:
            plan.samples.append(Sample(stream, row))

    def _pick_forced(self, stream: Stream, decode: DecodeState, plan: StepPlan) -> None:
        """Ask for the logits before forced ids, as far as tokens are computed and budget allows."""
        owed, decode.owed = decode.owed, []
        for number, place in enumerate(owed):
            at = decode.start + place - 1
            row = None
            if at < stream.computed:
                row = want_logits(self._state, stream, at, plan)
            if row is None:
                decode.owed = owed[number:]
                return
            plan.forced.append(ForcedPick(stream, row, place))

    def _compute(self, stream: Stream, plan: StepPlan) -> None:
        state = self._state
        found = state.memory.share(stream)
        stream.cached_tokens += found
        state.counters.cached_tokens += found
        begin = stream.computed
        count = min(
            len(stream.tokens) - begin,
            state.config.chunk_size,
            plan.budget,
        )
        count = min(count, state.memory.secure(count))
        if count <= 0:
            return
        slots = state.memory.alloc(count)
        assert slots is not None
        state.memory.grow(stream, slots)
        tokens = stream.tokens[begin : begin + count]
        plan.builder.add(tokens, begin, slots.tolist(), stream.row)
        plan.budget -= count
        stream.prefilled_tokens += count
        state.counters.prefilled_tokens += count


def _urgency(stream: Stream) -> int:
    return -stream.request.priority
