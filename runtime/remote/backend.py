"""A backend that asks a server: streams are coroutines beside the thread that steps it."""

from __future__ import annotations

import queue
import traceback
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Final

from sglc.runtime.core.events import Decoded, Delta, Ended, Event, Failed, Held, Scored
from sglc.runtime.core.script import Decode, Embed, Extend, Score, StreamRequest, TextScore
from sglc.runtime.core.stats import NOTHING, Snapshot, StreamStats
from sglc.runtime.remote.check import (
    Refusal,
    check_decode,
    check_place,
    check_select,
    refusal_of,
)
from sglc.runtime.remote.connection import Connect, Connection
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.texts import TextCall, Texts
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.usage import Usage
from sglc.runtime.remote.wire import Bill, Wire

MAX_CONTEXT: Final = 1 << 40  # bytes: it is the server that knows


@dataclass(slots=True)
class _Stream:
    """``ids`` is its sequence so far; ``work`` runs its script, which ``request`` is."""

    id: int
    request: StreamRequest
    ids: tuple[int, ...] = ()
    work: Future[None] | None = None
    is_held: bool = False


class RemoteBackend:
    """Implements ByteBackend over one server. ``connect`` makes the client, in the event loop.
    ``ends`` are texts that end every answer. ``server`` is the connection, to ask it other things.

    Streams of extends alone ask nothing: what a server caches is its own affair. ``close`` ends
    the thread; what runs is given up.
    """

    max_context = MAX_CONTEXT

    def __init__(
        self,
        wire: Wire,
        connect: Connect,
        tokenizer: RemoteTokenizer,
        policy: Policy,
        ends: tuple[str, ...] = (),
    ) -> None:
        self._ends = ends
        self.wire = wire
        self.policy = policy
        self.tokenizer = tokenizer
        self.vocab_size = tokenizer.vocab_size
        self.server = Connection(connect)
        self._texts: Texts | None = None
        self._events: queue.SimpleQueue[tuple[_Stream, Event]] = queue.SimpleQueue()
        self._wake: Callable[[], None] = _nobody
        self._open: dict[int, _Stream] = {}
        self._num_streams = 0
        self._num_groups = 0
        self._num_resumes = 0

    @property
    def usage(self) -> Usage:
        """What the server has billed so far."""
        return self.server.usage

    @property
    def idle(self) -> bool:
        """Whether no stream is left but held ones."""
        return all(stream.is_held for stream in self._open.values())

    @property
    def takes_guesses(self) -> bool:
        """Whether it may be asked what may turn out to be for nothing."""
        return not self.wire.capabilities.bills

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` from any thread whenever there is something to report."""
        self._wake = wake

    def submit(self, request: StreamRequest) -> int:
        """Begin a stream and return its id.

        Raises:
            ValueError: the server cannot do what is asked; says what, and the way out.
        """
        (stream,) = self.submit_group([request])
        return stream

    def submit_group(self, requests: Sequence[StreamRequest]) -> list[int]:
        """Begin streams; sampled decodes that ask the same are one request of several texts.

        Raises:
            ValueError: as ``submit``; nothing is begun.
        """
        for request in requests:
            self._check(request)
        self._num_groups += len(requests) > 1
        alike: dict[Hashable, list[_Stream]] = {}
        streams: list[_Stream] = []
        for request in requests:
            self._num_streams += 1
            stream = _Stream(self._num_streams, request)
            self._open[stream.id] = stream
            streams.append(stream)
            alike.setdefault(_key(request) or stream.id, []).append(stream)
        most = self.wire.capabilities.max_samples
        for group in alike.values():
            for first in range(0, len(group), most):
                self._begin(group[first : first + most])
        return [stream.id for stream in streams]

    def resume(self, stream: int, request: StreamRequest) -> None:
        """Give a new script to a stream that is held.

        Raises:
            ValueError: as ``submit``; the stream is not held; the script does not begin with an
                Extend. The stream stays as it is.
        """
        _ = request.sequence  # refuses what names none
        self._check(request)
        found = self._open.get(stream)
        if found is None or not (found.is_held or _only_extends(found.request)):
            raise ValueError(f"stream {stream} is not there to be resumed, or has more to do")
        self._stop(found)
        self._num_resumes += 1
        made = _Stream(stream, request)
        self._open[stream] = made
        self._begin([made])

    def cancel(self, stream: int) -> StreamStats:
        """Drop a stream; its request is ended, what it has cost so far is not known."""
        found = self._open.pop(stream, None)
        if found is not None:
            self._stop(found)
        return NOTHING

    def step(self) -> list[Event]:
        """Return what has come in; never waits."""
        events: list[Event] = []
        with suppress(queue.Empty):
            while True:
                stream, event = self._events.get_nowait()
                if self._open.get(stream.id) is stream:  # else it was cancelled or resumed
                    self._take(stream, event)
                    events.append(event)
        return events

    def snapshot(self) -> Snapshot:
        """Return the streams that run; there are no slots."""
        held = sum(stream.is_held for stream in self._open.values())
        running = {s.id: NOTHING for s in self._open.values() if not s.is_held}
        return Snapshot(running, num_held=held)

    def stats(self) -> Mapping[str, int]:
        """Return what was asked and billed, by name."""
        return {
            "streams": self._num_streams,
            "groups": self._num_groups,
            "resumes": self._num_resumes,
            **asdict(self.usage),
        }

    def close(self) -> None:
        """Give up what runs and let go of the connections."""
        self._open.clear()
        self.server.close()

    def _take(self, stream: _Stream, event: Event) -> None:
        """Note what an event does to its stream."""
        if isinstance(event, Ended | Failed):
            del self._open[stream.id]
        elif isinstance(event, Held):
            stream.is_held = True

    def _check(self, request: StreamRequest) -> None:
        refusals: list[Refusal] = []
        for number, op in enumerate(request.script):
            if isinstance(op, Decode | TextScore):
                refusals += self._check_place(request, number, op)
            if isinstance(op, Decode):
                refusals += check_decode(self.wire.capabilities, op)
            elif isinstance(op, TextScore):
                refusals += check_select(self.wire.capabilities, alone=op.alone)
            elif isinstance(op, Score | Embed):
                what = "embeddings" if isinstance(op, Embed) else "scores of token ids"
                raise ValueError(f"a server that is asked for texts gives no {what}")
        refused = refusal_of(refusals, emulates=self.policy.emulate == "validate-retry")
        if refused is not None:
            raise ValueError(refused)

    def _check_place(
        self, request: StreamRequest, number: int, op: Decode | TextScore
    ) -> list[Refusal]:
        if self.wire.capabilities.prompts != "chat":
            return []
        ids: list[int] = []
        for each in request.script[:number]:
            ids += each.ids if isinstance(each, Extend) else (0,)  # a byte for what is written
        role, has_text = self.tokenizer.open_role(ids)
        ahead = max(op.ahead if isinstance(op, Decode) else 0, self.policy.speculate)
        return check_place(
            self.wire.capabilities,
            role,
            "gen" if isinstance(op, Decode) else "select",
            is_held=isinstance(op, TextScore) or op.constraint is not None,
            has_text=has_text,
            ahead=ahead,
        )

    def _begin(self, streams: Sequence[_Stream]) -> None:
        work = self.server.start(self._run(streams))
        for stream in streams:
            stream.work = work

    def _stop(self, stream: _Stream) -> None:
        """End the work of a stream, unless others share it."""
        work, stream.work = stream.work, None
        if work is not None and all(s.work is not work for s in self._open.values()):
            work.cancel()

    # What follows runs in the event loop.

    def _writer(self) -> Texts:
        if self._texts is None:
            client = self.server.client
            self._texts = Texts(self.wire, client, self.tokenizer, self.policy, self._ends)
        return self._texts

    def _report(self, stream: _Stream, event: Event) -> None:
        self._events.put((stream, event))
        self._wake()

    async def _run(self, streams: Sequence[_Stream]) -> None:
        """Run the script of streams, which is the same for all but for what it draws."""
        script = streams[0].request.script
        bills: list[Bill] = []
        failed: dict[int, str] = {}
        number = 0
        try:
            texts = self._writer()
            for number, op in enumerate(script):
                if isinstance(op, Extend):
                    for stream in streams:
                        stream.ids += op.ids
                else:
                    failed = await self._do(texts, streams, number, bills)
                    if failed:
                        break  # of several streams it was the last op
        except (RemoteError, ValueError) as error:
            self._fail(streams, number, str(error), bills)
        except Exception as error:  # the edge of the thread: nobody else would hear of it
            traceback.print_exc()
            self._fail(streams, number, f"{type(error).__name__}: {error}", bills)
        else:
            for stream, stats in zip(streams, _shared(bills, streams), strict=True):
                if stream.id in failed:
                    message = failed[stream.id]
                    self._report(stream, Failed(stream.id, number, message, stats))
                    continue
                ended = Held if stream.request.hold else Ended
                self._report(stream, ended(stream.id, stats))

    def _fail(
        self, streams: Sequence[_Stream], number: int, message: str, bills: Sequence[Bill]
    ) -> None:
        for stream, stats in zip(streams, _shared(bills, streams), strict=True):
            self._report(stream, Failed(stream.id, number, message, stats))

    async def _do(
        self, texts: Texts, streams: Sequence[_Stream], number: int, bills: list[Bill]
    ) -> dict[int, str]:
        """Do an op for all streams, and return why some have failed.

        Raises:
            RemoteError, ValueError: why all of them have.
        """
        first = streams[0]
        op = first.request.script[number]
        if isinstance(op, TextScore):
            self._report(first, Scored(first.id, number, await texts.score(first.ids, op, bills)))
            return {}
        assert isinstance(op, Decode)

        def emit(sample: int, text: str) -> None:
            if text and streams[sample].request.deltas:
                ids = tuple(text.encode("utf-8", "replace"))
                stream = streams[sample]
                self._report(stream, Delta(stream.id, number, text, ids))

        results = await texts.write(
            TextCall(
                prompt=first.ids,
                op=op,
                count=len(streams),
                emit=emit,
                bills=bills,
                is_streamed=any(each.request.deltas for each in streams),
                namespace=first.request.namespace,
            )
        )
        failed: dict[int, str] = {}
        for stream, result in zip(streams, results, strict=True):
            if isinstance(result, RemoteError):
                failed[stream.id] = str(result)
                continue
            stream.ids += result.ids[: result.num_kept]
            self._report(stream, Decoded(stream.id, number, result))
        return failed


def _nobody() -> None:
    """Nobody listens."""


def _shared(bills: Sequence[Bill], streams: Sequence[_Stream]) -> list[StreamStats]:
    """Return what each stream has cost: of one request for several, the first one all of it."""
    given = [bill for bill in bills if bill.input_tokens is not None]
    total = StreamStats(
        prompt_tokens=sum(bill.input_tokens or 0 for bill in given),
        cached_tokens=sum(bill.cached_tokens for bill in given),
        prefilled_tokens=sum((bill.input_tokens or 0) - bill.cached_tokens for bill in given),
        decoded_tokens=sum(bill.output_tokens or 0 for bill in given),
    )
    return [total if stream is streams[0] else NOTHING for stream in streams]


def _only_extends(request: StreamRequest) -> bool:
    return all(isinstance(op, Extend) for op in request.script)


def _key(request: StreamRequest) -> Hashable | None:
    """Return what streams have in common that can be one request; None for a request of its own.

    They sample one text behind the same prompt. What each draws is its own: greedy texts are not
    asked for twice (``executor/flight.py``).
    """
    script = request.script
    if len(script) != 2 or not isinstance(script[1], Decode) or not isinstance(script[0], Extend):
        return None
    op = script[1]
    if op.sampling.is_greedy:
        return None
    plain = replace(op, key=0, label="", constraint=None, expect=0)
    wanted = None if op.constraint is None else op.constraint.wanted
    return (script[0].ids, plain, wanted, request.namespace, request.hold)
