"""Tool calls: nodes that run host functions on the pool."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sglc.compiler.plan.sites import path_text
from sglc.runtime.executor.answers import Question
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.machine import Machine
from sglc.runtime.executor.pool import Job, ToolPool
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.records import CallRecord
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.tape import ToolListener, ToolSite, ToolTape
from sglc.runtime.executor.tools import BoundTool, ToolError


class RemoteFailure(Exception):
    """Whoever answers a call says that it has failed."""


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A call that someone outside is to answer, by its ``number``, within ``timeout_s``.

    ``arguments`` are values of the program; ``path`` is as of events, ``order`` as of errors.
    """

    number: int
    name: str
    path: str
    arguments: Mapping[str, Any]
    timeout_s: float
    order: tuple[int, ...] = ()


@dataclass(slots=True)
class _Call:
    frame: Frame
    node: NodeCode
    tool: BoundTool
    arguments: dict[str, Any]
    retries_left: int
    record: CallRecord | None = None
    number: int = 0  # of a remote one
    question: Question | None = None  # whose answer others may use
    takers: list[tuple[Frame, NodeCode]] = field(default_factory=list)  # those who wait for it


class ToolCalls:
    """Calls at work. A call that fails is tried again as often as the tool allows.

    ``on_call`` is told of those that are answered from outside, with the run they are of. A
    ``tape`` is asked first; a ``listener`` is told what each call came to.
    """

    def __init__(
        self,
        pool: ToolPool,
        machine: Machine,
        recorder: Recorder | None,
        on_call: Callable[[Run, RemoteCall], None] | None = None,
        tape: ToolTape | None = None,
    ) -> None:
        self._on_call = on_call
        self._tape = tape
        self.listener: ToolListener | None = None
        self._numbers = itertools.count(1)
        self._remote: dict[int, Job] = {}
        self._recorder = recorder
        self._pool = pool
        self._machine = machine
        self._running: dict[Job, _Call] = {}
        self._asked: dict[tuple[Run, Question], _Call] = {}

    def start(self, machine: Machine, frame: Frame, node: NodeCode) -> None:
        """Start a ``tool`` node."""
        tool = frame.run.tools[node.attrs["tool"]]
        if frame.run.put_off is not None and tool.spec.effect == "effectful":
            frame.run.put_off.append((frame, node.index))  # until it is known that it counts
            return
        answers = frame.run.root.answers
        if tool.spec.effect == "effectful":
            answers.forget()
        given = {name: frame.values[slot] for name, slot in node.kwargs if name != "after"}
        try:
            arguments = tool.arguments(given)
        except ToolError as error:
            raise OpError("tool", str(error)) from None
        call = _Call(frame, node, tool, arguments, tool.spec.retries)
        if node.attrs.get("once"):
            call.question = answers.question(tool.spec.name, arguments)
            if self._is_asked(call):
                return
        if self._recorder is not None:
            path = path_text(frame.place(node))
            call.record = self._recorder.begin(frame.run, node.op, tool.spec.name, path, node.loc)
        self._submit(call)

    def _is_asked(self, call: _Call) -> bool:
        """Take the answer to a question that is known or is being asked; False if it is new."""
        frame, node, question = call.frame, call.node, call.question
        answers = frame.run.root.answers
        if question is None:
            return False
        if answers.has(question):
            self._machine.done(frame, node, answers.answer(question))
            return True
        asked = self._asked.setdefault((frame.run.root, question), call)
        if asked is call:
            return False
        asked.takers.append((frame, node))
        return True

    def _leave(self, call: _Call) -> list[tuple[Frame, NodeCode]]:
        """A call is over: return those who wait for its answer, and whom nobody has stopped."""
        if call.question is not None:
            self._asked.pop((call.frame.run.root, call.question), None)
        return [(frame, node) for frame, node in call.takers if not frame.run.done]

    def _submit(self, call: _Call) -> None:
        timeout_s = call.tool.spec.timeout_s or call.frame.run.limits.tool_timeout_s
        if self._tape is not None and call.frame.run.root.on_call is None:
            played = self._tape.play(_site(call))
            if played is not None:
                self._settle(call, timeout_s, *played)
                return
        if call.tool.function is None:
            self._ask(call, timeout_s)
            return
        function: Callable[[], Any] = partial(call.tool.call, call.arguments)
        if self._recorder is not None and call.record is not None:
            function = self._recorder.timed(call.record, function)
        job = Job(function, timeout_s)
        self._running[job] = call
        self._pool.submit(job)

    def _settle(self, call: _Call, timeout_s: float, value: Any, error: Exception | None) -> None:
        """End a call that is known: its result is taken like any other."""
        if self._recorder is not None and call.record is not None:
            self._recorder.asked(call.record)
        job = Job(None, timeout_s)
        self._running[job] = call
        self._pool.submit(job)
        self._pool.settle(job, value, error)

    def _ask(self, call: _Call, timeout_s: float) -> None:
        on_call = call.frame.run.root.on_call or self._on_call
        assert on_call is not None, "remote tools are bound where someone answers them"
        if self._recorder is not None and call.record is not None:
            self._recorder.asked(call.record)
        job = Job(None, timeout_s)
        self._running[job] = call
        number = call.number = next(self._numbers)
        self._remote[number] = job
        self._pool.submit(job)
        frame = call.frame
        path, order = path_text(frame.place(call.node)), frame.order(call.node.index)
        told = RemoteCall(number, call.tool.spec.name, path, call.arguments, timeout_s, order)
        on_call(frame.run.root, told)

    def answer(self, number: int, value: Any, error: str | None = None) -> bool:
        """End a call that is answered from outside; False if nobody waits for it any more."""
        job = self._remote.pop(number, None)
        call = None if job is None else self._running.get(job)
        if job is None or call is None:
            return False
        failure: Exception | None = None
        if error is not None:
            failure = RemoteFailure(error)
        else:
            try:
                value = call.tool.checked(value)
            except ToolError as wrong:
                failure = wrong
        self._pool.settle(job, value, failure)
        return True

    def take_ended(self) -> None:
        """Take the results of calls that have ended since the last time."""
        for job in self._pool.drain():
            call = self._running.pop(job, None)
            if call is None:
                continue
            if call.frame.run.done:
                if self.listener is not None:
                    self.listener.tool_cancelled(_site(call))
                self._ask_again(self._leave(call))
            else:
                self._take(call, job)

    def _take(self, call: _Call, job: Job) -> None:
        self._remote.pop(call.number, None)
        frame, node, name = call.frame, call.node, call.tool.spec.name
        error = job.error
        if self.listener is not None and call.frame.run.root.on_call is None:
            self.listener.tool_ended(_site(call), job.value, error)
        if self._recorder is not None and call.record is not None:
            self._recorder.taken(call.record)
            if error is None:
                self._recorder.finish(call.record)
        answers = frame.run.root.answers
        if call.tool.spec.effect == "effectful":
            answers.forget()
        if error is None:
            if call.question is not None:
                answers.keep(call.question, job.value)
                for taker in self._leave(call):
                    self._machine.done(*taker, job.value)
            path = path_text(frame.place(node))
            frame.run.log.add(RunEvent("tool", name, path, job.value))
            chained = node.kwarg("after") is not None
            self._machine.done(frame, node, *((None, job.value) if chained else (job.value,)))
        elif isinstance(error, ToolError):
            self._fail(call, OpError("tool", str(error)))
        elif call.retries_left:
            call.retries_left -= 1
            self._submit(call)
        else:
            is_told = isinstance(error, RemoteFailure)
            cause = str(error) if is_told else f"{type(error).__name__}: {error}"
            self._fail(call, OpError("tool", f"tool `{name}` failed: {cause}", cause, job.details))

    def _fail(self, call: _Call, error: OpError) -> None:
        machine = self._machine
        if self._recorder is not None and call.record is not None:
            self._recorder.finish(call.record)
        machine.poison(call.frame, call.node, machine.fail(call.frame, call.node, error))
        self._ask_again(self._leave(call))

    def _ask_again(self, takers: Iterable[tuple[Frame, NodeCode]]) -> None:
        """Those who wait for a call that gives no answer call for themselves."""
        for frame, node in takers:
            try:
                self.start(self._machine, frame, node)
            except OpError as error:
                self._machine.poison(frame, node, self._machine.fail(frame, node, error))

    def cancel(self, run: Run) -> None:
        """Abandon every call of a run and of the parts of it."""
        runs = dict.fromkeys(run.family())
        left: list[tuple[Frame, NodeCode]] = []
        for job in [job for job, call in self._running.items() if call.frame.run in runs]:
            call = self._running.pop(job)
            self._remote.pop(call.number, None)
            self._pool.abandon(job)
            if self.listener is not None:
                self.listener.tool_cancelled(_site(call))
            if self._recorder is not None and call.record is not None:
                self._recorder.stop([call.record])
            left += self._leave(call)
        self._ask_again((frame, node) for frame, node in left if frame.run not in runs)


def _site(call: _Call) -> ToolSite:
    run, path = call.frame.run, path_text(call.frame.place(call.node))
    is_tentative = run.put_off is not None
    return ToolSite(call.tool.spec, run.root.instance, path, call.arguments, is_tentative)
