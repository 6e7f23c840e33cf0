"""Decoding: one new token for every stream that sampled one in the step before."""

from __future__ import annotations

from sglc.runtime.scheduler.plan import Sample, StepPlan
from sglc.runtime.scheduler.state import SchedulerState


class DecodePlanner:
    """Feeds the last token of each decoding stream."""

    def __init__(self, state: SchedulerState) -> None:
        self._state = state

    def plan(self, plan: StepPlan) -> bool:
        """Add all decoding streams to an empty plan; False, and nothing done, without slots."""
        streams = [s for s in self._state.running if s.decoding]
        if not streams:
            return True
        memory = self._state.memory
        slots = memory.alloc(len(streams))
        if slots is None:
            return False
        rows = [s.row for s in streams]
        memory.table.rows[rows, [s.computed for s in streams]] = slots
        for stream in streams:
            stream.computed += 1
        wanted = plan.builder.add_single(
            [s.tokens[-1] for s in streams], [s.computed for s in streams], slots, rows
        )
        plan.samples += map(Sample, streams, wanted)
        return True
