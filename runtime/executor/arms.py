"""``if`` and ``match``: which arm runs, and arms that begin before that is known.

The plan may name arms to begin early (``spec``). Such an arm is entered as any other, in a trial
(trial.py): its frame reports to an ``EarlyArm``, which keeps that until the arm is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sglc.compiler.plan.arms import arm_name
from sglc.compiler.plan.data import describe, equal, truth
from sglc.runtime.executor.code import BlockCode, NodeCode
from sglc.runtime.executor.errors import OpError, Poison
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.regions import Exit, Region
from sglc.runtime.executor.trial import Trial

if TYPE_CHECKING:
    from sglc.runtime.executor.machine import Machine, Starter


class EarlyArm(Region):
    """An arm at work of which nobody knows yet whether it is taken."""

    __slots__ = ("_child", "_is_done", "_left", "_poison", "block", "trial")

    def __init__(self, frame: Frame, node: NodeCode, block: BlockCode) -> None:
        super().__init__(frame, node)
        self.block = block
        self.trial = Trial(frame.run)
        self.scope = self.trial.scope
        self._left: Exit | None = None
        self._poison: Poison | None = None
        self._is_done = False

    def begin(self, machine: Machine) -> None:
        """Enter the arm."""
        self._child = machine.enter(self, self.block)
        self._child.run = self.trial  # nothing in it has started: to enter is to queue

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        if self.trial.is_committed:
            super().yielded(machine, child, left)
        else:
            self._left = left

    def poisoned(self, machine: Machine, child: Frame, poison: Poison) -> None:
        if self.trial.is_committed:
            super().poisoned(machine, child, poison)
        else:
            self._poison = poison

    def takes_exit(self, machine: Machine, child: Frame, left: Exit) -> bool:
        if self.trial.is_committed:
            return False
        self._left = left
        return True

    def child_done(self, machine: Machine, child: Frame) -> None:
        if not self.trial.is_committed:
            self._is_done = True
            return
        self.trial.end()
        super().child_done(machine, child)

    def take(self, machine: Machine) -> None:
        """The decision is for this arm: what it has done counts, and what it still does."""
        frame, run = self.frame, self.trial.parent
        machine.restart(self.trial.commit(frame.scope))
        reason = run.limits.exceeded(run.fuel)
        if reason is not None:
            machine.exhausted.append((run, reason))
        if self._poison is not None:
            super().poisoned(machine, self._child, self._poison)
        elif self._left is not None and self._left.kind == "yield":
            self.give(machine, self._left.source, self._left.slots)
        elif self._left is not None:
            machine.leave(frame, self.node.index, self._left)
        if self._is_done:
            machine.finish(self._child)


def begin_early(machine: Machine, frame: Frame, node: NodeCode) -> None:
    """Enter the arms that the plan wants begun before the decision."""
    wanted = node.attrs["spec"]
    arms = [
        EarlyArm(frame, node, block)
        for block in node.blocks
        if arm_name(block.label, block.case) in wanted
    ]
    frame.early = {**(frame.early or {}), node.index: arms}
    for arm in arms:
        arm.begin(machine)


def start_if(machine: Machine, frame: Frame, node: NodeCode) -> None:
    label = "do" if truth(frame.values[node.args[0]]) else "else"
    _take_arm(machine, frame, node, next((b for b in node.blocks if b.label == label), None))


def start_match(machine: Machine, frame: Frame, node: NodeCode) -> None:
    value = frame.values[node.args[0]]
    for block in node.blocks:
        if block.label != "case" or any(equal(literal, value) for literal in block.case):
            _take_arm(machine, frame, node, block)
            return
    raise OpError("match", f"no case for {describe(value)}")


def _take_arm(machine: Machine, frame: Frame, node: NodeCode, block: BlockCode | None) -> None:
    if block is None:
        machine.done(frame, node)
        return
    arms = frame.run.arms
    arms[block] = arms.get(block, 0) + 1
    if frame.early:
        taken = machine.drop_early(frame, node.index, but=block)
        if taken is not None:
            taken.take(machine)
            return
    machine.enter(Region(frame, node), block)


ARMS: Final[Mapping[str, Starter]] = {
    "if": start_if,
    "match": start_match,
}
