"""The engine as the side of HTTP sees it: jobs in, replies out, restarted when it dies."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sglc.runtime.executor.limits import Limits
from sglc.runtime.options import LocalOptions
from sglc.server.engine.accounts import Accounts, NoAccounts
from sglc.server.engine.background import BACKGROUND_PRIORITY, IN_BACKGROUND
from sglc.server.engine.job import Job
from sglc.server.engine.limits import Admission, EngineLimits
from sglc.server.engine.messages import (
    Answer,
    AnswerTool,
    Ask,
    Broken,
    Cancel,
    Command,
    EmbedPrompts,
    Failed,
    Generate,
    Generation,
    LoadPlan,
    Question,
    Ready,
    Reply,
    RunPlan,
    UnloadPlan,
)
from sglc.server.engine.process import WORKER, EngineError, EngineProcess
from sglc.server.engine.watchdog import Watchdog
from sglc.server.errors import ApiError

log = logging.getLogger("sglc.server")

_PING = 0  # the number of an Ask whose answer nobody waits for
_MAX_PLANS = 64  # that the engine keeps
_MAX_PLAN_BYTES = 16 << 20  # pickled, of all of them; in use they take thirty times that
_END_S = 5.0  # what a process may take to end when it is asked to


class EngineClient:
    """Starts the engine's process and gives it jobs; used in one event loop.

    If the process dies, or says nothing for too long, its jobs fail and it is started again.
    ``command`` is what is started, with a socket's number and this process's id behind it.
    ``accounts`` know who asks.
    """

    def __init__(
        self,
        options: LocalOptions,
        limits: EngineLimits | None = None,
        command: Sequence[str] = WORKER,
        accounts: Accounts | None = None,
    ) -> None:
        self._options = options
        self._limits = limits or EngineLimits()
        self._command = command
        self._accounts = accounts or NoAccounts()
        self._admission = Admission(self._limits.max_queued, time.monotonic)
        self._numbers = itertools.count(_PING + 1)
        self._jobs: dict[int, Job] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._asked: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._plans: OrderedDict[str, bytes] = OrderedDict()
        self._process: EngineProcess | None = None
        self._task: asyncio.Task[None] | None = None
        self.ready: Ready | None = None
        self._background: set[int] = set()  # numbers of jobs
        self.num_deaths = 0
        self.num_restarts = 0

    @property
    def num_jobs(self) -> int:
        """Jobs that are not over."""
        return len(self._jobs)

    @property
    def num_urgent_jobs(self) -> int:
        """Jobs that are not over and not in the background."""
        return len(self._jobs) - len(self._background)

    @property
    def pid(self) -> int | None:
        """The number of the engine's process, None while there is none."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the process and wait until the model is loaded.

        Raises:
            EngineError: it cannot be loaded.
        """
        process = await self._spawn()
        self._task = asyncio.create_task(self._supervise(process))

    async def close(self) -> None:
        """End the process; jobs that run fail."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        process, self._process = self._process, None
        self.abort("the server is shutting down")
        if process is not None:
            await process.end(_END_S)

    def kill(self) -> None:
        """End the process at once, without a word to anybody."""
        if self._process is not None:
            self._process.kill()

    def check(self) -> None:
        """Say whether jobs can be begun.

        Raises:
            ApiError: 503: the engine is not there.
        """
        if self._process is None:
            raise ApiError(
                503,
                "the engine is not running: it is being started again",
                code="engine_down",
                headers={"Retry-After": "5"},
            )

    def abort(self, message: str) -> None:
        """End all jobs: each fails with 503 and ``message``."""
        for number, job in list(self._jobs.items()):
            self._cancel(number)
            job.put(Failed(number, 503, message))
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ApiError(503, message))

    def check_size(self, generations: Iterable[Generation]) -> None:
        """Refuse generations of one request that there is never room for; begun one by one they
        would be cancelled again, and their client told to come back.

        Raises:
            ApiError: 400, with their number and the limit.
        """
        self._admission.check(sum(each.num_samples for each in generations))

    def generate(self, generation: Generation) -> Job:
        """Begin a generation, which counts once for each of its samples.

        In the background it is of a lower priority.

        Raises:
            ApiError: 503: the engine is not there; 429: too much waits for it.
        """
        if IN_BACKGROUND.get():
            generation = replace(generation, priority=BACKGROUND_PRIORITY)
        job = self._new_job(generation.num_samples)
        self._say(Generate(job.number, generation, self._accounts.namespace()))
        return job

    def embed(self, prompts: Sequence[tuple[int, ...]]) -> Job:
        """Begin to embed prompts, each of which counts.

        Raises:
            ApiError: 503: the engine is not there; 429: too much waits for it.
        """
        job = self._new_job(len(prompts))
        self._say(EmbedPrompts(job.number, tuple(prompts), self._accounts.namespace()))
        return job

    def load_plan(self, digest: str, plan: bytes) -> None:
        """Keep a pickled plan for runs, beyond a restart of the engine too.

        Of more than a few the one used longest ago is forgotten: load it before each run.
        """
        if digest in self._plans:
            self._plans.move_to_end(digest)
            return
        self._plans[digest] = plan
        self._say(LoadPlan(digest, plan))
        while len(self._plans) > _MAX_PLANS or (
            len(self._plans) > 1 and sum(map(len, self._plans.values())) > _MAX_PLAN_BYTES
        ):
            self._say(UnloadPlan(self._plans.popitem(last=False)[0]))

    def run_plan(
        self,
        digest: str,
        entry: str,
        arguments: Mapping[str, Any],
        *,
        seed: int = 0,
        instance: int = 0,
        deltas: bool = True,
        limits: Limits | None = None,
        trace: Mapping[str, Any] | None = None,
    ) -> Job:
        """Begin a run of a plan that was loaded; it counts once, whatever it calls.

        Raises:
            ApiError: 503: the engine is not there; 429: too much waits for it.
        """
        job = self._new_job(1)
        self._say(
            RunPlan(
                job=job.number,
                digest=digest,
                entry=entry,
                arguments=arguments,
                seed=seed,
                instance=instance,
                deltas=deltas,
                limits=limits,
                trace=trace,
                namespace=self._accounts.namespace(),
            )
        )
        return job

    def answer_tool(self, job: Job, call: int, value: Any = None, error: str | None = None) -> None:
        """Give what a run has asked for by ToolCalled, or say why there is no result."""
        self._say(AnswerTool(job=job.number, call=call, value=value, error=error))

    async def ask(self, question: Question) -> Mapping[str, Any]:
        """Ask the engine about itself.

        Raises:
            ApiError: the engine is not there.
        """
        self.check()
        number = next(self._numbers)
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self._say(Ask(number, question))
            return await future
        finally:
            del self._asked[number]

    def _new_job(self, size: int) -> Job:
        self.check()
        account = self._accounts.open()
        try:
            self._admission.take(size)
        except ApiError:
            account.ended()
            raise
        job = Job(next(self._numbers), self._cancel, size, account)
        self._jobs[job.number] = job
        if IN_BACKGROUND.get():
            self._background.add(job.number)
        limit_s = self._limits.request_timeout_s
        if limit_s is not None and job.number not in self._background:
            loop = asyncio.get_running_loop()
            self._timers[job.number] = loop.call_later(limit_s, self._time_out, job, limit_s)
        return job

    def _time_out(self, job: Job, limit_s: float) -> None:
        self._cancel(job.number)
        message = f"the request took longer than {limit_s:g} s (request_timeout_s)"
        job.put(Failed(job.number, 504, message))

    def _cancel(self, number: int) -> None:
        if self._forget(number):
            self._say(Cancel(number))

    def _forget(self, number: int) -> bool:
        """Let go of what is kept for a job; False if it was over already."""
        job = self._jobs.pop(number, None)
        if job is None:
            return False
        self._background.discard(number)
        self._admission.give(job.size)
        job.account.ended()
        timer = self._timers.pop(number, None)
        if timer is not None:
            timer.cancel()
        return True

    def _say(self, command: Command) -> None:
        if self._process is not None:
            self._process.say(command)

    async def _spawn(self) -> EngineProcess:
        process = await EngineProcess.start(self._options, self._command)
        self._process = process
        self.ready = process.ready
        for digest, plan in self._plans.items():
            self._say(LoadPlan(digest, plan))
        return process

    async def _supervise(self, process: EngineProcess) -> None:
        """Hand out what the engine says; start it again when it dies."""
        loop = asyncio.get_running_loop()
        num_early = 0
        while True:
            began = loop.time()
            reason = await self._serve(process)
            self._process = None
            self.num_deaths += 1
            log.error("%s; it is started again", reason)
            self.abort(reason)
            await process.end(0.0)
            num_early = num_early + 1 if loop.time() - began < self._limits.stable_s else 1
            process, num_early = await self._restart(num_early)

    async def _serve(self, process: EngineProcess) -> str:
        """Take replies until the process ends, and say why it has."""
        reasons = ["the engine's process has died"]

        def hung() -> None:
            limit_s = self._limits.restart_timeout_s
            reasons.append(f"the engine has not answered for {limit_s:g} s")
            process.kill()

        watchdog = Watchdog(
            self._limits.restart_timeout_s, lambda: process.say(Ask(_PING, "ping")), hung
        )
        watch = asyncio.create_task(watchdog.run())
        try:
            while True:
                replies = await process.receive()
                watchdog.heard()
                for reply in replies:
                    self._take(reply)
        except EOFError:
            return reasons[-1]
        except Exception:  # the edge of a process: nobody else would notice, and all would wait
            log.exception("what the engine says cannot be taken")
            process.kill()
            return "a reply of the engine could not be taken"
        finally:
            watch.cancel()

    async def _restart(self, num_early: int) -> tuple[EngineProcess, int]:
        """Start a process; after an early death not before a while, longer each time."""
        while True:
            await asyncio.sleep(self._limits.delay_s(num_early))
            self.num_restarts += 1
            try:
                return await self._spawn(), num_early
            except (EngineError, OSError) as error:
                log.error("the engine cannot be started again: %s", error)
                num_early += 1

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, Answer):
            future = self._asked.get(reply.number)
            if future is not None and not future.done():
                future.set_result(reply.value)
            return
        assert not isinstance(reply, Ready | Broken)
        job = self._jobs.get(reply.job)
        if job is not None:
            job.put(reply)
            if job.is_over:
                self._forget(reply.job)
