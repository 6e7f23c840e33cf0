"""The engine as the side of HTTP sees it: a process, started, spoken to and watched."""

from __future__ import annotations

import asyncio
import itertools
import logging
import pickle
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sglc.compiler.plan.plan import Plan
from sglc.runtime.local import LocalOptions
from sglc.server.engine import frames
from sglc.server.engine.job import Job
from sglc.server.engine.messages import (
    Answer,
    Ask,
    Broken,
    Cancel,
    Command,
    EmbedPrompts,
    Failed,
    Generate,
    Generation,
    LoadPlan,
    Ready,
    Reply,
    RunPlan,
    Shutdown,
)
from sglc.server.errors import ApiError

log = logging.getLogger("sglc.server")


class EngineError(RuntimeError):
    """The engine cannot be started."""


class EngineClient:
    """Starts the engine's process and gives it jobs; used in one event loop.

    If the process dies its jobs fail, and it is started again.
    """

    def __init__(self, options: LocalOptions) -> None:
        self._options = options
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._asked: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._plans: dict[str, Plan] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._commands: list[Command] = []
        self._watch: asyncio.Task[None] | None = None
        self.ready: Ready | None = None
        self.num_restarts = 0

    @property
    def num_jobs(self) -> int:
        """Jobs that are not over."""
        return len(self._jobs)

    async def start(self) -> None:
        """Start the process and wait until the model is loaded.

        Raises:
            EngineError: it cannot be loaded.
        """
        reader = await self._spawn()
        self._watch = asyncio.create_task(self._serve(reader))

    async def close(self) -> None:
        """End the process; jobs that run fail."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self._say(Shutdown())
        self._flush()
        await self._reap(5.0)
        self._fail_all("the server is shutting down")

    def generate(self, generation: Generation) -> Job:
        """Begin a generation.

        Raises:
            ApiError: the engine is not there.
        """
        job = self._new_job()
        self._say(Generate(job.number, generation))
        return job

    def embed(self, prompts: Sequence[tuple[int, ...]]) -> Job:
        """Begin to embed prompts.

        Raises:
            ApiError: the engine is not there.
        """
        job = self._new_job()
        self._say(EmbedPrompts(job.number, tuple(prompts)))
        return job

    def load_plan(self, digest: str, plan: Plan) -> None:
        """Keep a plan for runs, beyond a restart of the engine too."""
        if digest not in self._plans:
            self._plans[digest] = plan
            self._say(LoadPlan(digest, plan))

    def run_plan(
        self,
        digest: str,
        arguments: Mapping[str, Any],
        *,
        seed: int = 0,
        instance: int = 0,
        deltas: bool = True,
    ) -> Job:
        """Begin a run of a plan that was loaded.

        Raises:
            ApiError: the engine is not there.
        """
        job = self._new_job()
        self._say(
            RunPlan(
                job=job.number,
                digest=digest,
                arguments=arguments,
                seed=seed,
                instance=instance,
                deltas=deltas,
            )
        )
        return job

    async def ask(self, question: str) -> Mapping[str, Any]:
        """Ask the engine about itself: ``stats`` or ``flush``.

        Raises:
            ApiError: the engine is not there.
        """
        number = next(self._numbers)
        future: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self._check()
            self._say(Ask(number, question))
            answer = await future
        finally:
            del self._asked[number]
        return answer

    def _new_job(self) -> Job:
        self._check()
        job = Job(next(self._numbers), self._cancel)
        self._jobs[job.number] = job
        return job

    def _check(self) -> None:
        if self._writer is None:
            raise ApiError(503, "the engine is not running", headers={"Retry-After": "5"})

    def _cancel(self, number: int) -> None:
        if self._jobs.pop(number, None) is not None:
            self._say(Cancel(number))

    def _say(self, command: Command) -> None:
        """Send a command, together with those of the same turn of the event loop."""
        if self._writer is None:
            return
        if not self._commands:
            asyncio.get_running_loop().call_soon(self._flush)
        self._commands.append(command)

    def _flush(self) -> None:
        commands, self._commands = self._commands, []
        if commands and self._writer is not None:
            self._writer.write(frames.pack(commands))

    async def _spawn(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sglc.server.engine.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # signals of a terminal are for the process that serves
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=1 << 24)
        writer.write(frames.pack(self._options))
        try:
            first = (await _receive(reader))[0]
        except EOFError:
            first = Broken("the engine's process ended while it was starting")
        if isinstance(first, Broken):
            writer.close()
            await self._reap(5.0)
            raise EngineError(first.message)
        assert isinstance(first, Ready)
        self.ready = first
        self._writer = writer
        for digest, plan in self._plans.items():
            self._say(LoadPlan(digest, plan))
        return reader

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        """Hand out what the engine says; start it again when it dies."""
        while True:
            with suppress(EOFError):
                while True:
                    for reply in await _receive(reader):
                        self._take(reply)
            log.error("the engine's process has died; starting it again")
            self._writer = None
            self.num_restarts += 1
            self._fail_all("the engine's process has died")
            await self._reap(0.0)
            reader = await self._spawn()

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
                del self._jobs[reply.job]

    def _fail_all(self, message: str) -> None:
        jobs, self._jobs = self._jobs, {}
        for job in jobs.values():
            job.put(Failed(job.number, 503, message))
        for future in self._asked.values():
            if not future.done():
                future.set_exception(ApiError(503, message))

    async def _reap(self, timeout_s: float) -> None:
        """Wait for the end of the process; kill it when the time is over."""
        process = self._process
        if process is None:
            return
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        deadline = asyncio.get_running_loop().time() + timeout_s
        while process.poll() is None and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.02)
        if process.poll() is None:
            process.kill()
        process.wait()


async def _receive(reader: asyncio.StreamReader) -> list[Reply]:
    try:
        (size,) = frames.LENGTH.unpack(await reader.readexactly(frames.LENGTH.size))
        replies: list[Reply] = pickle.loads(await reader.readexactly(size))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise EOFError from None
    return replies
