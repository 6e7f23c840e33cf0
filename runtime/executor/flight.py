"""Single flight: equal greedy requests that are open at the same time are one stream.

What a greedy decode writes and what a score gives depends on the request and on nothing else, so
whoever asks the same while it is open takes what the first one gets, deltas included. The stream
runs as long as somebody takes of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import fields, replace

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Ended, Event, Failed, Held
from sglc.runtime.core.script import Decode, ScriptOp, StreamRequest
from sglc.runtime.core.stats import NOTHING, StreamStats
from sglc.runtime.executor.modelcall import ModelCall

Taker = tuple[ModelCall, int]
"""A call, and which of its requests it is."""


class Flight:
    """One stream of the backend. The first of ``takers`` has its cost.

    ``events`` are those it has reported; they are kept as long as others may join: under ``key``.
    ``request`` keeps alive what the key knows by its identity.
    """

    __slots__ = ("events", "key", "request", "takers")

    def __init__(self, taker: Taker, request: StreamRequest, key: Hashable) -> None:
        self.takers = [taker]
        self.request = request
        self.key = key
        self.events: list[Event] = []


class Flights:
    """The open streams of an executor, and who takes what they report."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._open: dict[int, Flight] = {}
        self._by_key: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._open)

    def join(self, key: Hashable | None, taker: Taker) -> tuple[int, Sequence[Event]] | None:
        """Take of the open stream of an equal request of another call; None if there is none.

        Returns the stream and what it has reported so far.
        """
        stream = None if key is None else self._by_key.get(key)
        if stream is None or any(call is taker[0] for call, _ in self._open[stream].takers):
            return None
        flight = self._open[stream]
        flight.takers.append(taker)
        return stream, tuple(flight.events)

    def begin(
        self, stream: int, request: StreamRequest, taker: Taker, key: Hashable | None
    ) -> None:
        """The backend has begun a stream; others may join it if it has a ``key`` of its own."""
        key = None if key in self._by_key else key
        self._open[stream] = Flight(taker, request, key)
        if key is not None:
            self._by_key[key] = stream

    def takers(self, stream: int) -> Sequence[Taker]:
        """Return who takes of a stream, the one it counts for first; nobody if it is not open."""
        flight = self._open.get(stream)
        return () if flight is None else tuple(flight.takers)

    def deliveries(self, event: Event) -> list[tuple[Event, ModelCall, int]]:
        """Return an event once for each taker.

        Only the first one is told what the stream has cost, and is the one it is held for.
        """
        flight = self._open.get(event.stream)
        if flight is None:
            return []
        if flight.key is not None:
            flight.events.append(event)
        told = event
        if isinstance(event, Failed):
            told = replace(event, stats=NOTHING)
        elif isinstance(event, Ended | Held):
            told = Ended(event.stream, NOTHING)
        return [(told if i else event, *taker) for i, taker in enumerate(flight.takers)]

    def leave(self, stream: int, call: ModelCall, *, cancel: bool) -> StreamStats | None:
        """Let a call take no more; of a stream that nobody takes of any more nothing is left.

        ``cancel`` says that it has not ended: returns what it had counted when it was cancelled,
        None if it was not.
        """
        flight = self._open[stream]
        flight.takers = [taker for taker in flight.takers if taker[0] is not call]
        if flight.takers:
            return None
        del self._open[stream]
        if flight.key is not None:
            del self._by_key[flight.key]
        return self._backend.cancel(stream) if cancel else None


def request_key(request: StreamRequest) -> Hashable | None:
    """Return what the outcome of a request depends on; None if it draws random numbers.

    Whether the stream is held once it is complete makes no difference to who only takes of it, nor
    how much it is expected to write.
    """
    if any(isinstance(op, Decode) and not op.sampling.is_greedy for op in request.script):
        return None
    plain = replace(request, script=request.script[:1], hold=False)
    return (plain, *map(_op_key, request.script[1:]))


def _op_key(op: ScriptOp) -> Hashable:
    if not isinstance(op, Decode):
        return op
    plain = replace(op, key=0, constraint=None, expect=0, ahead=0, then=())
    if op.constraint is None:
        return plain, None
    rules = [getattr(op.constraint, f.name) for f in fields(op.constraint) if f.name != "machine"]
    return plain, id(op.constraint.machine), *rules
