"""Pins: what calls of a program begin with stays in the KV cache while runs of it are open.

The hint ``prefixes`` of a plan names constant beginnings that several calls share. When the first
of them is submitted, the beginning is queued behind it as a stream of its own, which finds its K/V
in the cache, computed by that call or being computed in the same step, and is held. Held, it is
given up only where the pool has nothing else to give; without, it would be as soon as it is what
was used longest ago: while all runs of the program wait for tools, and others run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sglc.compiler.plan.segments import from_words
from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Event, Failed, Held
from sglc.runtime.core.script import Extend, StreamRequest
from sglc.runtime.executor.code import PlanCode
from sglc.runtime.executor.modelcall import ModelCall
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import CallRecord
from sglc.runtime.executor.run import NodeStats, Run
from sglc.runtime.executor.stream import Encoder

Ids = tuple[int, ...]


@dataclass(slots=True)
class _Program:
    """What is known of a plan: ``prefixes``, the longest first, and the streams that hold them.

    ``parked`` is how many streams the backend had parked when one was pinned: it may since be
    among them.
    """

    prefixes: list[Ids] | None = None  # None: no call was made so far
    num_runs: int = 0
    streams: dict[Ids, int] = field(default_factory=dict)
    parked: dict[Ids, int] = field(default_factory=dict)


class _Pin(NamedTuple):
    """Whose costs a stream is: of the call that was first, or that came when it had been parked."""

    program: _Program
    ids: Ids
    run: Run
    call: ModelCall
    record: CallRecord | None


class Pins:
    """The pinned beginnings of all plans of an executor."""

    def __init__(self, backend: Backend, recorder: Recorder | None) -> None:
        self._backend = backend
        self._recorder = recorder
        self._programs: dict[tuple[PlanCode, str], _Program] = {}  # by namespace too
        self._open: dict[int, _Pin] = {}  # streams that are not held yet

    def begin(self, run: Run) -> None:
        """A run is open, and with it what its program has pinned or will pin."""
        if run.code.plan.hints.get("prefixes"):
            self._programs.setdefault((run.code, run.namespace), _Program()).num_runs += 1

    def end(self, run: Run) -> None:
        """A run is over. With the last one of its program, what was pinned may go."""
        program = self._programs.get((run.code, run.namespace))
        if program is None:
            return
        program.num_runs -= 1
        if program.num_runs:
            return
        for stream in program.streams.values():
            stats = self._backend.cancel(stream)
            pin = self._open.pop(stream, None)
            if pin is not None:
                self._end(pin)
                pin.run.stats.setdefault(pin.call.node.loc, NodeStats()).add(stats)
                if self._recorder is not None:
                    self._recorder.dropped(stream, stats)
        program.streams.clear()
        program.parked.clear()

    def use(self, call: ModelCall, ids: Ids) -> None:
        """A call was queued whose prompt has these ids: what it begins with is pinned behind it."""
        run = call.frame.run
        program = self._programs.get((run.code, run.namespace))
        if program is None:
            return
        if program.prefixes is None:
            program.prefixes = _encoded(run.code, call.stream.encoder)
        found = next((p for p in program.prefixes if ids[: len(p)] == p), None)
        if found is None:
            return
        stream = program.streams.get(found)
        parked = self._backend.stats().get("parked", 0)
        if stream in self._open or parked == program.parked.get(found, -1):
            return
        request = StreamRequest((Extend(found),), deltas=False, hold=True, namespace=run.namespace)
        if stream is None:
            stream = self._backend.submit(request)
        else:
            self._backend.resume(stream, request)  # nothing to do, unless it has been parked
        program.streams[found], program.parked[found] = stream, parked
        self._open[stream] = self._begin(program, found, call, stream)

    def take(self, event: Event) -> bool:
        """Take what is reported of a stream, if it is one of these."""
        pin = self._open.get(event.stream)
        if pin is None or not isinstance(event, Held | Failed):
            return False
        del self._open[event.stream]
        self._end(pin)
        pin.run.stats.setdefault(pin.call.node.loc, NodeStats()).add(event.stats)
        if isinstance(event, Failed):  # too long: so is the call, which will say so
            del pin.program.streams[pin.ids], pin.program.parked[pin.ids]
        return True

    def _begin(self, program: _Program, ids: Ids, call: ModelCall, stream: int) -> _Pin:
        run, record = call.frame.run.root, None  # it outlives an arm
        if self._recorder is not None:
            record = self._recorder.begin(run, "warm", "", call.path, call.node.loc)
            self._recorder.submitted(record, [stream])
        return _Pin(program, ids, run, call, record)

    def _end(self, pin: _Pin) -> None:
        if self._recorder is not None and pin.record is not None and pin.record.end_ns < 0:
            self._recorder.end_aside(pin.record)


def _encoded(code: PlanCode, encoder: Encoder) -> list[Ids]:
    """Return the ids of a plan's prefixes as far as no following text changes them."""
    found: list[Ids] = []
    for words in code.plan.hints["prefixes"]:  # type: ignore[union-attr]  # the verifier has seen it
        try:
            segments = from_words(words)  # type: ignore[arg-type]  # the same
            ids, _ = encoder.withhold(encoder.encode(segments), segments)
        except ValueError:
            continue  # a role that the model does not have: the call will say so
        if ids:
            found.append(ids)
    return sorted(found, key=len, reverse=True)
