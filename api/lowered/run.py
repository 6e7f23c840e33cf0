"""A run of a function as one graph: host statements run here, between the model's calls."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sglc.compiler.python.handed import END, HOST, RECORD, RETURNED, STREAM
from sglc.errors import RunFailed, StateError
from sglc.program.state import ProgramState
from sglc.program.variables import Variable
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.compiler.python.hosts import HostStatement
    from sglc.compiler.python.lower import Returns, Slot
    from sglc.lowered.lowering import Ready
    from sglc.runtime.executor.errors import RunError
    from sglc.runtime.executor.modelcall import Meta, ModelCall
    from sglc.runtime.executor.open_run import OpenRun
    from sglc.runtime.executor.run import Run
    from sglc.runtime.executor.toolcalls import RemoteCall


class SiteCell(Cell):
    """The value of a variable; ``result`` is that of the last call that may have written it."""

    __slots__ = ("_run", "_sites")

    def __init__(self, run: _LoweredRun, sites: frozenset[int], value: Any = ...) -> None:
        self._run = run
        self._sites = sites
        super().__init__() if value is ... else super().__init__(value)

    @property
    def result(self) -> Meta | None:
        """What makes what the call says of itself; None before it is done, or if there was none."""
        return self._run.result_of(self._sites)

    @result.setter
    def result(self, _: object) -> None:
        """It is that of the call."""


def run_lowered(state: ProgramState, ready: Ready, operands: tuple[Any, ...]) -> None:
    """Run a graph in the place of the function; the state is then as the function leaves it.

    What a host statement raises is raised.
    """
    run = _LoweredRun(state, ready, operands)
    run.serve()
    state.end()


class _LoweredRun:
    """Calls come from the thread of the executor, and are done in that of the program."""

    def __init__(self, state: ProgramState, ready: Ready, operands: tuple[Any, ...]) -> None:
        self._state = state
        self._ready = ready
        lowered = ready.lowered
        self._hosts = {host.name: (n, host) for n, host in enumerate(lowered.hosts)}
        self._given = dict(zip(lowered.params, operands, strict=True))
        self._is_late = lowered.guard.is_late
        self._lock = threading.Lock()
        self._calls: deque[RemoteCall] = deque()
        self._bell: Cell | None = None
        self._results: dict[int, tuple[tuple[int, ...], Meta]] = {}
        self._said: dict[str, tuple[tuple[int, ...], int, Any]] = {}  # last calls of the state
        returns = lowered.returns[0]
        sites = returns.sites if lowered.is_straight else {}
        self._cells: dict[str, Cell] = {
            name: SiteCell(self, sites[name]) if name in sites else Cell()
            for name in ready.fragment.outputs
        }
        self._versions = [Cell() for _ in range(ready.fragment.num_versions)]
        cells = (*self._cells.values(), *self._versions)
        state.become([*self._versions, self._cells[STREAM]], {})
        self._run: OpenRun | None = None
        self._raised: tuple[int, ...] = ()  # the place of the host statement that has raised
        state.staging.submit(
            ready.fragment.plan, operands, cells, self._call, self._result, self._begin
        )

    # ---- in the thread of the executor

    def _begin(self, run: OpenRun) -> None:
        self._run = run

    def _call(self, run: Run, told: RemoteCall) -> None:
        with self._lock:
            self._calls.append(told)
        self._ring()

    def _result(self, call: ModelCall, value: Any) -> None:
        site = call.frame.place(call.node)[-1]
        order = call.frame.order(call.node.index)
        known = self._results.get(site)
        if known is None or known[0] <= order:
            self._results[site] = order, call.meta()
        said = self._said.get(call.name)
        if not call.stream.lineage.path and (said is None or said[0] <= order):
            self._said[call.name] = order, site, value

    def _ring(self) -> None:
        with self._lock:
            bell, self._bell = self._bell, None
        if bell is not None:
            bell.settle(None)

    def result_of(self, sites: frozenset[int]) -> Meta | None:
        """What the last of some model calls said about itself."""
        found = [self._results[site] for site in sites if site in self._results]
        return max(found, key=lambda each: each[0])[1] if found else None

    # ---- in the thread of the program

    def serve(self) -> None:
        """Run host statements until there are none left, then give the state what there is."""
        lowered = self._ready.lowered
        if not lowered.is_straight:
            last = self._cells[RECORD]
            try:
                self._until(last)
                self._fail(last)
            except BaseException:
                self._leave_what_there_is(last.error)
                raise
            self._leave_by_record(last.value)
            return
        if HOST in self._cells:
            last = self._cells[HOST]
            self._until(last)
            self._fail(last)
        if lowered.reads:
            self._wait_for_reads()
        self._leave(lowered.returns[0])

    def _wait_for_reads(self) -> None:
        """What the program has waited for is there, or will never be.

        Raises:
            RunFailed: it will never be there.
        """
        lowered = self._ready.lowered
        known = {sites: name for name, sites in lowered.returns[0].sites.items()}
        wanted = [known.get(sites) for sites in lowered.reads.values()]
        names = [STREAM if name is None else name for name in wanted]
        for name in dict.fromkeys(names):
            self._state.staging.waiter.wait(self._cells[name])
        for name in dict.fromkeys(names):
            error = self._cells[name].error
            if error is not None and self._lost_reads(error):
                self._fail(self._cells[name])

    def _lost_reads(self, error: RunError) -> list[str]:
        """What was read, in order, of what comes of a call that failed."""
        lowered = self._ready.lowered
        failed = [n for n, place in enumerate(lowered.sites) if place == error.loc]
        first = min(failed, default=0)
        return [name for name, sites in lowered.reads.items() if max(sites) >= first]

    def _until(self, last: Cell) -> None:
        last.tell(self._ring)
        while True:
            with self._lock:
                told = self._calls.popleft() if self._calls else None
                bell = None
                if told is None and not last.done:
                    bell = self._bell = Cell()
            if told is not None:
                self._do(told)
            elif bell is None:
                return
            else:
                if last.done:
                    self._ring()
                self._state.staging.waiter.wait(bell)

    def _do(self, told: RemoteCall) -> None:
        number, host = self._hosts[told.name]
        try:
            value = host.run(told.arguments)
            if self._is_late:
                self._check(number, host)
        except BaseException:
            self._raised = told.order
            self._state.staging.answer(told.number, None, "the program has raised an exception")
            raise
        self._state.staging.answer(told.number, value, None)

    def _check(self, number: int, host: HostStatement) -> None:
        """What is part of the graph is still what it was.

        Raises:
            StateError: a host statement has changed it.
        """
        from sglc.compiler.python.hosts import unboxed

        lowered = self._ready.lowered
        given = {
            name: unboxed(self._given[name]) for name in lowered.guard.fixed.keys() & self._given
        }
        name = lowered.changed_by(number, given)
        if name is not None:
            place = f"{host.source.file}:{getattr(host.body[0], 'lineno', 0)}"
            raise StateError(
                f"{place}: `{name}` is part of the graph of `{lowered.source.name}`, and changes "
                'here: run it with level="staged"'
            )

    def _fail(self, cell: Cell) -> None:
        error = cell.error
        if error is not None:
            name, *_ = (*self._lost_reads(error), "the text")
            raise RunFailed(error, f"`{name}` is not there")

    def _wait(self, cell: Cell) -> Any:
        self._state.staging.waiter.wait(cell)
        self._fail(cell)
        return cell.value

    def _leave(self, returns: Returns) -> None:
        from sglc.compiler.python.hosts import unboxed

        variables: dict[str, Variable] = {}
        for name, slot in returns.variables.items():
            may_miss = isinstance(slot, str) and slot in returns.missing
            if not may_miss or self._wait(self._cells[str(slot)]) is not None:
                variables[name] = self._variable(slot)
        self._state.become([*self._versions, self._cells[STREAM]], variables)
        if returns.gives_state:
            self._state.ret_value = self._state
        else:
            self._state.ret_value = unboxed(self._wait(self._cells[RETURNED]))

    def _variable(self, slot: Slot) -> Variable:
        if isinstance(slot, str):
            return Variable(self._cells[slot])
        return Variable(items=[self._variable(each) for each in slot])

    def _leave_what_there_is(self, error: RunError | None) -> None:
        """Of several ends none was come to: what the state itself has, and not forks of it."""
        if self._run is None:
            return
        before = self._raised if error is None else error.order
        there = [
            (order, stream)
            for order, stream in list(self._run.versions)
            if not stream.lineage.path and (not before or order < before)
        ]
        variables = {
            name: Variable(SiteCell(self, frozenset((site,)), value))
            for name, (_, site, value) in dict(self._said).items()
            if name
        }
        latest = [Cell(max(there, key=lambda each: each[0])[1])] if there else []
        self._state.become([*latest, self._cells[STREAM]], variables)

    def _leave_by_record(self, record: Mapping[str, Any]) -> None:
        """Of several ends, the one that was come to is the one whose number the record has."""
        from sglc.compiler.python.hosts import unboxed

        returns = self._ready.lowered.returns[record[END]]

        def variable(slot: Slot) -> Variable:
            if isinstance(slot, str):
                sites = returns.sites.get(slot, frozenset())
                return Variable(SiteCell(self, sites, record[slot]))
            return Variable(items=[variable(each) for each in slot])

        variables = {
            name: variable(slot)
            for name, slot in returns.variables.items()
            if not (isinstance(slot, str) and slot in returns.missing and record[slot] is None)
        }
        self._state.become([*self._versions, self._cells[STREAM]], variables)
        self._state.ret_value = self._state if returns.gives_state else unboxed(record[RETURNED])
