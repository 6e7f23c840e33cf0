"""Admission: waiting streams start to run, in their order, when their prefill is sure to fit."""

from __future__ import annotations

from sglc.runtime.core.script import Decode, Extend
from sglc.runtime.scheduler.plan import StepPlan
from sglc.runtime.scheduler.prefill import PrefillPlanner
from sglc.runtime.scheduler.queue import Entry
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import DecodeState, Stream


class Admission:
    """Moves streams from the queue to the running ones."""

    def __init__(self, state: SchedulerState, prefill: PrefillPlanner) -> None:
        self._state = state
        self._prefill = prefill

    def admit(self, plan: StepPlan) -> None:
        """Admit and feed streams until one does not fit; the later ones wait behind it.

        A group that has begun is admitted as far as it fits, whatever is left of the budget: its
        streams share what the first one computes.
        """
        state = self._state
        begun: Entry | None = None
        reserved = -1
        while (turn := state.queue.peek()) is not None:
            entry, stream = turn
            if not state.memory.has_row or (plan.budget < 1 and entry is not begun):
                return
            if reserved < 0:
                reserved = sum(_reserve(s) for s in state.running)
            if not self._attach(stream, reserved):
                return
            begun = entry
            self._prefill.feed(stream, plan)
            reserved += _reserve(stream)

    def _attach(self, stream: Stream, reserved: int) -> bool:
        """Give a stream its place, with what is cached of it; False if it has to wait.

        What it needs are slots for its uncached tokens and for those that it is expected to
        decode, one at least, besides the ``reserved`` ones that the running streams still need.
        Alone, a stream always fits.
        """
        state = self._state
        memory = state.memory
        memory.attach(stream)
        found = memory.share(stream)
        needed = len(stream.tokens) - found + max(1, _expected(stream)) + reserved
        if state.running and not memory.could_secure(needed):
            memory.release(stream)
            return False
        memory.secure(needed)
        stream.entry = None
        state.running.append(stream)
        stream.queue_steps += state.step_number - stream.queued_at
        stream.cached_tokens += found
        state.counters.cached_tokens += found
        return True


def _reserve(stream: Stream) -> int:
    """Slots that a running stream still needs."""
    return max(1, len(stream.tokens) - stream.computed + _expected(stream))


def _expected(stream: Stream) -> int:
    """Tokens to come, up to the end of the last decode that says how many it expects."""
    expected = count = 0
    if isinstance(stream.work, DecodeState):
        expected = count = max(0, stream.work.op.expect - len(stream.work.ids))
    for op in stream.request.script[stream.op + 1 :]:
        if isinstance(op, Extend):
            count += len(op.ids)
        elif isinstance(op, Decode) and op.expect:
            count += op.expect
            expected = count
    return expected
