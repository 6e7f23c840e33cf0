"""Early ends: a ``fork`` or ``map`` is over once what its values come to is decided.

The plan says of such a node what its only reader makes of its values (``until``, ``of``, ``goal``),
and that its elements neither fail nor change anything. Each element is a part of the run. When the
verdict is clear, the result is made of the elements that are there, the others are stopped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sglc.compiler.plan.data import DataError, select
from sglc.runtime.executor.errors import Poison
from sglc.runtime.executor.part import Part
from sglc.runtime.executor.verdicts import verdict_of

if TYPE_CHECKING:
    from sglc.runtime.executor.loops import ManyRegion
    from sglc.runtime.executor.machine import Machine


class EarlyEnd:
    """What is known of the elements of ``region`` so far."""

    __slots__ = ("_heard", "_of", "_parts", "_region", "_running", "_size", "_verdict")

    def __init__(self, region: ManyRegion, size: int) -> None:
        attrs = region.node.attrs
        self._region = region
        self._size = size
        self._of = attrs.get("of", ())
        self._verdict = verdict_of(attrs["until"], size, attrs.get("goal", 0))
        self._heard: dict[int, Any] | None = {}  # None: all are waited for, or it is decided
        self._parts: dict[int, Part] = {}
        self._running: set[int] = set()

    def begin(self, number: int) -> Part:
        """Return the run of an element that begins."""
        self._running.add(number)
        part = self._parts[number] = Part(self._region.frame.run)
        return part

    def end(self, number: int) -> None:
        """Nothing of an element runs any more."""
        self._running.discard(number)
        self._parts[number].end()

    def hear(self, machine: Machine, number: int, value: Any) -> None:
        """Take the value of an element; stop the others if they cannot matter."""
        if self._heard is None:
            return
        if isinstance(value, Poison):  # which is told when all have ended
            self._heard = None
            return
        self._heard[number] = value
        try:
            is_decided = self._verdict.hear(number, select(value, self._of))
        except DataError:  # whoever reads the values will say so
            self._heard = None
            return
        if is_decided and len(self._heard) < self._size:
            self._stop(machine, self._heard)

    def _stop(self, machine: Machine, heard: dict[int, Any]) -> None:
        self._heard = None
        others = [number for number in self._parts if number not in heard]
        for number in others:
            machine.lose(self._parts[number])
        num_stopped = len(self._running.intersection(others))
        self._running.difference_update(others)
        self._region.decided(machine, [heard[number] for number in sorted(heard)], num_stopped)
