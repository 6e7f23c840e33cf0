"""Admission: waiting streams start to run, in their order, when their prefill is sure to fit."""

from __future__ import annotations

from sglc.runtime.scheduler.plan import StepPlan
from sglc.runtime.scheduler.prefill import PrefillPlanner
from sglc.runtime.scheduler.state import SchedulerState


class Admission:
    """Moves streams from the queue to the running ones."""

    def __init__(self, state: SchedulerState, prefill: PrefillPlanner) -> None:
        self._state = state
        self._prefill = prefill

    def admit(self, plan: StepPlan) -> None:
        """Admit and feed streams until one does not fit; the later ones wait behind it.

        What a stream needs are slots for its uncached tokens and one to decode into, besides
        those that the running streams still need for theirs. Alone, a stream always fits.
        """
        state = self._state
        memory = state.memory
        reserved = sum(max(1, len(s.tokens) - s.computed) for s in state.running)
        while plan.budget > 0 and memory.table.num_free:
            stream = state.queue.peek()
            if stream is None:
                return
            memory.attach(stream)
            found = memory.share(stream)
            needed = len(stream.tokens) - found + 1
            if needed + reserved > memory.num_available and state.running:
                memory.release(stream)
                return
            state.queue.pop()
            state.running.append(stream)
            stream.queue_steps += state.step_number - stream.queued_at
            stream.cached_tokens += found
            state.counters.cached_tokens += found
            self._prefill.feed(stream, plan)
            reserved += max(1, len(stream.tokens) - stream.computed)
