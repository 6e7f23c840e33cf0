"""Parts: what of a run can be stopped while the rest goes on.

The frames of a part belong to a run of its own, so that its calls can be found. All that they do
counts for the run around it, at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from sglc.runtime.executor.events import EventLog
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.stream import Stream

LOST = Result(None, {}, "", [])
"""The outcome of a part that was stopped."""


class Part(Run):
    """A part of ``parent``, which may be a part itself."""

    __slots__ = ("_kept", "is_committed", "parent")

    def __init__(self, parent: Run) -> None:
        super().__init__(
            parent.code, parent.encoder, parent.tools, parent.seed, parent.instance, EventLog(),
            None, limits=parent.limits, deltas=parent.deltas,
        )  # fmt: skip
        self.parent = parent
        self.namespace = parent.namespace
        self.is_committed = True
        self._kept: list[int] = []
        self.scope = parent.scope
        parent.parts.add(self)
        self.share(parent)

    def share(self, run: Run) -> None:
        """Let what is done here from now on count for ``run``."""
        self.log, self.captures, self.arms = run.log, run.captures, run.arms
        self.versions, self.streams, self.stats = run.versions, run.streams, run.stats
        self.fuel, self.held = run.fuel, run.held
        self.put_off, self.records = run.put_off, run.records

    @property
    def root(self) -> Run:
        return self.parent.root

    @property
    def acting(self) -> Run:
        return self.parent.acting if self.is_committed else self

    def keep(self, stream: int, version: Stream) -> None:
        super().keep(stream, version)
        self._kept.append(stream)

    def kept(self) -> list[Stream]:
        """What is held for the run around it stays."""
        return [self.held[stream] for stream in self._kept if stream in self.held]

    def end(self) -> None:
        """Nothing of this runs any more. What it held may go when the part around it is stopped."""
        self.parent.parts.discard(self)
        if isinstance(self.parent, Part):
            self.parent._kept += self._kept

    def lose(self) -> None:
        """Let nothing of this go on. Of trials in it the cost is counted by ``write_off``."""
        self.parent.parts.discard(self)
        for each in self.family():
            each.outcome = LOST

    def write_off(self) -> None:
        """Count what trials in it cost, once all calls have ended or been stopped."""
        for part in self.parts:
            part.write_off()

    def counting(self) -> Iterator[Part]:
        """This part, and those in it that count for it."""
        yield self
        for part in self.parts:
            if part.is_committed:
                yield from part.counting()
