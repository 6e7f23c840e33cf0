"""The logits after a token that is computed, or being computed: at most once per step."""

from __future__ import annotations

from sglc.runtime.scheduler.plan import StepPlan
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import Stream


def want_last_logits(state: SchedulerState, stream: Stream, plan: StepPlan) -> int | None:
    """Ask for the logits after the last token of a stream that is computed to its end."""
    return want_logits(state, stream, len(stream.tokens) - 1, plan)


def want_logits(state: SchedulerState, stream: Stream, at: int, plan: StepPlan) -> int | None:
    """Ask for the logits after the token at position ``at``, before ``stream.computed``.

    If this step computes that token, whoever does, its row is shared. If it was cached before,
    it is fed once more, into the slot that it has: the same token after the same prefix, so what
    is stored there again is what was there. None when the budget is used up.
    """
    slots = state.memory.table.rows[stream.row, : at + 1]
    slot = int(slots[at])
    if not plan.builder.writes(slot):
        if plan.budget < 1:
            return None
        plan.budget -= 1
        plan.builder.add([stream.tokens[at]], at, [slot], stream.row, slots.copy())
        state.counters.recomputed_tokens += 1
    return plan.builder.want_logits(slot)
