"""Runs of programs in the engine's process: plans, their instances, and what is told of those."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sglc.compiler.plan.arguments import ArgumentError
from sglc.compiler.plan.plan import Plan
from sglc.compiler.plan.values import DataError, size_of
from sglc.runtime.core.backend import Backend
from sglc.runtime.executor.constraints import Preparer
from sglc.runtime.executor.events import RunEvent
from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.recorder import Recorder
from sglc.runtime.executor.rendered import event_data, json_value, result_data
from sglc.runtime.executor.run import Run
from sglc.runtime.executor.stream import Encoder
from sglc.runtime.executor.timeline import trace_data
from sglc.runtime.executor.toolcalls import RemoteCall
from sglc.runtime.executor.tools import ToolError, ToolRegistry
from sglc.server.engine.messages import (
    AnswerTool,
    Failed,
    Finished,
    Happened,
    JobReply,
    RunPlan,
    ToolCalled,
    Traced,
)

MAX_SIZE: Final = 4_000_000  # characters and items of a value that is told
_MAX_ITEMS: Final = 200_000  # of those: items
_MAX_STEP_S: Final = 0.02  # what programs may compute between two steps of the model


class Wake(threading.Event):
    """Set by whoever has news. Several executors look at it, so that only ``begin`` clears it."""

    def clear(self) -> None:
        """Leave it as it is: others may not have looked yet."""

    def begin(self) -> None:
        """Clear it, before all who may have news are looked at."""
        super().clear()


@dataclass(slots=True)
class _Job:
    number: int
    run: Run
    executor: Executor
    log: list[RunEvent | RemoteCall]
    about: Mapping[str, Any]
    recorder: Recorder | None = None


class Instances:
    """The plans that are loaded, and their runs on backends that ``client`` makes.

    All runs share an executor, but for those that are traced: each has one of its own, whose
    recorder sees nothing else.
    """

    def __init__(
        self,
        client: Callable[[], Backend],
        encoder: Encoder,
        preparer: Callable[[], Preparer],
        wake: Wake,
    ) -> None:
        self._client = client
        self._encoder = encoder
        self._preparer = preparer
        self._wake = wake
        longest = max(map(len, encoder.tokenizer.token_bytes))
        self._most_chars = client().max_context * longest
        self._executor = self._make(None)
        self._traced: dict[int, Executor] = {}
        self._plans: dict[str, dict[str, Plan]] = {}  # by digest and entry
        self._jobs: dict[int, _Job] = {}
        self._by_run: dict[Run, _Job] = {}
        self._replies: list[JobReply] = []

    @property
    def num_jobs(self) -> int:
        """Runs that are not over."""
        return len(self._jobs)

    @property
    def num_plans(self) -> int:
        """Plans that are loaded."""
        return len(self._plans)

    @property
    def num_slots(self) -> int:
        """Tokens that the KV cache holds."""
        return self._executor.num_slots

    @property
    def is_asking(self) -> bool:
        """Whether the model has something to do for a run."""
        return any(each.is_asking for each in (self._executor, *self._traced.values()))

    @property
    def patience_s(self) -> float | None:
        """The time after which ``step`` may have something to do though nobody has set ``wake``."""
        waiting = [each.patience_s for each in (self._executor, *self._traced.values())]
        return min((each for each in waiting if each is not None), default=None)

    def step(self) -> None:
        """Move every run on."""
        self._executor.step()
        for executor in self._traced.values():
            executor.step()

    def load(self, digest: str, plan: bytes) -> None:
        """Keep a pickled plan for runs."""
        made: Plan = pickle.loads(plan)
        self._plans[digest] = {made.entry: made}

    def unload(self, digest: str) -> None:
        """Forget a plan; runs of it go on."""
        for plan in self._plans.pop(digest, {}).values():
            self._executor.forget(plan)

    def begin(self, command: RunPlan) -> None:
        """Begin a run, or say why it cannot begin."""
        plans = self._plans.get(command.digest)
        if plans is None:
            self._replies.append(Failed(command.job, 404, "the program is not loaded"))
            return
        recorder = Recorder(timeline=True) if command.trace is not None else None
        executor = self._executor if recorder is None else self._make(recorder)
        log: list[RunEvent | RemoteCall] = []
        try:
            if command.entry not in plans:
                plans[command.entry] = next(iter(plans.values())).with_entry(command.entry)
            run = executor.submit(
                plans[command.entry],
                command.arguments,
                seed=command.seed,
                instance=command.instance,
                limits=command.limits,
                namespace=command.namespace,
                on_event=log.append,
                deltas=command.deltas,
                are_checked=True,  # by the other side, which takes its time
            )
        except (ArgumentError, ToolError, ValueError, KeyError, RecursionError) as error:
            self._replies.append(Failed(command.job, 400, str(error) or type(error).__name__))
            return
        job = _Job(command.job, run, executor, log, command.trace or {}, recorder)
        self._jobs[command.job] = self._by_run[run] = job
        if recorder is not None:
            self._traced[command.job] = executor
        self._wake.set()  # the next step begins it

    def cancel(self, number: int) -> None:
        """End a run; nothing more is told of it. Unknown ones are ignored."""
        job = self._jobs.get(number)
        if job is not None:
            job.executor.cancel(job.run)
            self._forget(job)

    def answer(self, command: AnswerTool) -> None:
        """Take the result of a tool; one that nobody waits for any more is ignored."""
        job = self._jobs.get(command.job)
        if job is not None:
            job.executor.answer(command.call, command.value, command.error)

    def take(self) -> list[JobReply]:
        """Return what there is to say."""
        for job in list(self._jobs.values()):
            if job.log:
                self._replies += self._told(job)
            if job.run.done:
                self._finish(job)
        replies, self._replies = self._replies, []
        return replies

    def close(self) -> None:
        """Cancel everything."""
        for executor in (self._executor, *self._traced.values()):
            executor.close()

    def _make(self, recorder: Recorder | None) -> Executor:
        return Executor(
            self._client(),
            self._encoder,
            tools=ToolRegistry(remote=True),
            preparer=self._preparer,
            recorder=recorder,
            wake=self._wake,
            max_step_s=_MAX_STEP_S,
            on_call=self._called,
            most_chars=self._most_chars,
        )

    def _told(self, job: _Job) -> Iterator[JobReply]:
        """What has happened since, in order."""
        entries = job.log.copy()
        job.log.clear()
        events: list[Mapping[str, Any]] = []
        for entry in entries:
            if isinstance(entry, RunEvent):
                if entry.t != "done":  # told with the result
                    events.append(_event_data(entry))
                continue
            if events:
                yield Happened(job.number, tuple(events))
                events = []
            yield ToolCalled(
                job=job.number,
                call=entry.number,
                name=entry.name,
                path=entry.path,
                arguments=json_value(entry.arguments),
                timeout_s=entry.timeout_s,
            )
        if events:
            yield Happened(job.number, tuple(events))

    def _called(self, run: Run, call: RemoteCall) -> None:
        job = self._by_run[run]
        try:
            _check_size(dict(call.arguments))
        except DataError as error:
            job.executor.answer(call.number, None, f"its arguments cannot be told: {error}")
        else:
            job.log.append(call)

    def _finish(self, job: _Job) -> None:
        self._forget(job)
        result = job.run.result()
        if job.recorder is not None:
            trace = json.dumps(trace_data(job.recorder, job.about), ensure_ascii=False)
            self._replies.append(Traced(job.number, trace.encode("utf-8", "replace")))
        said = {"text": result.text, "messages": result.messages}
        try:
            _check_size([result.value, dict(result.captures)])
            if _is_large(said):
                told = result_data(replace(result, text="", messages=[])) | {"omitted": [*said]}
            else:
                told = result_data(result)
        except DataError as error:
            self._replies.append(Failed(job.number, 500, f"the result cannot be told: {error}"))
        else:
            self._replies.append(Finished(job.number, told))

    def _forget(self, job: _Job) -> None:
        del self._jobs[job.number], self._by_run[job.run]
        executor = self._traced.pop(job.number, None)
        if executor is not None:
            executor.close()


def _event_data(event: RunEvent) -> dict[str, Any]:
    """An event as JSON; what would be too much is left out, and says so."""
    try:
        if event.t != "error":
            _check_size(event.value)
        return event_data(event)
    except DataError as error:
        small = RunEvent(event.t, event.name, event.path, None, event.show)
        return event_data(small) | {"omitted": str(error)}


def _is_large(value: Any) -> bool:
    all_of_it = [value]
    return (
        size_of(all_of_it, _MAX_ITEMS) > _MAX_ITEMS
        or size_of(all_of_it, MAX_SIZE, texts=True) > MAX_SIZE
    )


def _check_size(value: Any) -> None:
    """Refuse what would be too much as JSON.

    Raises:
        DataError: it is too large, or nests too deep.
    """
    if _is_large(value):
        raise DataError(f"it has more than {MAX_SIZE} characters, or {_MAX_ITEMS} items")
