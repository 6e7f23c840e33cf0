"""The recorder: sees runs, calls and steps go by, and writes down when, for what, behind what.

The recorder has the only clock of a profile. It stands between the executor and its backend, which
has none, and reads it before and after every step; what a stream did in the step is the difference
of what it had counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.plan.plan import Loc
from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Delta, Ended, Event, Failed, Held
from sglc.runtime.core.stats import NOTHING, Snapshot, StreamStats
from sglc.runtime.executor.records import (
    PHASES,
    Attempt,
    CallRecord,
    Chain,
    Phase,
    RunRecord,
    StepRecord,
    longer,
)
from sglc.runtime.executor.stream import Encoder, Stream

if TYPE_CHECKING:
    from sglc.runtime.executor.run import Run

_LEVELS: Final = frozenset({"peak_slots"})  # counters that are no sums


@dataclass(slots=True)
class _Running:
    call: CallRecord
    seen: StreamStats = NOTHING


class Recorder:
    """Records the runs of one executor. ``current`` is the chain behind what the executor does now.

    ``clock_ns`` must never go back; threads of tools read it too. ``timeline=True`` also keeps the
    pieces of every call, and the steps.
    """

    def __init__(
        self, clock_ns: Callable[[], int] = time.perf_counter_ns, *, timeline: bool = False
    ) -> None:
        self.keeps_timeline = timeline
        self.runs: list[RunRecord] = []
        self.steps: list[StepRecord] = []
        self.current: Chain | None = None
        self._clock_ns = clock_ns
        self._open: dict[Run, RunRecord] = {}
        self._streams: dict[int, _Running] = {}
        self._num_steps = 0
        self._count: Callable[[], Mapping[str, int]] = dict
        self._before: Mapping[str, int] = {}

    def attach(self, backend: Backend, encoder: Encoder) -> None:
        """Count from here on what the backend counts, and what is encoded."""
        self._count = lambda: {**backend.stats(), **asdict(encoder.counts)}
        self._before = self._count()

    def counters(self) -> dict[str, int]:
        """Return what the backend and the encoder have counted since ``attach``."""
        now = self._count()
        return {k: n if k in _LEVELS else n - self._before.get(k, 0) for k, n in now.items()}

    def begin_run(self, run: Run, instance: int) -> None:
        """A run is submitted: what it starts waits for nothing."""
        record = RunRecord(len(self.runs), instance, self._clock_ns())
        self.runs.append(record)
        self._open[run] = record
        self.current = None

    def end_run(self, run: Run, final: Stream | None = None) -> None:
        """A run is over, and with it the calls of it that did not end; its prompt is ``final``."""
        record = self._open.pop(run)
        if self.keeps_timeline:
            record.final = final
        self._give_up(record.calls)
        for call in sorted(record.calls, key=lambda call: call.end_ns):
            if not call.is_wasted:
                record.longest = longer(record.longest, call.chain)
        record.speculated, record.committed = run.speculated, run.committed
        record.end_ns = self._clock_ns()

    def waste(self, calls: Sequence[CallRecord]) -> None:
        """What these calls gave, or would have given, counts for nothing."""
        self.stop(calls)
        for call in calls:
            call.is_wasted = True

    def stop(self, calls: Sequence[CallRecord]) -> None:
        """The calls among these that have not ended do so now, without a result."""
        current = self.current
        self._give_up(calls)
        self.current = current

    def _give_up(self, calls: Sequence[CallRecord]) -> None:
        for call in calls:
            if call.end_ns < 0:
                call.is_reported = False  # what was is not its result
                if call.attempt is not None:
                    self.taken(call)
                self.finish(call)

    def begin(
        self,
        run: Run,
        op: str,
        name: str,
        path: str,
        loc: Loc | None,
        prompt: Stream | None = None,
    ) -> CallRecord:
        """A call starts, with the results of ``current``; a model call goes on from ``prompt``."""
        record = self._open[run.root]
        call = CallRecord(
            record, op, name, path, loc, self._clock_ns(), self.current, self.keeps_timeline
        )
        if self.keeps_timeline:
            call.prompt = prompt
        record.calls.append(call)
        if run.records is not None:
            run.records.append(call)
        return call

    def made(self, run: Run, op: str, loc: Loc | None, version: Stream) -> None:
        """A node has given a version of a stream: the result of the call that has just ended, if
        it is the node of that call."""
        record = self._open[run.root]
        if version in record.origins:
            return  # it is only handed on
        record.origins[version] = loc
        call = None if self.current is None else self.current.call
        if call is not None and call.op == op and call.prompt is version.parent:
            call.result = call.result or version

    def submitted(self, call: CallRecord, streams: list[int], *, joined: bool = False) -> None:
        """A model call is given to the backend; from here on it waits for that.

        ``streams`` are its own; one that has ``joined`` waits for the streams of other calls.
        """
        call.spend(call.phase, self._clock_ns())
        call.phase = "queue"
        call.is_submitted = True
        call.has_joined = joined
        for stream in streams:
            self._streams[stream] = _Running(call)

    def finish(self, call: CallRecord) -> None:
        """A call has its result, or will have none: what comes next depends on it."""
        goes_on = call.phase == "build" or call.last_step == self._num_steps
        rest: Phase = call.phase if goes_on else "queue"
        call.spend(rest, call.mark_ns if call.is_reported else self._clock_ns())
        call.end_ns = call.mark_ns
        length_ns = 0 if call.before is None else call.before.length_ns
        self.current = call.chain = Chain(call, call.before, length_ns + call.duration_ns)

    def handed_over(self, stream: int, call: CallRecord) -> None:
        """A stream goes on for another call: what it costs is the cost of that one."""
        known = self._streams.get(stream)
        if known is not None:
            known.call = call

    def end_aside(self, call: CallRecord) -> None:
        """A call ends that no other waits for."""
        call.spend(call.phase, self._clock_ns())
        call.end_ns = call.mark_ns

    def dropped(self, stream: int, stats: StreamStats) -> None:
        """A stream was cancelled; ``stats`` is what it had counted."""
        known = self._streams.pop(stream, None)
        if known is not None:
            known.call.stats += stats

    def step(self, backend: Backend) -> list[Event]:
        """Let the backend do a step; return what it reports."""
        begin_ns = self._clock_ns()
        events = backend.step()
        end_ns = self._clock_ns()
        snapshot = backend.snapshot()
        ended = {e.stream: e.stats for e in events if isinstance(e, Ended | Held | Failed)}
        reported = {e.stream for e in events if not isinstance(e, Delta)}
        self._account(begin_ns, end_ns, snapshot, ended, reported)
        for stream, stats in ended.items():
            known = self._streams.pop(stream, None)
            if known is not None:
                known.call.stats += stats
        return events

    def _account(
        self,
        begin_ns: int,
        end_ns: int,
        snapshot: Snapshot,
        ended: Mapping[int, StreamStats],
        reported: Collection[int],
    ) -> None:
        """Find out what each stream did, and give the time to its call: the furthest one counts.

        A stream that waits is not looked at: its time is found when it goes on.
        """
        self._num_steps += 1
        phases: dict[CallRecord, Phase] = {}
        counts: dict[Phase, int] = {"queue": 0, "prefill": 0, "decode": 0}
        for stream, stats in {**dict.fromkeys(reported), **snapshot.running, **ended}.items():
            known = self._streams.get(stream)
            if known is None or known.call.end_ns >= 0:
                continue
            phase = _phase(known.seen, stats)
            counts[phase] += 1
            known.seen = stats or known.seen
            call = known.call
            if phase != "queue" or stream in reported:
                phases[call] = max(phase, phases.get(call, phase), key=PHASES.index)
        for call, phase in phases.items():
            # Behind a step that brought it on, it waited for this one; else it was queued.
            went_on = call.last_step == self._num_steps - 1
            call.spend(phase if went_on else "queue", begin_ns)
            call.spend(phase, end_ns)
            call.phase, call.last_step, call.is_reported = phase, self._num_steps, True
        if self.keeps_timeline:
            self.steps.append(
                StepRecord(
                    begin_ns,
                    end_ns,
                    counts["prefill"],
                    counts["decode"],
                    len(snapshot.running),
                    snapshot.num_waiting,
                    snapshot.held_slots,
                    snapshot.cached_slots,
                    snapshot.free_slots,
                )
            )

    def timed(self, call: CallRecord, function: Callable[[], Any]) -> Callable[[], Any]:
        """Return a tool's function that takes down when it runs. The call is given to the pool."""
        attempt = call.attempt = Attempt()
        call.is_submitted = True

        def run() -> Any:
            attempt.start_ns = self._clock_ns()
            try:
                return function()
            finally:
                attempt.end_ns = self._clock_ns()

        return run

    def asked(self, call: CallRecord) -> None:
        """Someone outside is asked for the result of a tool, from now on."""
        call.attempt = Attempt(start_ns=self._clock_ns())
        call.is_submitted = True

    def taken(self, call: CallRecord) -> None:
        """The result of a try is there, or it is given up: its thread may still run."""
        assert call.attempt is not None
        start_ns, end_ns, now_ns = call.attempt.start_ns, call.attempt.end_ns, self._clock_ns()
        if start_ns is not None:
            call.spend("queue", min(start_ns, now_ns))
            call.spend("tool", now_ns if end_ns is None else min(end_ns, now_ns))
        call.spend("queue", now_ns)
        call.is_reported = True


def _phase(seen: StreamStats, now: StreamStats | None) -> Phase:
    """What a stream did between two counts; None is for one that waits."""
    if now is None:
        return "queue"
    if (
        now.prefilled_tokens > seen.prefilled_tokens
        or now.cached_tokens > seen.cached_tokens
        or now.scored_tokens > seen.scored_tokens
    ):
        return "prefill"
    return "decode" if now.decoded_tokens > seen.decoded_tokens else "queue"
