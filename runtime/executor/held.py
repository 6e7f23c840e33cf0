"""Streams of the backend that wait for their prompt to go on.

A version of a prompt may have a handle: a backend stream with the K/V of that version. The next
model call on the version, or on a later one, takes it and goes on in it; of several calls the first
one does, and the others find what was computed in the cache. What nobody takes is let go when the
run ends, or where the program says so.
"""

from __future__ import annotations

from typing import NamedTuple

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.script import StreamRequest
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import CallRecord
from sglc.runtime.executor.run import NodeStats, Run
from sglc.runtime.executor.stream import Stream


class Warm(NamedTuple):
    """Who asked for a stream to be computed."""

    run: Run
    node: NodeCode
    record: CallRecord | None


class HeldStreams:
    """The handles of all runs: each is with one version, and in ``Run.held``.

    ``warming`` are the streams among them that have not been computed yet (executor/warming.py).
    """

    def __init__(self, backend: Backend, recorder: Recorder | None) -> None:
        self._backend = backend
        self._recorder = recorder
        self.warming: dict[int, Warm] = {}

    def keep(self, run: Run, version: Stream, stream: int) -> None:
        """Give a version its handle; one that it had before is let go."""
        if version.held is not None:
            self._let_go(run, version)
        version.held = stream
        run.keep(stream, version)

    def resume(self, run: Run, version: Stream, request: StreamRequest) -> int | None:
        """Go on in the handle of the latest version up to ``version`` that has one.

        Returns the stream, which no version has any more; None if there is none that can go on.
        """
        found = self._find(run, version)
        if found is None:
            return None
        stream = found.held
        assert stream is not None
        try:
            self._backend.resume(stream, request)
        except ValueError:  # it has failed, as it would have reported in its next step
            self._let_go(run, found)
            return None
        found.held = None
        del run.held[stream]
        self.warmed(stream)
        return stream

    def forget(self, run: Run, stream: int) -> None:
        """The backend has dropped a stream: no version has it."""
        run.held.pop(stream).held = None

    def release(self, run: Run, version: Stream) -> None:
        """Let the handle go that ``resume`` would go on in."""
        found = self._find(run, version)
        if found is not None:
            self._let_go(run, found)

    def release_all(self, run: Run) -> None:
        """Let go of every handle of a run."""
        for version in run.kept():
            self._let_go(run, version)

    def _let_go(self, run: Run, version: Stream) -> None:
        stream, version.held = version.held, None
        assert stream is not None
        del run.held[stream]
        stats = self._backend.cancel(stream)
        warm = self.warmed(stream)
        if warm is not None:
            run.stats.setdefault(warm.node.loc, NodeStats()).add(stats)
            if self._recorder is not None:
                self._recorder.dropped(stream, stats)

    def warmed(self, stream: int) -> Warm | None:
        """A stream is not warmed any more; return who asked for it, if it was."""
        warm = self.warming.pop(stream, None)
        if warm is not None and self._recorder is not None and warm.record is not None:
            self._recorder.end_aside(warm.record)
        return warm

    def _find(self, run: Run, version: Stream) -> Stream | None:
        """What is held for a run stays there while a trial in it goes on from the same version."""
        if not run.held:
            return None
        found: Stream | None = version
        while found is not None and found.held not in run.held:
            found = found.parent
        return found
