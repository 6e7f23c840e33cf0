"""Generations in the engine's process: from a prompt to streams of the scheduler and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sglc.compiler.plan.seeds import seed_key
from sglc.constraints.language import until
from sglc.constraints.types import Type
from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import (
    Decoded,
    DecodeResult,
    Delta,
    Embedded,
    Ended,
    Event,
    Failed,
    Held,
    Scored,
    ScoreResult,
)
from sglc.runtime.core.script import Constraint, Decode, Extend, Score, ScriptOp, StreamRequest
from sglc.runtime.executor.compile_process import ConstraintError
from sglc.runtime.executor.constraints import ConstraintCompiler, Preparation
from sglc.server.engine import messages
from sglc.server.engine.messages import (
    Finished,
    Generation,
    JobReply,
    PromptLogprobs,
    Sampled,
    Written,
)


@dataclass(slots=True)
class _Job:
    number: int
    generation: Generation
    namespace: str
    streams: dict[int, int] = field(default_factory=dict)  # stream -> sample
    results: dict[int, DecodeResult] = field(default_factory=dict)  # sample -> result
    prompt: PromptLogprobs | None = None
    ended: list[Ended] = field(default_factory=list)  # what waits for that of the prompt


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

    @property
    def num_jobs(self) -> int:
        """Generations that are not over."""
        return len(self._jobs)

    def begin(self, number: int, generation: Generation, namespace: str = "") -> None:
        """Begin a generation, or put it off until its constraint is built."""
        job = self._jobs[number] = _Job(number, generation, namespace)
        begin = generation.prompt_logprobs_from
        if begin is not None and not 0 < begin <= len(generation.ids):
            most = len(generation.ids)
            self._fail(job, 400, f"the prompt has no token {begin} after a first one, of {most}")
            return
        constraint = generation.constraint
        if constraint is None:
            self._submit(job, None)
        else:
            self._prepare(job, until(constraint, generation.stop))

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
                self._submit_prepared(job, preparation)

    def take(self, events: Sequence[Event]) -> list[JobReply]:
        """Return what there is to say, events of the backend included."""
        for event in events:
            job = self._owners.get(event.stream)
            if job is not None:
                self._receive(job, event)
        replies, self._replies = self._replies, []
        return replies

    def _prepare(self, job: _Job, held_to: Type) -> None:
        preparation = self._compiler.prepare(held_to)
        if preparation.is_ready:
            self._submit_prepared(job, preparation)
        else:
            self._waiting.setdefault(preparation, []).append(job)

    def _submit_prepared(self, job: _Job, preparation: Preparation) -> None:
        """Begin, or say why not.

        Where stop strings cannot be part of the constraint, as in what nests without end, they end
        a text that is held to the constraint alone.
        """
        constraint = job.generation.constraint
        assert constraint is not None
        try:
            built = preparation.result().constraint
        except ConstraintError as error:
            if preparation.type != constraint:
                self._prepare(job, constraint)
            else:
                self._fail(job, 400, str(error))
        else:
            self._submit(job, built)

    def _submit(self, job: _Job, constraint: Constraint | None) -> None:
        try:
            self._start(job, constraint)
        except ValueError as error:
            self._fail(job, 400, str(error))

    def _start(self, job: _Job, constraint: Constraint | None) -> None:
        generation = job.generation
        requests = [
            StreamRequest(
                _script(generation, constraint, sample),
                priority=generation.priority,
                deltas=generation.deltas,
                namespace=job.namespace,
            )
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
                written = Written(
                    job.number, sample, event.text, event.ids, event.logprobs, event.top_logprobs
                )
                last = self._replies[-1] if self._replies else None
                if isinstance(last, Written) and (last.job, last.sample) == (job.number, sample):
                    self._replies[-1] = last + written  # forced text comes token by token
                else:
                    self._replies.append(written)
            case Decoded():
                job.results[sample] = event.result
            case Scored():
                job.prompt = _of_prompt(job.generation, event.result)
                ended, job.ended = job.ended, []
                for each in ended:
                    self._end(job, each)
            case Ended():
                self._end(job, event)
            case Failed():
                self._fail(job, 400, event.message)
            case Held() | Embedded():  # nothing here is held or embedded
                raise AssertionError(event)

    def _end(self, job: _Job, event: Ended) -> None:
        """Report a sample, once the log probabilities of the prompt are there."""
        begin, stats = job.generation.prompt_logprobs_from, event.stats
        if begin is not None:
            if job.prompt is None:
                job.ended.append(event)
                return
            # behind `begin` the job finds in the cache what it has computed itself
            stats = replace(stats, cached_tokens=min(stats.cached_tokens, begin))
        sample = job.streams.pop(event.stream)
        del self._owners[event.stream]
        result = job.results.pop(sample, None)
        self._replies.append(Sampled(job.number, sample, result, stats, job.prompt))
        if not job.streams:
            del self._jobs[job.number]
            self._replies.append(Finished(job.number))

    def _fail(self, job: _Job, status: int, message: str) -> None:
        self.cancel(job.number)
        self._replies.append(messages.Failed(job.number, status, message))


def _script(
    generation: Generation, constraint: Constraint | None, sample: int
) -> tuple[ScriptOp, ...]:
    """Return what a sample runs; the first one computes the log probabilities of the prompt."""
    ids, begin = generation.ids, generation.prompt_logprobs_from
    prompt: tuple[ScriptOp, ...] = (Extend(ids),)
    if begin is not None and not sample:
        score = Score((ids[begin:],), num_top=generation.num_prompt_top)
        prompt = (Extend(ids[:begin]), score, Extend(ids[begin:]))
    if not generation.max_tokens:
        return prompt
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
    return (*prompt, decode)


def _of_prompt(generation: Generation, result: ScoreResult) -> PromptLogprobs:
    assert generation.prompt_logprobs_from is not None
    tops = None if result.top_logprobs is None else result.top_logprobs[0]
    return PromptLogprobs(generation.prompt_logprobs_from, result.logprobs[0], tops)
