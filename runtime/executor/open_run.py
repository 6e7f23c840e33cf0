"""Runs that are written while they run: nodes come in fragments, values are cells.

A fragment is a plan with one function, whose parameters are values of fragments before it and
whose ``yield`` hands out the values that may be asked for later. Fragments of a run are dataflow
like any other nodes: one that needs a value that is not there yet waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.plan.plan import Plan
from sglc.runtime.executor.code import UNSET, BlockCode, PlanCode
from sglc.runtime.executor.errors import Poison, RunError, Scope
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.regions import Exit, Owner
from sglc.runtime.executor.run import Result, Run

if TYPE_CHECKING:
    from sglc.constraints.types import Type
    from sglc.runtime.executor.constraints import Preparation
    from sglc.runtime.executor.events import EventLog
    from sglc.runtime.executor.limits import Limits
    from sglc.runtime.executor.machine import Machine
    from sglc.runtime.executor.modelcall import Meta
    from sglc.runtime.executor.stream import Encoder
    from sglc.runtime.executor.tools import BoundTool

_BODY: Final = BlockCode("body", ())


class Cell:
    """A value that exists later: written once by the thread of the executor, read by any.

    ``value`` is there when ``done``, unless ``error`` is; ``result`` makes what a model call
    said about itself (``ModelCall.meta``). ``tell`` calls back in the thread of the executor, or
    at once if the cell is done.
    """

    __slots__ = ("_told", "done", "error", "frame", "result", "slot", "value")

    _guard: Final = threading.Lock()

    def __init__(self, value: Any = UNSET) -> None:
        self.value = value
        self.error: RunError | None = None
        self.done = value is not UNSET
        self.result: Meta | None = None
        self.frame: Frame | None = None  # where the value comes from, until it is there
        self.slot = -1
        self._told: list[Callable[[], None]] | None = None

    def settle(self, value: Any) -> None:
        """Write the value, or the error of a poison. Only the first time counts."""
        with Cell._guard:
            if self.done:
                return
            if isinstance(value, Poison):
                self.error = value.error
            self.value = value
            self.done = True
            self.frame = None
            told, self._told = self._told, None
        for each in told or ():
            each()

    def fail(self, error: RunError) -> None:
        """Write that there will be no value."""
        self.settle(Poison(error))

    def follow(self, other: Cell) -> None:
        """Write what another cell has, which is done."""
        self.settle(other.value)

    def tell(self, callback: Callable[[], None]) -> None:
        """Call back once the cell is done."""
        with Cell._guard:
            if not self.done:
                if self._told is None:
                    self._told = []
                self._told.append(callback)
                return
        callback()


class OpenOwner(Owner):
    """Owns the frames of the fragments of one run."""

    __slots__ = ("is_closed", "pending")

    def __init__(self, scope: Scope) -> None:
        super().__init__(scope)
        self.is_closed = False
        self.pending: dict[Frame, Sequence[Cell]] = {}

    def yielded(self, machine: Machine, child: Frame, left: Exit) -> None:
        """All that a fragment hands out has its cell already."""

    def child_done(self, machine: Machine, child: Frame) -> None:
        self.active -= 1
        self.pending.pop(child, None)
        self.end_if_over(machine, child.run)

    def end_if_over(self, machine: Machine, run: Run) -> None:
        """The run ends when it is closed and nothing of it runs any more."""
        if self.is_closed and not self.active:
            machine.finished.append(run)


class OpenRun(Run):
    """A run without a program of its own. Made by ``Executor.open``.

    The constraints of its fragments are kept by name: equal names mean equal types.
    """

    __slots__ = ("bound", "constraints", "fragments", "num_fragments", "prepared")

    def __init__(
        self, encoder: Encoder, seed: int, instance: int, log: EventLog, deadline_s: float | None,
        *, limits: Limits, deltas: bool,
    ) -> None:  # fmt: skip
        self.constraints: dict[str, Type] = {}
        self.prepared: dict[tuple[str, tuple[str, ...]], Preparation] = {}
        code = PlanCode(Plan(functions={}, entry="", constraints=self.constraints), self.prepared)
        self.bound: dict[str, BoundTool] = {}
        super().__init__(
            code, encoder, self.bound, seed, instance, log, deadline_s, limits=limits, deltas=deltas
        )
        self.fragments = OpenOwner(self.scope)
        self.num_fragments = 0

    def root_frame(self) -> Frame:
        """Return a frame that stands for the run. It is not kept: the two would hold each other."""
        return Frame(_BODY, self, self.fragments, self.scope, ())

    @property
    def awaits_host(self) -> bool:
        """Whether nothing of it runs, and more may come."""
        return not self.fragments.active and not self.fragments.is_closed

    def extend(
        self,
        machine: Machine,
        code: PlanCode,
        operands: Sequence[Any],
        cells: Sequence[Cell],
        tools: Mapping[str, BoundTool],
    ) -> None:
        """Begin a fragment: the entry of ``code``, given values or cells of this run."""
        if len(code.functions) > 1 or tools:
            self.code.functions.update(code.functions)
            self.bound.update(tools)
        self.prepared.update(code.constraints)
        self.constraints.update(code.plan.constraints)
        body = code.functions[code.plan.entry].body
        path = (self.num_fragments,)
        self.num_fragments += 1
        frame = Frame(
            body, self, self.fragments, self.scope, path, self.num_fragments, is_main=False
        )
        self.fragments.pending[frame] = cells
        frame.cells = {}
        for cell, slot in zip(cells, body.nodes[-1].args, strict=True):
            cell.frame, cell.slot = frame, slot
            first = frame.cells.setdefault(slot, cell)
            if frame.values[slot] is not UNSET:
                cell.settle(frame.values[slot])
            elif first is not cell:  # the same value twice
                first.tell(partial(cell.follow, first))
        machine.begin(frame)
        for slot, given in zip(body.params, operands, strict=True):
            if not isinstance(given, Cell):
                machine.resolve(frame, slot, given)
            elif given.frame is not None:
                machine.link(given.frame, given.slot, frame, slot)
            else:
                machine.resolve(frame, slot, given.value)

    def end_open(self, error: RunError | None) -> Result:
        """Settle what never came to be and return the outcome."""
        lost = error or RunError("cancelled", "the run has ended")
        for frame, cells in self.fragments.pending.items():
            places = {slot: node.loc for node in frame.code.nodes for slot in node.outputs}
            for cell in cells:
                if not cell.done:
                    loc = lost.loc or places.get(cell.slot)
                    cell.fail(replace(lost, loc=loc))
        self.fragments.pending.clear()
        return Result(None, {}, "", [], error, self.stats)
