"""Frames: one run of one block, with a slot for every value; and joins, which wait for several."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sglc.runtime.executor.code import UNSET, BlockCode, NodeCode
from sglc.runtime.executor.errors import Poison, Scope

if TYPE_CHECKING:
    from sglc.runtime.executor.arms import EarlyArm
    from sglc.runtime.executor.machine import Machine
    from sglc.runtime.executor.open_run import Cell
    from sglc.runtime.executor.records import Chain
    from sglc.runtime.executor.regions import Owner
    from sglc.runtime.executor.run import Run
    from sglc.runtime.executor.stream import Stream

Target = tuple["Frame | Join", int]


@dataclass(slots=True)
class FrameTrace:
    """What a recorder has to know of a frame (executor/traced.py): chains of calls.

    ``entry`` stands behind the frame itself, ``chains`` behind the values of its slots; ``last`` is
    the longest behind the nodes that have ended. ``links`` is beside ``Frame.subs``: what stood
    behind those who asked.
    """

    entry: Chain | None
    last: Chain | None = None
    chains: dict[int, Chain | None] = field(default_factory=dict)
    links: dict[int, list[Chain | None]] = field(default_factory=dict)


class Frame:
    """One instance of a block.

    ``counts`` holds for each node the slots it still waits for (negative: it will never start);
    ``pending`` the number of nodes that have not ended; ``subs`` who is to get a value once it
    exists. ``path`` is the random-number path, ``turn`` the place among the frames of ``region``.
    ``entry`` is the stream that the function's ``stream`` op gives, None for a fresh one;
    ``depth`` the number of calls around; ``is_main`` whether it belongs to the entry prompt itself
    and not to a branch or a call. ``trace`` is there when the run is recorded; ``early`` are the
    arms that were begun before their decision, by the number of the node that decides. ``cells``
    are written when their slots get a value, if somebody outside of the executor waits for that.
    """

    __slots__ = (
        "cells", "code", "counts", "depth", "early", "entry", "is_main", "path", "pending",
        "region", "run", "scope", "subs", "trace", "turn", "values",
    )  # fmt: skip

    def __init__(
        self,
        code: BlockCode,
        run: Run,
        region: Owner,
        scope: Scope,
        path: tuple[int, ...],
        turn: int = 0,
        entry: Stream | None = None,
        depth: int = 0,
        is_main: bool = True,
    ) -> None:
        self.code = code
        self.run = run
        self.region = region
        self.scope = scope
        self.path = path
        self.turn = turn
        self.entry = entry
        self.depth = depth
        self.is_main = is_main
        self.values = code.template.copy()
        self.counts = code.counts.copy()
        self.pending = len(code.nodes)
        self.subs: dict[int, list[Target]] = {}
        self.cells: dict[int, Cell] | None = None
        self.trace: FrameTrace | None = None
        self.early: dict[int, list[EarlyArm]] | None = None

    def complete(self, machine: Machine) -> None:
        """All nodes have ended."""
        self.region.child_done(machine, self)

    def note(self, node: NodeCode, stream: Stream) -> None:
        """Remember a version of the entry prompt, for a run that does not end well."""
        if self.is_main and node.is_spoken:
            self.run.versions.append((self.order(node.index), stream))

    def place(self, node: NodeCode) -> tuple[int, ...]:
        """Return where a node stands for random numbers and events: the path and its own."""
        return self.path + node.path

    def order(self, index: int) -> tuple[int, ...]:
        """Return the place of node ``index`` in the program, comparable over the whole run."""
        parts = [index]
        frame = self
        while (outer := frame.region.outer) is not None:
            parts += (frame.turn, outer[1])
            frame = outer[0]
        parts.reverse()
        return tuple(parts)


class Join:
    """Waits for a number of values, then calls ``then`` with all of them, or the first poison.

    ``chain`` is the longest chain of calls behind its values, when the run is recorded.
    """

    __slots__ = ("chain", "missing", "run", "then", "values")

    def __init__(
        self, run: Run, size: int, then: Callable[[Machine, list[Any] | Poison], None]
    ) -> None:
        self.run = run
        self.values: list[Any] = [UNSET] * size
        self.missing = size
        self.then = then
        self.chain: Chain | None = None

    def complete(self, machine: Machine) -> None:
        """All values exist."""
        poison = next((v for v in self.values if v.__class__ is Poison), None)
        self.then(machine, self.values if poison is None else poison)
