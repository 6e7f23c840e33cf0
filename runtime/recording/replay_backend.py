"""A backend that gives the answers of a recording, and asks another one for what it lacks."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sglc.runtime.core.backend import Backend, ByteBackend
from sglc.runtime.core.events import (
    Decoded,
    DecodeResult,
    Delta,
    Embedded,
    Ended,
    Event,
    Failed,
    Held,
    Scored,
    ScoreResult,
)
from sglc.runtime.core.script import StreamRequest, check_ids
from sglc.runtime.core.stats import NOTHING, Snapshot, StreamStats
from sglc.runtime.executor.walk import Asked, Walk
from sglc.runtime.recording.answers import Answers
from sglc.runtime.recording.keys import call_key, call_site
from sglc.runtime.recording.pictures import StableIds, as_they_are
from sglc.runtime.recording.recording import RecordedCall, Recording
from sglc.runtime.recording.values import num_tokens_of

NOT_RECORDED = "this call is not in the recording"
CANCELLED = "this call was cancelled when it was recorded: nobody waited for its answer"


@dataclass(slots=True)
class _Stream:
    """``inner`` is its number at the other backend, whose ops begin at ``offset`` of its own."""

    walk: Walk
    inner: int | None = None
    offset: int = 0
    is_held: bool = False
    is_waiting: bool = False


class ReplayBackend:
    """Implements Backend: a stream ends as soon as it is looked at, if all its calls are recorded.

    From the first call of a stream on that was not recorded, it runs on the backend that ``load``
    gives, which is called when there is one. Without ``load`` such a stream fails; but not as long
    as there is anything else to answer, as what comes of that may be that nobody wants it. Its call
    is then in ``missing``, unless it was asked when it was recorded, and cancelled, or is one that
    may come to nothing. The streams that are answered first are those of the highest priority.

    ``stable`` makes ids of a prompt into those that a recording has (``recording/pictures.py``).
    ``num_played`` and ``num_executed`` count the calls that were answered, ``played_tokens`` and
    ``executed_tokens`` what they wrote.
    """

    def __init__(
        self,
        recording: Recording,
        load: Callable[[], Backend] | None = None,
        stable: StableIds = as_they_are,
    ) -> None:
        self.vocab_size = int(recording.about["model"]["vocab_size"])
        self.max_context = int(recording.about["model"]["max_context"])
        self.missing: list[Asked] = []
        self.num_played = self.num_executed = 0
        self.played_tokens = self.executed_tokens = 0
        self._wake: Callable[[], None] = _nobody
        self._load = load
        self._stable = stable
        self._backend: Backend | None = None
        self._answers: Answers[RecordedCall] = Answers()
        self._cancelled = set[str]()
        for call in recording.calls.values():
            if call.answer is not None or call.failed is not None:
                self._answers.add(call.key, call.site, call)
            else:
                self._cancelled.add(call.key)
        self._num_streams = 0
        self._streams: dict[int, _Stream] = {}
        self._inner: dict[int, int] = {}
        self._waiting: dict[int, deque[int]] = {}  # by priority; may name streams that are gone
        self._unknown: dict[int, Asked] = {}

    @property
    def idle(self) -> bool:
        """Whether no stream waits or runs."""
        inner_idle = self._backend is None or self._backend.idle
        return inner_idle and all(stream.is_held for stream in self._streams.values())

    @property
    def num_unused(self) -> int:
        """How many recorded answers nobody has asked for."""
        return self._answers.num_unused

    def submit(self, request: StreamRequest) -> int:
        """Queue a stream and return its id."""
        (stream,) = self.submit_group([request])
        return stream

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Queue streams and return their ids."""
        for request in requests:
            check_ids(request, self.vocab_size)
        return [self._begin(request) for request in requests]

    def _begin(self, request: StreamRequest) -> int:
        self._num_streams += 1
        self._queue(self._num_streams, _Stream(Walk(request)))
        return self._num_streams

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a new script to a stream that is held, or has nothing but extends left."""
        check_ids(request, self.vocab_size)
        _ = request.sequence  # refuses what names none
        known = self._streams.get(stream)
        if known is None or not (known.is_held or known.walk.next() is None):
            raise ValueError(f"stream {stream} is not there to be resumed, or has more to do")
        self._queue(stream, _Stream(Walk(request), known.inner))

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream: no more events; return what the other backend has counted of it."""
        known = self._streams.pop(stream, None)
        self._unknown.pop(stream, None)
        return NOTHING if known is None else self._drop(known)

    def step(self) -> list[Event]:
        """Answer one stream, or let the other backend do a step, or give up what is left."""
        if self._waiting or self._unknown:
            self._wake()  # this is not the last step
        stream = self._next()
        if stream is not None:
            return self._run(stream)
        backend = self._backend
        if backend is not None and not backend.idle:
            return [told for event in backend.step() for told in self._told(event)]
        unknown, self._unknown = self._unknown, {}
        events: list[Event] = []
        for stream, asked in unknown.items():
            walk = self._streams.pop(stream).walk
            is_cancelled = call_key(asked) in self._cancelled
            is_tentative = walk.request.priority < 0  # made ahead of a decision
            if not (is_cancelled or is_tentative):
                self.missing.append(asked)
            events.append(Failed(stream, walk.at, CANCELLED if is_cancelled else NOT_RECORDED))
        return events

    def snapshot(self) -> Snapshot:
        """Return how many streams wait and are held."""
        num_held = sum(stream.is_held for stream in self._streams.values())
        return Snapshot({}, len(self._streams) - num_held, num_held=num_held)

    def stats(self) -> Mapping[str, int]:
        """Return how many calls were answered, and by whom."""
        return {
            "played_calls": self.num_played,
            "played_tokens": self.played_tokens,
            "executed_calls": self.num_executed,
            "executed_tokens": self.executed_tokens,
        }

    def _queue(self, number: int, stream: _Stream) -> None:
        self._streams[number] = stream
        stream.is_waiting = True
        self._wake()
        self._waiting.setdefault(stream.walk.request.priority, deque()).append(number)

    def _next(self) -> int | None:
        """Take the stream that comes next, if one waits."""
        while self._waiting:
            priority = max(self._waiting)
            queue = self._waiting[priority]
            number = queue.popleft()
            if not queue:
                del self._waiting[priority]
            stream = self._streams.get(number)
            if stream is not None and stream.is_waiting:
                stream.is_waiting = False
                return number
        return None

    def _run(self, number: int) -> list[Event]:
        """Answer the calls of a stream as far as they are known."""
        stream = self._streams[number]
        walk, events = stream.walk, list[Event]()
        while (asked := walk.next()) is not None:
            asked = asked._replace(ids=self._stable(asked.ids))
            call = self._answers.take(call_key(asked), call_site(asked))
            if call is None:
                return [*events, *self._ask(number, stream, asked)]
            self.num_played += 1
            self.played_tokens += num_tokens_of(call.answer)
            if call.answer is None:
                del self._streams[number]
                self._drop(stream)
                return [*events, Failed(number, walk.at, str(call.failed))]
            events += _events(number, walk, call)
        self._drop(stream)
        if walk.request.hold:
            self._streams[number] = _Stream(walk, is_held=True)
            return [*events, Held(number, NOTHING)]
        del self._streams[number]
        return [*events, Ended(number, NOTHING)]

    def _ask(self, number: int, stream: _Stream, asked: Asked) -> list[Event]:
        """Let the other backend go on with a stream, if there is one."""
        if self._load is None:
            self._unknown[number] = asked
            return []
        if self._backend is None:
            self._backend = self._load()
            if isinstance(self._backend, ByteBackend):
                self._backend.listen(self._wake)
        backend, request = self._backend, stream.walk.rest()
        stream.offset = stream.walk.at - 1
        if stream.inner is not None:
            try:
                backend.resume(stream.inner, request)
                return []
            except ValueError:  # it has failed, as it would have reported in its next step
                self._drop(stream)
        try:
            stream.inner = backend.submit(request)
        except ValueError as error:
            del self._streams[number]
            return [Failed(number, stream.walk.at, str(error))]
        self._inner[stream.inner] = number
        return []

    def _told(self, event: Event) -> list[Event]:
        """Return what an event of the other backend is for those who know this one."""
        number = self._inner.get(event.stream)
        if number is None:
            return []
        stream = self._streams[number]
        match event:
            case Ended():
                del self._streams[number], self._inner[event.stream]
            case Held():
                stream.is_held = True
            case Failed():
                del self._streams[number], self._inner[event.stream]
            case Decoded(result=result):
                self.num_executed += 1
                self.executed_tokens += num_tokens_of(result)
            case Scored() | Embedded():
                self.num_executed += 1
        if isinstance(event, Ended | Held):
            return [replace(event, stream=number)]
        return [replace(event, stream=number, op=event.op + stream.offset)]

    def _drop(self, stream: _Stream) -> StreamStats:
        if stream.inner is None or self._backend is None:
            return NOTHING
        self._inner.pop(stream.inner, None)
        return self._backend.cancel(stream.inner)


class ReplayByteBackend(ReplayBackend):
    """Implements ByteBackend: the recording is of one.

    It takes no guesses: what is not in the recording may be asked of a server that bills.
    """

    takes_guesses = False

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever there is something to report."""
        self._wake = wake


def replay_backend(
    recording: Recording, load: Callable[[], Backend] | None = None, stable: StableIds = as_they_are
) -> ReplayBackend:
    """Return the backend of a recording, of the kind of the one that was recorded."""
    is_elsewhere = recording.about["model"]["kind"] == "remote"
    return (ReplayByteBackend if is_elsewhere else ReplayBackend)(recording, load, stable)


def _nobody() -> None:
    """Nobody waits."""


def _events(stream: int, walk: Walk, call: RecordedCall) -> list[Event]:
    """Return what is told of an answer, and let the stream go on behind it."""
    at, answer, events = walk.at, call.answer, list[Event]()
    match answer:
        case DecodeResult():
            if walk.request.deltas and answer.ids:
                events.append(Delta.whole(stream, at, answer))
            events.append(Decoded(stream, at, answer))
            walk.answered(answer.ids[: answer.num_kept])
        case ScoreResult():
            events.append(Scored(stream, at, answer))
            walk.answered()
        case tuple():
            events.append(Embedded(stream, at, answer))
            walk.answered()
    return events
