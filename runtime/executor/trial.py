"""Trials: what an arm does that was begun before anybody knows whether it is taken.

The frames of such an arm belong to a run of its own. Its events, captures, errors and costs stay
there until the arm is taken; from then on it shares those of the run around it, so that nothing in
the arm needs to know. Where it is not taken its outcome is set, and the machine drops what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sglc.runtime.executor.errors import Scope
from sglc.runtime.executor.events import EventLog
from sglc.runtime.executor.part import Part
from sglc.runtime.executor.run import NodeStats, Run
from sglc.runtime.executor.stream import Stream

if TYPE_CHECKING:
    from sglc.runtime.executor.frame import Frame


class Trial(Part):
    """A part of ``parent`` that may come to nothing; ``parent`` may be a trial itself.

    Its fuel goes on from that of its parent. One that passes a limit comes to nothing: should the
    arm be taken, it runs again, and the limit is that of the run.
    """

    __slots__ = ("_before",)

    def __init__(self, parent: Run) -> None:
        super().__init__(parent)
        self.is_committed = False
        self.scope = Scope()
        self.log, self.captures, self.arms = EventLog(), {}, {}
        self.versions, self.streams, self.stats = [], set(), {}
        self.put_off, self.records, self.held = [], [], {}
        self._before = parent.fuel.copy()
        self.fuel = self._before.copy()
        self.root.speculated += 1

    def kept(self) -> list[Stream]:
        return super().kept() if self.is_committed else list(self.held.values())

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
        for each in [*self.counting()]:
            each.share(into)
            if each.scope.errors is errors:
                each.scope.errors = scope.errors
        self.is_committed = True
        return put_off

    def write_off(self) -> None:
        """Count what it cost, once all of its calls have ended or been stopped."""
        super().write_off()
        if self.is_committed:
            return
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
