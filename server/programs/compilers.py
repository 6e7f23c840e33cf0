"""The compiler as the side of HTTP sees it: a few processes that may be stopped at any time."""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections import Counter
from contextlib import suppress
from typing import Final

from sglc.server.errors import ApiError
from sglc.server.programs.compiler_process import LENGTH
from sglc.server.programs.upload import (
    Build,
    Built,
    CompilerSettings,
    Data,
    Question,
    Refused,
    Reply,
    Show,
    Shown,
)

_MODULE: Final = "sglc.server.programs.compiler_process"
# How the death of a process shows.
_DEATHS: Final = (asyncio.IncompleteReadError, ConnectionError, pickle.UnpicklingError)


class ProgramError(ApiError):
    """A program that is not compiled: 422, with what is wrong with it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(422, refused.message, param=refused.param, code=refused.code)
        self.diagnostics = refused.diagnostics

    def to_data(self) -> Data:
        return super().to_data() | {"diagnostics": list(self.diagnostics)}


class Compilers:
    """``num_processes`` compilers, started when they are needed.

    One tenant uses one of them at a time, and may have ``max_waiting`` questions waiting, so that
    nobody keeps all others from compiling. A question that takes too long ends its process.
    """

    def __init__(
        self, settings: CompilerSettings, *, num_processes: int = 2, max_waiting: int = 16
    ) -> None:
        self.settings = settings
        self._free = asyncio.Semaphore(num_processes)
        self._max_waiting = max_waiting
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting: Counter[str] = Counter()
        self._idle: list[asyncio.subprocess.Process] = []

    async def build(self, tenant: str, question: Build) -> Built:
        """Compile for runs.

        Raises:
            ProgramError: 422: the program has errors, or takes too much.
            ApiError: 429: too many programs of the tenant wait.
        """
        reply = await self._ask(tenant, question)
        assert isinstance(reply, Built)
        return reply

    async def show(self, tenant: str, question: Show) -> bytes:
        """Compile, and write it down.

        Raises:
            ProgramError: 422: the program takes too much.
            ApiError: 429: too many programs of the tenant wait.
        """
        reply = await self._ask(tenant, question)
        assert isinstance(reply, Shown)
        return reply.data

    async def close(self) -> None:
        """End the processes."""
        while self._idle:
            await _end(self._idle.pop())

    async def _ask(self, tenant: str, question: Question) -> Reply:
        if self._waiting[tenant] >= self._max_waiting:
            message = f"{self._max_waiting} programs of yours are being compiled already"
            raise ApiError(429, message, headers={"Retry-After": "1"})
        self._waiting[tenant] += 1
        turn = self._turns.setdefault(tenant, asyncio.Lock())
        try:
            async with turn, self._free:
                reply = await self._answer(question)
        finally:
            self._waiting[tenant] -= 1
            if not self._waiting[tenant]:
                del self._waiting[tenant], self._turns[tenant]
        if isinstance(reply, Refused):
            raise ProgramError(reply)
        return reply

    async def _answer(self, question: Question) -> Reply:
        try:
            while self._idle:
                # one that was killed while it had nothing to do says nothing of the question
                with suppress(*_DEATHS):
                    return await self._answer_of(self._idle.pop(), question)
            return await self._answer_of(await self._start(), question)
        except TimeoutError:
            limit_s = self.settings.timeout_s
            message = f"the program is too large: compiling it takes longer than {limit_s:g} s"
        except _DEATHS:
            size = self.settings.memory_bytes >> 20
            message = f"the program is too large: compiling it takes more than {size} MiB"
        return Refused(message, code="program_too_large")

    async def _answer_of(self, process: asyncio.subprocess.Process, question: Question) -> Reply:
        """Ask a process, which is kept if it answers and ended if it does not."""
        is_whole = False
        try:
            async with asyncio.timeout(self.settings.timeout_s):
                reply = await _exchange(process, question)
            is_whole = True
        finally:
            if is_whole:
                self._idle.append(process)
            else:
                await _end(process)
        return reply

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _MODULE,
            pickle.dumps(self.settings).hex(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # signals of a terminal are for the process that serves
        )


async def _exchange(process: asyncio.subprocess.Process, question: Question) -> Reply:
    assert process.stdin is not None
    assert process.stdout is not None
    data = pickle.dumps(question, pickle.HIGHEST_PROTOCOL)
    try:
        process.stdin.write(len(data).to_bytes(LENGTH, "little") + data)
    except RuntimeError as error:  # so uvloop says that the other side is gone
        raise ConnectionResetError from error
    await process.stdin.drain()
    size = int.from_bytes(await process.stdout.readexactly(LENGTH), "little")
    reply: Reply = pickle.loads(await process.stdout.readexactly(size))
    return reply


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await asyncio.shield(process.wait())
