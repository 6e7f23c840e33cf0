"""Generations in the engine's process: from a prompt to streams of the scheduler and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sglc.compiler.plan.seeds import seed_key
from sglc.constraints.language import until
from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import (
    Decoded,
    DecodeResult,
    Delta,
    Ended,
    Event,
    Failed,
    Held,
    Scored,
)
from sglc.runtime.core.script import Constraint, Decode, Extend, ScriptOp, StreamRequest
from sglc.runtime.executor.compile_process import ConstraintError
from sglc.runtime.executor.constraints import ConstraintCompiler, Preparation
from sglc.server.engine import messages
from sglc.server.engine.messages import Finished, Generation, JobReply, Sampled, Written


@dataclass(slots=True)
class _Job:
    number: int
    generation: Generation
    streams: dict[int, int] = field(default_factory=dict)  # stream -> sample
    results: dict[int, DecodeResult] = field(default_factory=dict)  # sample -> result


class Generating:
    """The generations that wait for a constraint or run on ``backend``."""

    def __init__(self, backend: Backend, compiler: ConstraintCompiler) -> None:
        self._backend = backend
        self._compiler = compiler
        self._jobs: dict[int, _Job] = {}
        self._owners: dict[int, _Job] = {}  # by stream
        self._waiting: dict[Preparation, list[_Job]] = {}
        self._replies: list[JobReply] = []

    @property
    def is_waiting(self) -> bool:
        """Whether a generation waits for its constraint."""
        return bool(self._waiting)

    def begin(self, number: int, generation: Generation) -> None:
        """Begin a generation, or put it off until its constraint is built."""
        job = self._jobs[number] = _Job(number, generation)
        try:
            if generation.constraint is not None:
                preparation = self._compiler.prepare(until(generation.constraint, generation.stop))
                if not preparation.is_ready:
                    self._waiting.setdefault(preparation, []).append(job)
                    return
                self._submit(job, preparation.result().constraint)
            else:
                self._submit(job, None)
        except ValueError as error:
            self._fail(job, 400, str(error))

    def cancel(self, number: int) -> None:
        """Drop a generation and give its slots back at once."""
        job = self._jobs.pop(number, None)
        if job is None:
            return
        for stream in job.streams:
            self._owners.pop(stream, None)
            self._backend.cancel(stream)
        for jobs in self._waiting.values():
            if job in jobs:
                jobs.remove(job)

    def take_prepared(self) -> None:
        """Begin what has waited for constraints that are built."""
        for preparation in self._compiler.drain():
            for job in self._waiting.pop(preparation, ()):
                try:
                    self._submit(job, preparation.result().constraint)
                except ConstraintError as error:
                    self._fail(job, 400, str(error))

    def take(self, events: Sequence[Event]) -> list[JobReply]:
        """Return what there is to say, events of the backend included."""
        for event in events:
            job = self._owners.get(event.stream)
            if job is not None:
                self._receive(job, event)
        replies, self._replies = self._replies, []
        return replies

    def _submit(self, job: _Job, constraint: Constraint | None) -> None:
        generation = job.generation
        requests = [
            StreamRequest(_script(generation, constraint, sample), deltas=generation.deltas)
            for sample in range(generation.num_samples)
        ]
        if len(requests) == 1:
            streams = [self._backend.submit(requests[0])]
        else:
            streams = self._backend.submit_group(requests)
        job.streams = {stream: sample for sample, stream in enumerate(streams)}
        self._owners.update(dict.fromkeys(streams, job))

    def _receive(self, job: _Job, event: Event) -> None:
        sample = job.streams[event.stream]
        match event:
            case Delta():
                self._replies.append(Written(job.number, sample, event.text))
            case Decoded():
                job.results[sample] = event.result
            case Ended():
                self._replies.append(
                    Sampled(job.number, sample, job.results.pop(sample, None), event.stats)
                )
                del job.streams[event.stream], self._owners[event.stream]
                if not job.streams:
                    del self._jobs[job.number]
                    self._replies.append(Finished(job.number))
            case Held() | Scored():  # nothing here is held or scored
                raise AssertionError(event)
            case Failed():
                self._fail(job, 400, event.message)

    def _fail(self, job: _Job, status: int, message: str) -> None:
        self.cancel(job.number)
        self._replies.append(messages.Failed(job.number, status, message))


def _script(
    generation: Generation, constraint: Constraint | None, sample: int
) -> tuple[ScriptOp, ...]:
    prompt = Extend(generation.ids)
    if not generation.max_tokens:
        return (prompt,)
    decode = Decode(
        generation.max_tokens,
        generation.sampling,
        seed_key(generation.seed, sample, (), "generate"),
        generation.stop,
        generation.stop_ids,
        constraint,
        generation.num_logprobs,
        generation.ignore_eos,
    )
    return (prompt, decode)
