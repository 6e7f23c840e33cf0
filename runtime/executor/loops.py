"""Regions that run once per element or turn: ``for``, ``while``, ``map``, ``filter``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.plan.data import describe, truth
from sglc.compiler.plan.values import is_int
from sglc.runtime.executor.code import BlockCode, NodeCode
from sglc.runtime.executor.early_end import EarlyEnd
from sglc.runtime.executor.errors import OpError, Poison
from sglc.runtime.executor.frame import Frame, Join
from sglc.runtime.executor.regions import Exit, Region

if TYPE_CHECKING:
    from sglc.runtime.executor.machine import Machine, Starter


class LoopRegion(Region):
    """Turns that hand on carried values: ``carry`` is where they begin among the parameters."""

    __slots__ = ("carry",)

    def __init__(self, frame: Frame, node: NodeCode, carry: int) -> None:
        super().__init__(frame, node)
        self.carry = carry

    def hand_on(self, machine: Machine, source: Frame, slots: Sequence[int], turn: Frame) -> None:
        """Link the carried values into the next turn."""
        for param, slot in zip(turn.code.params[self.carry :], slots, strict=True):
            machine.link(source, slot, turn, param)

    def takes_exit(self, machine: Machine, child: Frame, left: Exit) -> bool:
        if left.kind == "continue":
            self.yielded(machine, child, left)
        elif left.kind == "break":
            self.give(machine, left.source, left.slots)
        else:
            return False
        return True


class ForRegion(LoopRegion):
    """``for``: all turns at once, or one after the other where a turn may leave the loop."""

    __slots__ = ("_items", "_turns")

    def __init__(self, frame: Frame, node: NodeCode) -> None:
        super().__init__(frame, node, 2 if node.attrs.get("index") else 1)

    def begin(self, machine: Machine, items: Sequence[Any]) -> None:
        """Start the turns; without items the carried values are the results."""
        carried = self.node.args[1:]
        if not items:
            self.give(machine, self.frame, carried)
            machine.end(self.frame, self.node)
            return
        self._items = items
        self._turns: list[Frame] = []
        count = 1 if self.node.blocks[0].may_exit else len(items)
        machine.take_turns(self.frame.run, count)
        self._turns = [self._turn(machine, i) for i in range(count)]
        self.hand_on(machine, self.frame, carried, self._turns[0])

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        later = child.turn + 1
        if later == len(self._items):
            self.give(machine, left.source, left.slots)
        elif child.code.may_exit:
            machine.take_turns(self.frame.run, 1)
            self.hand_on(machine, left.source, left.slots, self._turn(machine, later))
        else:
            self.hand_on(machine, left.source, left.slots, self._turns[later])

    def poisoned(self, machine: Machine, child: Frame, poison: Poison) -> None:
        later = child.turn + 1
        if child.code.may_exit or later == len(self._items):
            machine.spoil(self.frame, self.node, poison)
            return
        for slot in child.code.params[self.carry :]:
            machine.resolve(self._turns[later], slot, poison)

    def _turn(self, machine: Machine, number: int) -> Frame:
        code = self.node.blocks[0]
        frame = machine.enter(self, code, number)
        machine.resolve(frame, code.params[0], self._items[number])
        if self.carry == 2:
            machine.resolve(frame, code.params[1], number)
        return frame


class WhileRegion(LoopRegion):
    """``while``: a turn begins when the one before has passed its ``cond`` and its end."""

    __slots__ = ("_limit",)

    def __init__(self, frame: Frame, node: NodeCode) -> None:
        super().__init__(frame, node, 0)

    def begin(self, machine: Machine, limit: int) -> None:
        """Start the first turn, if there is to be one."""
        self._limit = limit
        if limit:
            self._turn(machine, 0, self.frame, self.node.args[1:])
            return
        self.give(machine, self.frame, self.node.args[1:])
        machine.end(self.frame, self.node)

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        if child.turn + 1 == self._limit:
            self.give(machine, left.source, left.slots)
        else:
            self._turn(machine, child.turn + 1, left.source, left.slots)

    def takes_exit(self, machine: Machine, child: Frame, left: Exit) -> bool:
        if left.kind == "cond":
            self.give(machine, child, child.code.params)
            return True
        return super().takes_exit(machine, child, left)

    def _turn(self, machine: Machine, number: int, source: Frame, slots: Sequence[int]) -> None:
        machine.take_turns(self.frame.run, 1)
        turn = machine.enter(self, self.node.blocks[0], number)
        self.hand_on(machine, source, slots, turn)


class ManyRegion(Region, ABC):
    """A frame per element, all at once; the result is made when every element has its own.

    Where the plan says so (``until``), it is made as soon as no other element can matter.
    """

    __slots__ = ("_open", "_poison", "early", "join")

    def begin(self, machine: Machine, size: int) -> None:
        """Prepare for ``size`` frames; ``enter`` each of them next."""
        self._open = size
        self._poison: Poison | None = None
        self.early = None if "until" not in self.node.attrs else EarlyEnd(self, size)
        self.join = Join(self.frame.run, size, self._joined)
        if not size:
            self._joined(machine, [])
            machine.passed(self.frame, self.node)
            machine.end(self.frame, self.node)

    def enter(self, machine: Machine, code: BlockCode, number: int, *, is_branch: bool) -> Frame:
        """Make the frame of element ``number``."""
        child = machine.enter(self, code, number, is_branch=is_branch)
        if self.early is not None:
            child.run = self.early.begin(number)  # nothing in it has started: to enter is to queue
        return child

    @abstractmethod
    def result(self, values: list[Any]) -> Any:
        """Return the node's result, made of what the elements gave."""

    @abstractmethod
    def element(self, machine: Machine, child: Frame, left: Exit) -> None:
        """Put what a frame yielded into the join."""

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        self.element(machine, child, left)
        self._close(machine)

    def poisoned(self, machine: Machine, child: Frame, poison: Poison) -> None:
        self._poison = self._poison or poison
        self.put(machine, child.turn, poison)
        self._close(machine)

    def put(self, machine: Machine, number: int, value: Any) -> None:
        """An element has its value."""
        machine.put(self.join, number, value)
        if self.early is not None:
            self.early.hear(machine, number, value)

    def decided(self, machine: Machine, values: list[Any], num_stopped: int) -> None:
        """End with these values; of ``num_stopped`` frames nothing runs any more."""
        if self._open and self.node.gate >= 0:
            machine.resolve(self.frame, self.node.gate, True)
        self._joined(machine, values)
        self.active -= num_stopped
        if num_stopped and not self.active:
            machine.end(self.frame, self.node)

    def child_done(self, machine: Machine, child: Frame) -> None:
        if self.early is not None:
            self.early.end(child.turn)
        super().child_done(machine, child)

    def _close(self, machine: Machine) -> None:
        self._open -= 1
        if not self._open and self.node.gate >= 0:
            machine.resolve(self.frame, self.node.gate, self._poison or True)

    def _joined(self, machine: Machine, values: list[Any] | Poison) -> None:
        value = values if isinstance(values, Poison) else self.result(values)
        machine.resolve(self.frame, self.node.outputs[0], value)


class MapRegion(ManyRegion):
    """``map`` and ``filter``: the values of a region for every element, or the elements kept."""

    __slots__ = ("_items",)

    def __init__(self, frame: Frame, node: NodeCode, items: Sequence[Any]) -> None:
        super().__init__(frame, node)
        self._items = items

    def run(self, machine: Machine) -> None:
        """Start a frame per element."""
        machine.take_turns(self.frame.run, len(self._items))
        self.begin(machine, len(self._items))
        code = self.node.blocks[0]
        for number, item in enumerate(self._items):
            frame = self.enter(machine, code, number, is_branch=False)
            machine.resolve(frame, code.params[0], item)

    def element(self, machine: Machine, child: Frame, left: Exit) -> None:
        if self.early is None:
            machine.link(left.source, left.slots[0], self.join, child.turn)
            return

        def given(machine: Machine, values: list[Any] | Poison) -> None:
            value = values if isinstance(values, Poison) else values[0]
            self.put(machine, child.turn, value)

        machine.link(left.source, left.slots[0], Join(child.run, 1, given), 0)

    def result(self, values: list[Any]) -> Any:
        if self.node.op == "map":
            return values
        return [item for item, keep in zip(self._items, values, strict=True) if truth(keep)]


def start_for(machine: Machine, frame: Frame, node: NodeCode) -> None:
    ForRegion(frame, node).begin(machine, _items(frame, node))


def start_map(machine: Machine, frame: Frame, node: NodeCode) -> None:
    MapRegion(frame, node, _items(frame, node)).run(machine)


def start_while(machine: Machine, frame: Frame, node: NodeCode) -> None:
    limit = frame.values[node.args[0]]
    if not is_int(limit):
        raise OpError("option", f"the limit of a loop is a number of turns, not {describe(limit)}")
    WhileRegion(frame, node).begin(machine, max(limit, 0))


def _items(frame: Frame, node: NodeCode) -> Sequence[Any]:
    items = frame.values[node.args[0]]
    if not isinstance(items, list | tuple):
        raise OpError("data", f"`{node.op}` takes a list, not {describe(items)}")
    return items


LOOPS: Final[Mapping[str, Starter]] = {
    "filter": start_map,
    "for": start_for,
    "map": start_map,
    "while": start_while,
}
