"""Nodes with regions: what they run, when, and what becomes of the results.

A ``Region`` is one such node at work. Its frames report to it: ``yielded`` when a frame's
terminator lets go, ``poisoned`` when it never will, ``takes_exit`` when something inside leaves,
``child_done`` when nothing of the frame runs any more. A region ends its node once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import Poison, Scope
from sglc.runtime.executor.frame import Frame

if TYPE_CHECKING:
    from sglc.runtime.executor.machine import Machine, Starter


class Exit(NamedTuple):
    """How a frame is left: ``slots`` of ``source`` (which may lie further in) are the values."""

    kind: str
    source: Frame
    slots: tuple[int, ...]
    names: tuple[tuple[str, int], ...] = ()


class Owner:
    """Whoever a frame reports to. ``scope`` is where errors inside it go.

    ``active`` counts the frames that have not ended.
    """

    __slots__ = ("active", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.active = 0

    @property
    def outer(self) -> tuple[Frame, int] | None:
        """The frame and the number of the node this belongs to; None around the entry prompt."""
        return None

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        """A frame ended with these values."""
        raise NotImplementedError

    def poisoned(self, machine: Machine, child: Frame, poison: Poison) -> None:
        """A frame will never yield."""

    def takes_exit(self, machine: Machine, child: Frame, left: Exit) -> bool:
        """Take an exit from a frame, or return False to let it pass outwards."""
        return False

    def child_done(self, machine: Machine, child: Frame) -> None:
        """Nothing of a frame runs any more."""
        raise NotImplementedError


class RootOwner(Owner):
    """Owns the frame of the entry prompt; ``left`` is how it returned, once it has."""

    __slots__ = ("left",)

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.left: Exit | None = None

    def takes_exit(self, machine: Machine, child: Frame, left: Exit) -> bool:
        assert left.kind == "return", left.kind
        self.left = left
        return True

    def child_done(self, machine: Machine, child: Frame) -> None:
        machine.finished.append(child.run)


class Region(Owner):
    """A node with one frame, whose yielded values are the node's results: an arm of ``if``."""

    __slots__ = ("frame", "node")

    def __init__(self, frame: Frame, node: NodeCode) -> None:
        super().__init__(frame.scope)
        self.frame = frame
        self.node = node

    @property
    def outer(self) -> tuple[Frame, int] | None:
        return self.frame, self.node.index

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        self.give(machine, left.source, left.slots)

    def poisoned(self, machine: Machine, child: Frame, poison: Poison) -> None:
        machine.spoil(self.frame, self.node, poison)

    def child_done(self, machine: Machine, child: Frame) -> None:
        self.active -= 1
        if not self.active:
            machine.end(self.frame, self.node)

    def give(self, machine: Machine, source: Frame, slots: Sequence[int]) -> None:
        """Make the values of these slots the node's results, each as soon as it exists."""
        for output, slot in zip(self.node.outputs, slots, strict=True):
            machine.link(source, slot, self.frame, output)
        machine.passed(self.frame, self.node)


class TryRegion(Region):
    """``try``: the body's values once all of it has succeeded, else those of the other region.

    The body's errors are its own until it is over; so is an exit that it takes.
    """

    __slots__ = ("_child", "_left", "_poison")

    def begin(self, machine: Machine) -> None:
        """Start the body."""
        self.scope = Scope()
        self._left: Exit | None = None
        self._poison: Poison | None = None
        self._child = machine.enter(self, self.node.blocks[0])

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        if child is self._child:
            self._left = left
        else:
            self.give(machine, left.source, left.slots)

    def poisoned(self, machine: Machine, child: Frame, poison: Poison) -> None:
        if child is self._child:
            self._poison = poison
        else:
            machine.spoil(self.frame, self.node, poison)

    def takes_exit(self, machine: Machine, child: Frame, left: Exit) -> bool:
        if child is not self._child:
            return False
        self._left = left
        return True

    def child_done(self, machine: Machine, child: Frame) -> None:
        self.active -= 1
        if child is self._child:
            if self.scope.errors:
                self.scope = self.frame.scope
                machine.enter(self, self.node.blocks[1])
                return
            self._succeed(machine)
        machine.end(self.frame, self.node)

    def _succeed(self, machine: Machine) -> None:
        if self._poison is not None or self._left is None:  # what failed lies outside the body
            assert self._poison is not None
            machine.spoil(self.frame, self.node, self._poison)
        elif self._left.kind == "yield":
            self.give(machine, self._left.source, self._left.slots)
        else:
            machine.leave(self.frame, self.node.index, self._left)


def start_try(machine: Machine, frame: Frame, node: NodeCode) -> None:
    TryRegion(frame, node).begin(machine)


CONTROL: Final[Mapping[str, Starter]] = {
    "try": start_try,
}
