"""``warm`` and ``release``: what passes tell the backend about versions of a prompt.

A version is warmed when its text is known and its next call waits for something else: its K/V is
computed meanwhile, behind all that has a result to give, and held for that call.
"""

from __future__ import annotations

from dataclasses import replace

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Event, Failed, Held
from sglc.runtime.core.script import Extend, StreamRequest
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.held import HeldStreams, Warm
from sglc.runtime.executor.machine import Machine
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import NodeStats, Run
from sglc.runtime.executor.stream import Stream

PRIORITY = -1  # behind every call


class Warming:
    """Starts these nodes, and takes what the backend reports of streams that are warmed.

    A call that takes such a stream over has its events and its costs from then on.
    """

    def __init__(self, backend: Backend, held: HeldStreams, recorder: Recorder | None) -> None:
        self._backend = backend
        self._recorder = recorder
        self._held = held

    def start_warm(self, machine: Machine, frame: Frame, node: NodeCode) -> None:
        """Begin to compute what of a version will stay as it is, whatever follows."""
        run, version = frame.run, frame.values[node.args[0]]
        stream = self._submit(run, node, version)
        if stream is not None:
            record = None
            if self._recorder is not None:
                path = "/".join(map(str, frame.path))
                record = self._recorder.begin(run, "warm", "", path, node.loc, version)
                self._recorder.submitted(record, [stream])
            self._held.keep(run, version, stream)
            self._held.warming[stream] = Warm(run, node, record)
        machine.done(frame, node)

    def _submit(self, run: Run, node: NodeCode, version: Stream) -> int | None:
        encoded_chars = run.encoder.counts.encoded_chars
        try:
            ids, _ = version.healed_ids()
        except ValueError:
            return None  # the call on this stream will say so
        stats = run.stats.setdefault(node.loc, NodeStats())
        stats.encoded_chars += run.encoder.counts.encoded_chars - encoded_chars
        if not ids:
            return None
        request = StreamRequest(
            (Extend(ids),), PRIORITY, deltas=False, hold=True, namespace=run.namespace
        )
        resumed = request
        if node.attrs.get("insert") is False:  # as the call before it on this stream
            resumed = replace(request, insert=False, shared=len(ids))
        held = self._held.resume(run, version, resumed)
        return self._backend.submit(request) if held is None else held

    def start_release(self, machine: Machine, frame: Frame, node: NodeCode) -> None:
        """Let go of what is held for a version."""
        if frame.run.put_off is not None:
            frame.run.put_off.append((frame, node.index))
            return
        self._held.release(frame.run, frame.values[node.args[0]])
        machine.done(frame, node)

    def take(self, event: Event) -> None:
        """Take what is reported of a stream, if it is one that is warmed."""
        if not isinstance(event, Held | Failed):
            return
        warm = self._held.warmed(event.stream)
        if warm is None:
            return
        warm.run.stats.setdefault(warm.node.loc, NodeStats()).add(event.stats)
        if isinstance(event, Failed):  # too long: so is the call, which will say so
            self._held.forget(warm.run, event.stream)
