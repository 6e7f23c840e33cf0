"""A backend that takes down what another one gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Decoded, Embedded, Ended, Event, Failed, Held, Scored
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.core.stats import Snapshot, StreamStats
from sglc.runtime.recording.walk import Walk
from sglc.runtime.recording.writer import RecordingWriter


class RecordingBackend:
    """Implements Backend: does what ``backend`` does, and writes down each answer it gives."""

    def __init__(self, backend: Backend, writer: RecordingWriter) -> None:
        self._backend = backend
        self._writer = writer
        self._open: dict[int, Walk] = {}

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return self._backend.vocab_size

    @property
    def max_context(self) -> int:
        """Largest number of tokens of one stream."""
        return self._backend.max_context

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do."""
        return self._backend.idle

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream and return its id."""
        stream = self._backend.submit(request)
        self._open[stream] = Walk(request)
        return stream

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams as one and return their ids."""
        streams = self._backend.submit_group(requests)
        self._open.update(zip(streams, map(Walk, requests), strict=True))
        return streams

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a new script to a stream that is held, or has nothing but extends left."""
        self._backend.resume(stream, request)
        self._open[stream] = Walk(request)

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream; a call of it that has no answer is written down as cancelled."""
        walk = self._open.pop(stream, None)
        asked = None if walk is None else walk.next()
        if asked is not None:
            self._writer.cancelled(asked)
        return self._backend.cancel(stream)

    def step(self) -> list[Event]:
        """Let the backend do a step, and write down the answers."""
        events = self._backend.step()
        for event in events:
            self._note(event)
        return events

    def snapshot(self) -> Snapshot:
        """Return what the streams have counted so far."""
        return self._backend.snapshot()

    def stats(self) -> Mapping[str, int]:
        """Return the counters by name."""
        return self._backend.stats()

    def _note(self, event: Event) -> None:
        walk = self._open.get(event.stream)
        if walk is None:
            return
        asked = walk.next()
        match event:
            case Decoded(result=result) if asked is not None:
                self._writer.answered(asked, result)
                walk.answered(result.ids[: result.num_kept])
            case Scored(result=scores) if asked is not None:
                self._writer.answered(asked, scores)
                walk.answered()
            case Embedded(vector=vector) if asked is not None:
                self._writer.answered(asked, vector)
                walk.answered()
            case Failed(message=message):
                if asked is not None:
                    self._writer.failed(asked, message)
                del self._open[event.stream]
            case Ended() | Held():
                del self._open[event.stream]
