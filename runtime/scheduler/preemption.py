"""Preemption: when slots run out, the stream that loses least goes back to the queue."""

from __future__ import annotations

from sglc.runtime.scheduler.choices import ChoiceTrie
from sglc.runtime.scheduler.progress import Progress
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import Stream


class Preemption:
    """Takes slots from running streams."""

    def __init__(self, state: SchedulerState, progress: Progress) -> None:
        self._state = state
        self._progress = progress

    def make_way(self) -> None:
        """Preempt the stream of lowest priority, fewest outputs, latest arrival, in this order.

        It keeps its tokens and goes on behind them when it is admitted again; what it computed
        stays cached as long as nobody needs the room. A stream that runs alone fails: it needs
        more slots than there are. No held stream has a place any more when this is called: whoever
        took slots has parked them first.
        """
        state = self._state
        if len(state.running) == 1:
            stream = state.running[0]
            capacity = state.memory.pool.capacity
            state.fail(
                stream,
                f"the stream needs more than the {capacity} KV slots of the pool: it is "
                f"{len(stream.tokens)} tokens long",
            )
            return
        victim = min(state.running, key=lambda s: (s.request.priority, s.decoded_tokens, -s.id))
        self._preempt(victim)

    def _preempt(self, stream: Stream) -> None:
        state = self._state
        state.memory.commit(stream)
        state.memory.release(stream)
        state.running.remove(stream)
        stream.preemptions += 1
        state.counters.preemptions += 1
        if isinstance(stream.work, ChoiceTrie):
            self._progress.settle(stream)  # what was scored may be gone: begin again
        state.enqueue([stream])
