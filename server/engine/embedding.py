"""Embeddings in the engine's process: a stream for each prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sglc.runtime.core.backend import Backend
from sglc.runtime.core.events import Embedded, Ended, Event, Failed
from sglc.runtime.core.script import Embed, Extend, StreamRequest
from sglc.server.engine import messages
from sglc.server.engine.messages import Finished, JobReply, Vector


@dataclass(slots=True)
class _Job:
    number: int
    streams: dict[int, int] = field(default_factory=dict)  # stream -> prompt
    vectors: dict[int, tuple[float, ...]] = field(default_factory=dict)  # prompt -> vector


class Embedding:
    """The prompts that are embedded on ``backend``."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs: dict[int, _Job] = {}
        self._owners: dict[int, _Job] = {}  # by stream
        self._replies: list[JobReply] = []

    @property
    def num_jobs(self) -> int:
        """Jobs that are not over."""
        return len(self._jobs)

    def begin(self, number: int, prompts: Sequence[tuple[int, ...]], namespace: str = "") -> None:
        """Begin to embed the prompts of a job."""
        if not prompts:
            self._replies.append(Finished(number))
            return
        job = self._jobs[number] = _Job(number)
        try:
            requests = [
                StreamRequest((Extend(ids), Embed()), deltas=False, namespace=namespace)
                for ids in prompts
            ]
            streams = self._backend.submit_group(requests)
        except ValueError as error:
            self._fail(job, str(error))
            return
        job.streams = {stream: index for index, stream in enumerate(streams)}
        self._owners.update(dict.fromkeys(streams, job))

    def cancel(self, number: int) -> None:
        """Drop a job and give its slots back at once."""
        job = self._jobs.pop(number, None)
        for stream in () if job is None else job.streams:
            self._owners.pop(stream, None)
            self._backend.cancel(stream)

    def take(self, events: Sequence[Event]) -> list[JobReply]:
        """Return what there is to say, events of the backend included."""
        for event in events:
            job = self._owners.get(event.stream)
            if job is not None:
                self._receive(job, event)
        replies, self._replies = self._replies, []
        return replies

    def _receive(self, job: _Job, event: Event) -> None:
        index = job.streams[event.stream]
        match event:
            case Embedded():
                job.vectors[index] = event.vector
            case Ended():
                vector = job.vectors.pop(index)
                self._replies.append(Vector(job.number, index, vector, event.stats))
                del job.streams[event.stream], self._owners[event.stream]
                if not job.streams:
                    del self._jobs[job.number]
                    self._replies.append(Finished(job.number))
            case Failed():
                self._fail(job, event.message)
            case _:  # nothing else is in the script
                raise AssertionError(event)

    def _fail(self, job: _Job, message: str) -> None:
        self.cancel(job.number)
        self._replies.append(messages.Failed(job.number, 400, message))
