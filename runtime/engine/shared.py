"""One backend for several drivers: each sees its own streams, one forward pass serves all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Ended, Event, Failed, Held
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.core.stats import NOTHING, Snapshot, StreamStats


class SharedBackend:
    """Hands out clients, and files what the backend reports by the one that submitted it.

    Streams are submitted through clients only. ``unread`` are those that have events to take.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.owners: dict[int, Client] = {}  # of every stream that is not over
        self.unread: set[Client] = set()

    def client(self) -> Client:
        """Return a new client."""
        return Client(self)

    @property
    def idle(self) -> bool:
        """Whether the backend is, and no client has anything to take."""
        return not self.unread and self.backend.idle

    def step(self) -> None:
        """Do at most one forward pass and file its events."""
        for event in self.backend.step():
            owner = self.owners[event.stream]
            if isinstance(event, Ended | Failed):
                del self.owners[event.stream]
            owner.file(event)


class Client:
    """Implements ``core.backend.Backend`` for one driver, which sees no streams but its own.

    ``step`` returns what is filed for it, and makes a step only if nothing is. Events that are
    filed have not been reported yet: a stream is cancelled or resumed as if it had not come so far.
    Slots and counters are those of the backend.
    """

    def __init__(self, shared: SharedBackend) -> None:
        self._shared = shared
        self._filed: list[Event] = []
        self._active: set[int] = set()  # streams that wait or run
        self._held: set[int] = set()
        self._carried: dict[int, StreamStats] = {}  # counted for a Held that was taken back

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return self._shared.backend.vocab_size

    @property
    def max_context(self) -> int:
        """Largest number of tokens of one stream."""
        return self._shared.backend.max_context

    @property
    def idle(self) -> bool:
        """Whether no stream of this client waits or runs and nothing is left to report."""
        return not self._filed and not self._active

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream; see Backend."""
        stream = self._shared.backend.submit(request)
        self._adopt([stream])
        return stream

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams as one; see Backend."""
        streams = self._shared.backend.submit_group(requests)
        self._adopt(streams)
        return streams

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a stream a new script; see Backend.

        Of one that was resumed before it was known to be held, that it was is not reported: what
        it counted until then is part of what it reports next.
        """
        filed = [event for event in self._filed if event.stream == stream]
        held = [event for event in filed if isinstance(event, Held)]
        if stream not in self._active | self._held or len(filed) > len(held):
            raise ValueError(f"stream {stream} is not there to be resumed, or has more to do")
        self._shared.backend.resume(stream, request)
        self._held.discard(stream)
        self._active.add(stream)
        if held:
            self._take_back(stream)
            self._carried[stream] = sum((event.stats for event in held), NOTHING)

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream and what it had to report; see Backend."""
        stats = self._carried.pop(stream, NOTHING)
        if self._shared.owners.get(stream) is self:
            del self._shared.owners[stream]
            stats += self._shared.backend.cancel(stream)
        self._active.discard(stream)
        self._held.discard(stream)
        for event in self._filed:
            if event.stream == stream and isinstance(event, Ended | Failed | Held):
                stats += event.stats
        self._take_back(stream)
        return stats

    def step(self) -> list[Event]:
        """Return what there is to report; see Backend."""
        if not self._filed:
            self._shared.step()
        return self.take()

    def take(self) -> list[Event]:
        """Return what there is to report, without a step."""
        events, self._filed = self._filed, []
        self._shared.unread.discard(self)
        return events

    def file(self, event: Event) -> None:
        """Keep an event of a stream of this client until it is taken."""
        if isinstance(event, Ended | Failed | Held):
            self._active.discard(event.stream)
            if isinstance(event, Held):
                self._held.add(event.stream)
            carried = self._carried.pop(event.stream, None)
            if carried is not None:
                event = replace(event, stats=carried + event.stats)
        self._filed.append(event)
        self._shared.unread.add(self)

    def snapshot(self) -> Snapshot:
        """Return what the streams of this client have counted so far; see Backend."""
        found = self._shared.backend.snapshot()
        running = {
            stream: found.running[stream] + self._carried.get(stream, NOTHING)
            for stream in self._active
            if stream in found.running
        }
        num_waiting = len(self._active) - len(running)
        return replace(found, running=running, num_waiting=num_waiting, num_held=len(self._held))

    def stats(self) -> Mapping[str, int]:
        """Return the counters of the backend, for all clients together; see Backend."""
        return self._shared.backend.stats()

    def _adopt(self, streams: Sequence[int]) -> None:
        self._active.update(streams)
        self._shared.owners.update(dict.fromkeys(streams, self))

    def _take_back(self, stream: int) -> None:
        self._filed = [event for event in self._filed if event.stream != stream]
        if not self._filed:
            self._shared.unread.discard(self)
