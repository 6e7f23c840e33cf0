"""One run of a Python program: ops are staged here until they are cut off and submitted.

Ops come from the threads of the program; the executor lives in a thread of its own. Between the
two lie the inbox of the host and the cells, which the executor settles.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from sglc.runs.fragment import MODEL_OPS, Fragment, Staged
from sglc.runs.history import Trail
from sglc.runtime.executor.errors import RunError
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.backends.backend import Backend
    from sglc.compiler.plan.plan import Loc, Plan
    from sglc.constraints.types import Type
    from sglc.program.gen_options import RunOptions
    from sglc.program.state import ProgramState
    from sglc.runs.history import History
    from sglc.runs.waiting import Waiter
    from sglc.runtime.executor.events import RunEvent
    from sglc.runtime.executor.modelcall import ModelCall
    from sglc.runtime.executor.open_run import OpenRun
    from sglc.runtime.executor.run import Run
    from sglc.runtime.executor.toolcalls import RemoteCall
    from sglc.runtime.executor.tools import ToolRegistry

Level = Literal["auto", "staged", "lowered"]
_MOST_OPS: Final = 512
"""Of one fragment: so that long loops are a few plans, whatever the number of their turns."""
_ENDED: Final = RunError("cancelled", "the run has ended")
_NOTHING: Final[dict[Cell, list[str]]] = {}


class Staging:
    """The run, seen from the program.

    ``options`` are those of its calls that say nothing else, by the names of ``RUN_DEFAULTS``;
    ``waiter`` is how a read waits. With ``deltas`` the run ``is_streamed``: ``pieces`` are the
    texts that the model has written so far, by the cell of the call's value. ``on_end`` is told,
    mostly in the thread of the executor, that nothing of the run goes on. ``fault`` is why it could
    not begin, ``raised`` what the program has raised. ``level`` is how a function is run.
    """

    def __init__(
        self,
        backend: Backend,
        options: RunOptions,
        waiter: Waiter,
        *,
        seed: int = 0,
        instance: int = 0,
        deltas: bool = False,
        history: History | None = None,
        on_begin: Callable[[OpenRun], None] | None = None,
    ) -> None:
        self.backend = backend
        self.options = options
        self.waiter = waiter
        self.outlet = waiter.outlet(backend.host)
        self.fault: RuntimeError | None = None
        self.raised: BaseException | None = None
        self.on_end: Callable[[], None] | None = None
        self.since_s = 0.0
        self.is_streamed = deltas
        self.pieces: dict[Cell, list[str]] = {} if deltas else _NOTHING
        self.effect: Cell | None = None
        """What tools of included prompts have done so far; the next ones come behind it."""
        self.forks: weakref.WeakSet[ProgramState] = weakref.WeakSet()
        """States that have begun behind others, as long as somebody has them."""
        self._change: Cell | None = None
        self.num_fragments = 0
        self.level: Level = "staged"
        self._lock = threading.RLock()  # a signal or a finalizer may come in between
        self._ops: list[Staged] = []
        self._is_staged = False
        # what is asked for at once is staged up to where the program reads
        self._is_ahead = options.get("num_api_spec_tokens") is not None
        self._is_ended = False
        self._calls: dict[str, Cell] = {}  # by the path that events have
        self._run: OpenRun | None = None
        self._lost = _ENDED
        self._trail = None if history is None else Trail(history)

        def begin() -> None:
            if history is not None:
                backend.build_ahead(history)
            run = self._run = backend.host.executor.open(
                seed=seed, instance=instance, deltas=deltas, on_event=self._take
            )
            run.on_result = self._take_result
            if on_begin is not None:
                on_begin(run)

        self.outlet.call(begin, self._be_lost)

    @property
    def is_ended(self) -> bool:
        """Whether nothing more can be staged."""
        return self._is_ended

    @property
    def is_over(self) -> bool:
        """Whether the program has ended, and not the engine under it."""
        return self._is_ended and self.fault is None

    def emit(
        self,
        op: str,
        args: tuple[Any, ...],
        num_outputs: int = 1,
        attrs: tuple[tuple[str, Any], ...] = (),
        type_: Type | None = None,
        loc: Loc | None = None,
    ) -> tuple[Cell, ...]:
        """Stage an op and return the cells of its results."""
        outputs = (Cell(),) if num_outputs == 1 else tuple([Cell() for _ in range(num_outputs)])
        with self._lock:
            if self._is_ended:
                error = RunError("cancelled", str(self.fault or "the run has ended"), loc)
                for cell in outputs:
                    cell.fail(error)
                return outputs
            if len(self._ops) >= _MOST_OPS:
                self._cut()
            if self._trail is not None and self._trail.add(op, args, outputs, attrs, type_, loc):
                attrs = (*attrs, ("hold", True))
            self._ops.append(Staged(op, args, outputs, attrs, type_, loc))
            if op in MODEL_OPS and not self._is_staged and not self._is_ahead:
                self._is_staged = True
                self.since_s = time.monotonic()
                self.outlet.stage(self)
        return outputs

    def note_read(self, name: str, value: object) -> None:
        """The program has read a value."""
        with self._lock:  # states are read by any thread
            if self._trail is not None:
                self._trail.read(name, value)

    def cut(self) -> None:
        """Submit what is staged."""
        with self._lock:
            self._cut()

    def _cut(self) -> None:
        ops, self._ops, self._is_staged = self._ops, [], False
        if ops:
            self._submit(ops)

    def _submit(self, ops: list[Staged]) -> None:
        number = self.num_fragments
        fragment = self.backend.fragments.of(ops)
        for place, op in enumerate(ops):
            if op.op in MODEL_OPS:
                self._calls[f"{number}/{place}"] = op.outputs[1]
        self._send(fragment, ops)

    def include(
        self,
        plan: Plan,
        operands: Sequence[Any],
        num_outputs: int,
        tools: ToolRegistry,
        loc: Loc | None = None,
    ) -> tuple[Cell, ...]:
        """Submit a fragment that calls functions of its own, and return the cells of its results.

        What is staged goes first.
        """
        outputs = tuple(Cell() for _ in range(num_outputs))
        ops = [Staged("include", (), outputs, loc=loc)]
        with self._lock:
            self._cut()
            if self._is_ended:
                _lose(ops, str(self.fault or "the run has ended"))
            else:
                self._send(Fragment(plan, tuple(operands), outputs), ops, tools)
        return outputs

    def _send(
        self, fragment: Fragment, ops: Sequence[Staged], tools: ToolRegistry | None = None
    ) -> None:
        from sglc.runtime.executor.tools import ToolError

        self.num_fragments += 1

        def extend() -> None:
            if self._run is None:  # it has ended by itself: a limit, or an error of the engine
                _lose(ops, self._lost)
                return
            executor = self.backend.host.executor
            try:
                executor.extend(self._run, fragment.plan, fragment.operands, fragment.cells, tools)
            except ToolError as error:
                _lose(ops, str(error))
            except Exception as error:
                _lose(ops, f"the engine has died: {error!r}")
                raise

        self.outlet.call(extend, lambda error: _lose(ops, str(error)))

    def submit(
        self,
        fragment: Plan,
        operands: Sequence[Any],
        cells: tuple[Cell, ...],
        on_call: Callable[[Run, RemoteCall], None],
        on_result: Callable[[ModelCall, Any], None],
        on_begin: Callable[[OpenRun], None],
    ) -> None:
        """Let the run do what a plan says, and nothing else: what was staged is forgotten.

        ``on_call`` is told of the host statements of the plan, ``on_result`` of its model calls,
        ``on_begin`` of the run itself, in the thread of the executor.
        """
        from sglc.runtime.executor.tools import ToolRegistry

        ops = [Staged("include", (), cells)]
        with self._lock:
            self._ops, self._is_staged = [], False

        def extend() -> None:
            if self._run is None:
                _lose(ops, self._lost)
                return
            self._run.on_result = on_result
            on_begin(self._run)
            self.backend.host.executor.extend(
                self._run, fragment, operands, cells, ToolRegistry(remote=True), on_call=on_call
            )

        self.outlet.call(extend, lambda error: _lose(ops, str(error)))

    def answer(self, number: int, value: Any, error: str | None) -> None:
        """Say what a host statement has come to."""
        executor = self.backend.host.executor
        self.outlet.call(lambda: _drop(executor.answer(number, value, error)), lambda _: None)

    def _be_lost(self, error: RuntimeError) -> None:
        self.fault = error
        self._is_ended = True
        self._be_over()

    def end(self) -> None:
        """Nothing more comes of the program; what was staged is done."""
        with self._lock:
            self._cut()
            if self._is_ended:
                return
            self._is_ended = True
            if self._trail is not None:
                self._trail.end()
                self._trail = None
        self.poke()
        self._leave(lambda run: self.backend.host.executor.finish(run))

    def cancel(self) -> None:
        """Stop everything that is not done."""
        with self._lock:
            self._is_ended = True
            ops, self._ops = self._ops, []
        _lose(ops, "the run was cancelled")
        self.poke()
        self._leave(lambda run: self.backend.host.executor.cancel(run))

    def _leave(self, action: Callable[[OpenRun], None]) -> None:
        def act() -> None:
            if self._run is not None:
                action(self._run)

        self.outlet.call(act, lambda _: self._be_over())  # the engine is gone, and with it the run

    def _be_over(self) -> None:
        told, self.on_end = self.on_end, None
        if told is not None:
            told()

    def _take(self, event: RunEvent) -> None:
        if event.t == "delta" and self.is_streamed:
            cell = self._calls.get(event.path)
            if cell is not None:  # the text of an included prompt comes when all of it is there
                self.pieces.setdefault(cell, []).append(event.value)
                self.poke()
        elif event.t == "done":
            if self._run is not None and self._run.outcome is not None:
                self._lost = self._run.outcome.error or self._lost
            self._run = None  # its values are in the cells: nobody needs the rest any more
            self._calls.clear()
            self._be_over()

    def next_change(self) -> Cell:
        """Return a cell that is done once something of the run has changed."""
        with self._lock:
            if self._change is None or self._change.done:
                self._change = Cell()
            return self._change

    def poke(self) -> None:
        """Something has changed."""
        change = self._change
        if change is not None:
            change.settle(None)

    def _take_result(self, call: ModelCall, _: Any) -> None:
        cell = self._calls.get(call.path)
        if cell is not None:
            cell.result = call.meta()


def _lose(ops: Iterable[Staged], reason: str | RunError) -> None:
    """What these ops give will never be there."""
    for op in ops:
        error = reason if isinstance(reason, RunError) else RunError("internal", reason, op.loc)
        for cell in op.outputs:
            cell.fail(error)


def _drop(_: object) -> None:
    """Nobody has to know whether an answer was waited for."""
