"""A tap on a backend: whoever listens is told of every model call that has ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sglc.runtime.core.backend import Backend, ByteBackend
from sglc.runtime.core.events import (
    Decoded,
    DecodeResult,
    Embedded,
    Ended,
    Event,
    Failed,
    Held,
    Scored,
    ScoreResult,
)
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.core.stats import Snapshot, StreamStats
from sglc.runtime.executor.tape import ToolListener
from sglc.runtime.executor.walk import Asked, Walk

Answer = DecodeResult | ScoreResult | tuple[float, ...]


class Listener(ToolListener, Protocol):
    """Is told what model calls and calls of tools came to, in the thread of the executor."""

    def answered(self, asked: Asked, answer: Answer) -> None:
        """A model call has its answer."""

    def failed(self, asked: Asked, message: str) -> None:
        """The backend cannot make a model call."""

    def cancelled(self, asked: Asked) -> None:
        """Nobody wants the answer any more."""


class Tap:
    """Implements Backend: does what ``backend`` does, and tells the listener of its calls."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._listener: Listener | None = None
        self._open: dict[int, Walk] = {}  # streams that were begun since somebody listens

    def listen_to(self, listener: Listener | None) -> None:
        """Tell this one from now on, of streams that begin from now on; None: nobody."""
        self._listener = listener
        self._open.clear()

    @property
    def has_listener(self) -> bool:
        """Whether somebody is told of the calls."""
        return self._listener is not None

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
        self._begin(stream, request)
        return stream

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams as one and return their ids."""
        streams = self._backend.submit_group(requests)
        for stream, request in zip(streams, requests, strict=True):
            self._begin(stream, request)
        return streams

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a new script to a stream that is held, or has nothing but extends left."""
        self._backend.resume(stream, request)
        self._begin(stream, request)

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream."""
        walk = self._open.pop(stream, None)
        asked = None if walk is None else walk.next()
        if asked is not None and self._listener is not None:
            self._listener.cancelled(asked)
        return self._backend.cancel(stream)

    def step(self) -> list[Event]:
        """Let the backend do a step."""
        events = self._backend.step()
        if self._listener is not None:
            for event in events:
                self._tell(self._listener, event)
        return events

    def snapshot(self) -> Snapshot:
        """Return what the streams have counted so far."""
        return self._backend.snapshot()

    def stats(self) -> Mapping[str, int]:
        """Return the counters by name."""
        return self._backend.stats()

    def _begin(self, stream: int, request: StreamRequest) -> None:
        if self._listener is not None:
            self._open[stream] = Walk(request)

    def _tell(self, listener: Listener, event: Event) -> None:
        walk = self._open.get(event.stream)
        if walk is None:
            return
        asked = walk.next()
        match event:
            case Decoded(result=result) if asked is not None:
                listener.answered(asked, result)
                walk.answered(result.ids[: result.num_kept])
            case Scored(result=scores) if asked is not None:
                listener.answered(asked, scores)
                walk.answered()
            case Embedded(vector=vector) if asked is not None:
                listener.answered(asked, vector)
                walk.answered()
            case Failed(message=message):
                if asked is not None:
                    listener.failed(asked, message)
                del self._open[event.stream]
            case Ended() | Held():
                del self._open[event.stream]


class ByteTap(Tap):
    """Implements ByteBackend: a tap on one."""

    def __init__(self, backend: ByteBackend) -> None:
        super().__init__(backend)
        self._bytes = backend

    @property
    def takes_guesses(self) -> bool:
        """Whether it may be asked what may turn out to be for nothing."""
        return self._bytes.takes_guesses

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` from any thread whenever there is something to report."""
        self._bytes.listen(wake)


def tapped(backend: Backend) -> Tap:
    """Return a tap on a backend, of its kind."""
    return ByteTap(backend) if isinstance(backend, ByteBackend) else Tap(backend)
