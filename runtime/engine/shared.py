"""One backend for several drivers: each sees its own streams, one forward pass serves all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Ended, Event, Failed
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.core.stats import Snapshot, StreamStats


class SharedBackend:
    """Hands out clients, and files what the backend reports by the one that submitted it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._owners: dict[int, Client] = {}

    def client(self) -> Client:
        """Return a new client."""
        return Client(self)

    def adopt(self, client: Client, stream: int) -> None:
        """Remember whose stream it is."""
        self._owners[stream] = client

    def forget(self, stream: int) -> None:
        """Forget a stream that was cancelled, and what it had to report."""
        owner = self._owners.pop(stream, None)
        if owner is not None:
            owner.waiting = [event for event in owner.waiting if event.stream != stream]

    def step(self) -> None:
        """Do at most one forward pass and file its events."""
        for event in self.backend.step():
            owner = self._owners[event.stream]
            owner.waiting.append(event)
            if isinstance(event, Ended | Failed):
                del self._owners[event.stream]


class Client:
    """Implements ``core.backend.Backend`` for one driver.

    ``step`` returns what waits for the driver, and makes a step only if nothing does.
    """

    def __init__(self, shared: SharedBackend) -> None:
        self._shared = shared
        self.waiting: list[Event] = []

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
        """Whether there is nothing to do or to report."""
        return not self.waiting and self._shared.backend.idle

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream; see Backend."""
        stream = self._shared.backend.submit(request)
        self._shared.adopt(self, stream)
        return stream

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams as one; see Backend."""
        streams = self._shared.backend.submit_group(requests)
        for stream in streams:
            self._shared.adopt(self, stream)
        return streams

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a held stream a new script; see Backend."""
        self._shared.backend.resume(stream, request)

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream; see Backend."""
        stats = self._shared.backend.cancel(stream)
        self._shared.forget(stream)
        return stats

    def step(self) -> list[Event]:
        """Return what there is to report; see Backend."""
        if not self.waiting:
            self._shared.step()
        events, self.waiting = self.waiting, []
        return events

    def take(self) -> list[Event]:
        """Return what there is to report, without a step."""
        events, self.waiting = self.waiting, []
        return events

    def snapshot(self) -> Snapshot:
        """Return what all streams have counted; see Backend."""
        return self._shared.backend.snapshot()

    def stats(self) -> Mapping[str, int]:
        """Return the counters of all; see Backend."""
        return self._shared.backend.stats()
