"""The executor: plan instances as dataflow over one synchronous backend."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sglc.compiler.plan.arguments import bind_arguments
from sglc.compiler.plan.plan import Plan
from sglc.constraints.language import until
from sglc.constraints.types import Type
from sglc.runtime.core.backend import Backend, ByteBackend
from sglc.runtime.executor.compile_process import CompileProcess
from sglc.runtime.executor.constraints import ConstraintCompiler, Preparer
from sglc.runtime.executor.errors import Code, Poison, RunError
from sglc.runtime.executor.events import EventLog, RunEvent
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.limits import Limits
from sglc.runtime.executor.machine import Machine
from sglc.runtime.executor.models import ModelCalls
from sglc.runtime.executor.open_run import Cell, OpenRun
from sglc.runtime.executor.part import Part
from sglc.runtime.executor.pool import ToolPool
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.run import Result, Run
from sglc.runtime.executor.runs import Runs
from sglc.runtime.executor.starters import STARTERS
from sglc.runtime.executor.stream import Encoder
from sglc.runtime.executor.tables import PlanTables
from sglc.runtime.executor.tap import Listener, tapped
from sglc.runtime.executor.tape import ToolTape
from sglc.runtime.executor.toolcalls import RemoteCall, ToolCalls
from sglc.runtime.executor.tools import ToolRegistry
from sglc.runtime.executor.traced import TracedMachine


class Executor:
    """Runs instances of plans. Not thread-safe: whoever drives it submits and cancels too.

    Nothing happens but in ``step`` (tools and the building of constraints aside, which have
    threads of their own). The results of a run depend on its plan, arguments, seed and instance
    number, on tools and on the model, and neither on other runs nor on the order in which the
    backend works. A ``recorder`` takes down what they cost and when; it changes nothing of them.
    ``on_call`` is told of the calls of tools that ``answer`` is to end; a ``tape`` may know what
    calls come to (``executor/tape.py``). A prompt of more than
    ``most_chars`` characters is refused before it is encoded.
    ``wake`` ends a ``wait``; a ``step`` clears it before anything else. ``max_step_s`` is how long
    a step may compute before the model goes on, by ``clock``: what is left waits for the next one.
    """

    def __init__(
        self,
        backend: Backend,
        encoder: Encoder,
        *,
        tools: ToolRegistry | None = None,
        limits: Limits | None = None,
        num_workers: int = 16,
        clock: Callable[[], float] = time.monotonic,
        preparer: Callable[[], Preparer] = CompileProcess,
        recorder: Recorder | None = None,
        wake: threading.Event | None = None,
        max_step_s: float | None = None,
        on_call: Callable[[Run, RemoteCall], None] | None = None,
        most_chars: int | None = None,
        tape: ToolTape | None = None,
    ) -> None:
        backend = tapped(backend)
        self.limits = limits or Limits()
        self._backend = backend
        self._encoder = encoder
        self._registry = tools or ToolRegistry()
        self._wake = wake or threading.Event()
        self._pool = ToolPool(num_workers, clock, self._wake)
        self._compiler = ConstraintCompiler(self._wake, preparer=preparer)
        starters = dict(STARTERS)
        self._max_step_s = max_step_s
        self._machine = Machine(starters, clock)
        if recorder is not None:
            recorder.attach(backend, encoder)
            self._machine = TracedMachine(starters, recorder, clock)
        self._machine.most_chars = most_chars
        if isinstance(backend, ByteBackend):
            backend.listen(self._wake.set)
            self._machine.takes_guesses = backend.takes_guesses
        self._models = ModelCalls(backend, self._machine, self._compiler, recorder)
        self._tools = ToolCalls(self._pool, self._machine, recorder, on_call, tape)
        starters.update(dict.fromkeys(("gen", "select", "prefill", "embed"), self._models.start))
        warming = self._models.warming
        starters.update(
            tool=self._tools.start, warm=warming.start_warm, release=warming.start_release
        )
        self._runs = Runs(self._models, self._tools, recorder, clock)
        self._tables = PlanTables(self._compiler)

    @property
    def has_listener(self) -> bool:
        """Whether somebody is told what calls come to."""
        return self._backend.has_listener

    def listen(self, listener: Listener | None) -> None:
        """Tell this one what calls that begin from now on come to; None: nobody."""
        self._backend.listen_to(listener)
        self._tools.listener = listener

    def submit(
        self,
        plan: Plan,
        arguments: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        instance: int = 0,
        limits: Limits | None = None,
        namespace: str = "",
        on_event: Callable[[RunEvent], None] | None = None,
        deltas: bool = True,
        are_checked: bool = False,
        tools: ToolRegistry | None = None,
    ) -> Run:
        """Begin an instance of a plan. ``deltas=False`` leaves the deltas out of its log.

        ``limits`` are those of the run, else the executor's. Runs of different ``namespace`` share
        nothing in the cache. ``are_checked``: the arguments are known to be of their types.
        ``tools`` has what runs them, else the executor's registry: always the same for a plan.

        Raises:
            ArgumentError: the arguments do not fit the parameters of the entry prompt.
            ToolError: a tool of the program cannot be bound.
            ValueError: the plan has no entry prompt.
        """
        if plan.entry not in plan.functions:
            raise ValueError("the plan has no entry: choose a prompt with `with_entry`")
        function = plan.functions[plan.entry]
        values = bind_arguments(function, arguments or {}, are_checked=are_checked)
        code, bound = self._tables.of(plan, tools or self._registry)
        limits = limits or self.limits
        run = Run(
            code, self._encoder, bound, seed, instance, EventLog(on_event),
            self._runs.deadline_s(limits), limits=limits, deltas=deltas,
        )  # fmt: skip
        self._runs.begin(run, namespace)
        body = code.functions[plan.entry].body
        frame = Frame(body, run, run.owner, run.scope, ())
        self._machine.begin(frame)
        for slot, parameter in zip(body.params, function.params, strict=True):
            self._machine.resolve(frame, slot, values[parameter.name])
        self._runs.add(run, frame)
        return run

    def open(
        self,
        *,
        seed: int = 0,
        instance: int = 0,
        limits: Limits | None = None,
        namespace: str = "",
        on_event: Callable[[RunEvent], None] | None = None,
        deltas: bool = True,
    ) -> OpenRun:
        """Begin a run without a plan: ``extend`` gives it what to do, ``finish`` says that is all.

        The options are those of ``submit``.
        """
        limits = limits or self.limits
        run = OpenRun(
            self._encoder, seed, instance, EventLog(on_event), self._runs.deadline_s(limits),
            limits=limits, deltas=deltas,
        )  # fmt: skip
        self._runs.begin(run, namespace)
        self._runs.add(run, run.root_frame())
        return run

    def extend(
        self,
        run: OpenRun,
        fragment: Plan,
        operands: Sequence[Any],
        cells: Sequence[Cell],
        tools: ToolRegistry | None = None,
        *,
        on_call: Callable[[Run, RemoteCall], None] | None = None,
    ) -> None:
        """Let an open run do what the entry of ``fragment`` says.

        ``operands`` are the values of its parameters, or cells of the same run; ``cells`` get what
        its ``yield`` hands out. Of a run that is over they get its error. Functions of a fragment
        have names that no other fragment has; ``tools`` is as in ``submit``. ``on_call`` is told of
        the calls of tools that ``answer`` is to end.

        Raises:
            ToolError: a tool of the fragment cannot be bound.
        """
        if run.outcome is not None:
            lost = Poison(run.outcome.error or RunError("cancelled", "the run has ended"))
            for cell in cells:
                cell.settle(lost)
            return
        if on_call is not None:
            run.on_call = on_call
        code, bound = self._tables.of(fragment, tools or self._registry)
        run.extend(self._machine, code, operands, cells, bound)

    def build_ahead(self, wanted: Iterable[tuple[Type, tuple[str, ...]]]) -> None:
        """Begin to build what texts will have to be: types, each with the stop texts of its call.

        What cannot be built is told where it is needed.
        """
        for type_, stop in wanted:
            with suppress(ValueError):
                self._compiler.prepare(until(type_, stop))

    def finish(self, run: OpenRun) -> None:
        """Nothing more comes: the run ends when all that it was given has."""
        run.fragments.is_closed = True
        if run.outcome is None:
            run.fragments.end_if_over(self._machine, run)

    @property
    def vocab_size(self) -> int:
        """Number of token ids."""
        return self._backend.vocab_size

    @property
    def max_context(self) -> int:
        """Largest number of tokens of one stream."""
        return self._backend.max_context

    @property
    def num_slots(self) -> int:
        """Tokens that the backend has K/V slots for; 0 if it has no slots."""
        snapshot = self._backend.snapshot()
        return snapshot.held_slots + snapshot.cached_slots + snapshot.free_slots

    @property
    def num_runs(self) -> int:
        """How many runs are open."""
        return len(self._runs)

    @property
    def is_asking(self) -> bool:
        """Whether the backend has something to do for a run."""
        return not self._models.idle

    def step(self) -> bool:
        """Move every run on by one step of the backend; return whether any run is left.

        Never blocks: while all that is left waits for tools or constraints, call ``wait`` between
        steps.
        """
        self._wake.clear()
        self._machine.begin_step(self._max_step_s)
        self._tools.take_ended()
        self._models.take_prepared()
        self._runs.check_time()
        self._settle()
        if not self._models.idle:
            self._models.step()
            self._settle_values()
        elif self._runs and not (self.is_waiting or self._machine.is_ready):
            self._runs.end_stuck()
        if self._machine.is_ready:
            self._wake.set()  # nothing outside is waited for
        return bool(self._runs)

    def wait(self, timeout_s: float | None = None) -> None:
        """Block until a tool ends, a constraint is built, a server answers, or the time is over.

        Returns at once unless these are all that is waited for.
        """
        if self._models.is_quiet and (self.is_waiting or not self._models.idle):
            limits = [each for each in (self.patience_s, timeout_s) if each is not None]
            self._pool.wait(min(limits, default=None))

    @property
    def patience_s(self) -> float | None:
        """The time after which a step may have something to do though nobody has set ``wake``."""
        limits = (self._runs.patience_s, self._pool.patience_s)
        return min((each for each in limits if each is not None), default=None)

    def answer(self, number: int, value: Any, error: str | None = None) -> bool:
        """Give the result of a call that ``on_call`` was told of, or the reason why there is none.

        Returns False if nobody waits for it any more.
        """
        return self._tools.answer(number, value, error)

    def drive(self, run: Run) -> Result:
        """Step until ``run`` is done and return its result."""
        while not run.done:
            self.step()
            self.wait()
        return run.result()

    def run_until_idle(self) -> None:
        """Step until every run is done."""
        while self.step():
            self.wait()

    def cancel(self, run: Run) -> None:
        """End a run now: decodes stop, tools are abandoned. A finished run stays as it is."""
        if not run.done:
            self._runs.end(run, "cancelled", "the run was cancelled")

    def forget(self, plan: Plan) -> None:
        """Let go of what is kept for runs of a plan that there will be no more of."""
        self._tables.forget(plan)

    def close(self, fault: str = "") -> None:
        """Cancel every run and let go of the threads; a ``fault`` is the reason."""
        code: Code = "internal" if fault else "cancelled"
        message = fault or "the executor was closed"
        self._runs.close(code, message)
        self._pool.close()
        self._compiler.close()

    @property
    def is_idle(self) -> bool:
        """Whether a step has nothing to do before something comes from outside."""
        return self._models.is_quiet and not self._machine.is_ready

    @property
    def is_waiting(self) -> bool:
        """Whether tools or constraints are waited for."""
        return self._models.is_waiting or not self._pool.idle

    def _settle(self) -> None:
        """Run and submit until everything waits for the backend or for tools."""
        machine, models = self._machine, self._models
        while machine.pump() or models.has_window or machine.speculate():
            models.flush()
            if machine.is_paused:
                break
        self._settle_values()

    def _settle_values(self) -> None:
        self._machine.pump()
        for run, reason in self._machine.take_exhausted():
            acting = run.acting
            if acting.done:
                continue
            if isinstance(acting, Part):
                self._machine.lose(acting)
            else:
                self._runs.end(acting, "limit", f"the run needs {reason}")
        for part in self._machine.take_lost():
            self._runs.lose(part)
        for run in self._machine.take_finished():
            if not run.done:
                self._runs.finish(run, None)
