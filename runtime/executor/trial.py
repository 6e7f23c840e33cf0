"""Trials: what an arm does that was begun before anybody knows whether it is taken.

The frames of such an arm belong to a run of its own. Its events, captures, errors and costs stay
there until the arm is taken; from then on it shares those of the run around it, so that nothing in
the arm needs to know. Where it is not taken its outcome is set, and the machine drops what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sglc.runtime.executor.errors import Scope
from sglc.runtime.executor.events import EventLog
from sglc.runtime.executor.run import NodeStats, Result, Run

if TYPE_CHECKING:
    from sglc.runtime.executor.frame import Frame

LOST: Final = Result(None, {}, "", [])
"""The outcome of a trial that came to nothing."""


class Trial(Run):
    """A part of ``parent`` that may come to nothing; ``parent`` may be a trial itself.

    Its fuel goes on from that of its parent. One that passes a limit comes to nothing: should the
    arm be taken, it runs again, and the limit is that of the run.
    """

    __slots__ = ("_before", "is_committed", "parent")

    def __init__(self, parent: Run) -> None:
        super().__init__(
            parent.code, parent.encoder, parent.tools, parent.seed, parent.instance, EventLog(),
            None, limits=parent.limits, deltas=parent.deltas,
        )  # fmt: skip
        self.parent = parent
        self.is_committed = False
        self.put_off = []
        self.records = []
        self._before = parent.fuel.copy()
        self.fuel = self._before.copy()
        parent.trials.add(self)
        self.root.speculated += 1

    @property
    def root(self) -> Run:
        return self.parent.root

    @property
    def acting(self) -> Run:
        return self.parent.acting if self.is_committed else self

    def commit(self, scope: Scope) -> list[tuple[Frame, int]]:
        """Let all this count, in the order in which it happened; errors go to ``scope``.

        Returns the nodes that have waited for it.
        """
        into = self.parent.acting
        for event in self.log.since():
            into.log.add(event)
        for name, (order, value) in self.captures.items():
            into.capture(name, order, value)
        for block, count in self.arms.items():
            into.arms[block] = into.arms.get(block, 0) + count
        into.versions += self.versions
        into.streams |= self.streams
        into.fuel.add(self.fuel, self._before)
        into.committed += 1 + self.committed
        if into.records is not None:
            into.records += self.records or ()
        self._hand_over(into)
        into.held.update(self.held)
        put_off, errors = self.put_off or [], self.scope.errors
        scope.errors += errors
        for each in [*self._counting()]:
            each.log, each.captures, each.arms = into.log, into.captures, into.arms
            each.versions, each.streams, each.stats = into.versions, into.streams, into.stats
            each.fuel, each.held = into.fuel, into.held
            each.put_off, each.records = into.put_off, into.records
            if each.scope.errors is errors:
                each.scope.errors = scope.errors
        self.is_committed = True
        return put_off

    def lose(self) -> None:
        """Let nothing of this go on. What it cost is counted by ``write_off``."""
        self.parent.trials.discard(self)
        for each in self.family():
            each.outcome = LOST

    def write_off(self) -> None:
        """Count what it cost, once all of its calls have ended or been stopped."""
        for trial in self.trials:
            if not trial.is_committed:
                trial.write_off()
        for cost in self.stats.values():
            cost.wasted_tokens = cost.computed_tokens
        into = self.parent.acting
        self._hand_over(into)
        for each in self.family():
            each.stats = into.stats  # where streams that outlive it are counted
        self.root.wasted.add(self.fuel, self._before)

    def _hand_over(self, into: Run) -> None:
        for place, cost in self.stats.items():
            into.stats.setdefault(place, NodeStats()).merge(cost)

    def _counting(self) -> Iterator[Trial]:
        """This trial, and the trials that count for it."""
        yield self
        for trial in self.trials:
            if trial.is_committed:
                yield from trial._counting()
