"""Threads for host functions: bounded, with timeouts, and never in the way of the process's end."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable
from typing import Any


class Job:
    """One call. ``value`` or ``error`` is set once it is reported done.

    ``function`` is None where somebody else does it.
    """

    __slots__ = (
        "deadline_s", "details", "error", "function", "is_abandoned", "is_over",
        "timeout_s", "value",
    )  # fmt: skip

    def __init__(self, function: Callable[[], Any] | None, timeout_s: float) -> None:
        self.function = function
        self.timeout_s = timeout_s
        self.deadline_s: float | None = None
        self.is_abandoned = False
        self.is_over = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.details: str | None = None


class ToolPool:
    """Runs jobs on at most ``num_workers`` threads that are not lost to a job that hangs.

    A job's time begins when it starts to run. One that does not end in time is abandoned: it is
    reported with a TimeoutError, its thread replaced, and what it still does is ignored. All
    threads are daemons, so none of them keeps the process alive. ``wake`` is set when a job ends.
    A job without a function takes no thread: its time begins at once, and ``settle`` ends it.
    """

    def __init__(
        self, num_workers: int, clock: Callable[[], float], wake: threading.Event | None = None
    ) -> None:
        self._num_workers = num_workers
        self._clock = clock
        self._wake = wake or threading.Event()
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._open: set[Job] = set()
        self._threads = 0
        self._lock = threading.Lock()  # of the fields of jobs

    @property
    def idle(self) -> bool:
        """Whether no job waits, runs or is left to report."""
        return not self._open

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self._open.add(job)
        if job.function is None:
            job.deadline_s = self._clock() + job.timeout_s
            return
        self._waiting.put(job)
        if self._threads < min(self._num_workers, len(self._open)):
            self._add_thread()

    def settle(self, job: Job, value: Any, error: BaseException | None) -> None:
        """End a job that somebody else has done, unless it was given up."""
        with self._lock:
            if job.is_abandoned or job.is_over:
                return
            job.value, job.error, job.is_over = value, error, True
        self._ended.put(job)
        self._wake.set()

    def abandon(self, job: Job) -> None:
        """Forget a job: it is never reported."""
        if job not in self._open:
            return
        self._open.discard(job)
        with self._lock:
            is_running = job.deadline_s is not None and not job.is_over
            job.is_abandoned = True
        if is_running and job.function is not None:
            self._add_thread(replace=True)

    def drain(self) -> list[Job]:
        """Return the jobs that have ended or run out of time since the last call."""
        ended: list[Job] = []
        while True:
            try:
                ended.append(self._ended.get_nowait())
            except queue.Empty:
                break
        ended = [job for job in ended if job in self._open]
        self._open.difference_update(ended)
        now = self._clock()
        for job in list(self._open):
            if job.deadline_s is not None and job.deadline_s <= now and not job.is_over:
                self.abandon(job)
                job.error = TimeoutError(f"no answer within {job.timeout_s:g} s")
                ended.append(job)
        return ended

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for ``wake``, until the next job runs out of time, or until ``timeout_s`` is over.

        Whoever takes what has ended clears ``wake`` first, so that no end is missed.
        """
        limits = [limit for limit in (self.patience_s, timeout_s) if limit is not None]
        self._wake.wait(max(min(limits), 0.001) if limits else None)

    @property
    def patience_s(self) -> float | None:
        """The time until a job may have run out of its own; None if there is no job."""
        now = self._clock()
        limits = [job.deadline_s - now for job in list(self._open) if job.deadline_s is not None]
        limits += [job.timeout_s for job in self._open]  # one that has not begun
        return min(limits, default=None)

    def close(self) -> None:
        """Let the threads end; jobs that wait or run are abandoned."""
        with self._lock:
            for job in self._open:
                job.is_abandoned = True
        self._open.clear()
        for _ in range(self._threads):
            self._waiting.put(None)
        self._threads = 0

    def _add_thread(self, *, replace: bool = False) -> None:
        self._threads += not replace
        threading.Thread(target=self._work, name="sglc-tool", daemon=True).start()

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            with self._lock:
                if job.is_abandoned:
                    continue
                job.deadline_s = self._clock() + job.timeout_s
            value, error, details = None, None, None
            try:
                assert job.function is not None
                value = job.function()
            except BaseException as caught:  # the edge to host code: a failure of the node
                error, details = caught, traceback.format_exc()
            with self._lock:
                if job.is_abandoned:
                    return  # another thread has taken this one's place
                job.value, job.error, job.details = value, error, details
                job.is_over = True
            self._ended.put(job)
            self._wake.set()
