"""Resuming: a stream that is held, or still to be extended only, gets a new script."""

from __future__ import annotations

from dataclasses import replace

from sglc.runtime.core.events import Held
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.kvcache.radix import common_prefix
from sglc.runtime.scheduler.progress import Progress
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import Stream


class Resumption:
    """Lets streams go on behind the tokens that they have in common with a new sequence."""

    def __init__(self, state: SchedulerState, progress: Progress) -> None:
        self._state = state
        self._progress = progress

    def resume(self, number: int, request: StreamRequest) -> None:
        """Take up the new script: at once in the place that the stream has, else in the queue.

        Raises:
            ValueError: the stream is not there or has more to do than extends; the script does
                not begin with an extend; it is of another namespace.
        """
        state = self._state
        stream = state.streams.get(number)
        if stream is None or stream.work is not None:
            raise ValueError(f"stream {number} is not there to be resumed, or has more to do")
        if request.namespace != stream.request.namespace:
            raise ValueError(f"stream {number} is of another namespace")
        sequence = request.sequence
        kept = common_prefix(stream.tokens, list(sequence), 0, len(sequence))
        if not (request.insert or stream.request.insert):
            request = replace(request, shared=min(request.shared, stream.request.shared))
        stream.request = request
        state.memory.truncate(stream, kept)
        stream.tokens += sequence[kept:]
        stream.prompt_tokens += len(sequence) - kept
        stream.op = 1
        state.counters.resumes += 1
        was_held = stream.is_held
        if was_held:
            state.unhold(stream)
            self._withdraw(stream)
        if self._progress.settle(stream, stream.computed < len(stream.tokens)):
            if was_held and stream.row < 0:
                state.enqueue([stream])
            elif stream.row < 0:
                state.queue.push([stream])  # it has waited, perhaps with another priority
        elif not stream.is_gone:
            state.complete(stream)

    def _withdraw(self, stream: Stream) -> None:
        """Take back a Held that no step has reported: for whoever resumes, it extends still.

        Whoever saw it behind the resumption would take it for the end of the new script.
        """
        events = self._state.events
        for event in events:
            if isinstance(event, Held) and event.stream == stream.id:
                stream.take_back(event.stats)
                events.remove(event)
                return
