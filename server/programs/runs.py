"""All runs of programs: begun, found again, ended when nobody is there for them, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from sglc.server.engine.client import EngineClient
from sglc.server.errors import ApiError
from sglc.server.programs.config import ProgramsConfig
from sglc.server.programs.events import RunEvents
from sglc.server.programs.library import Program
from sglc.server.programs.run import ProgramRun, RunOptions
from sglc.server.programs.webhooks import Webhooks

_MAX_TRACED: Final = 4  # runs that are recorded at once
_RUN_BYTES: Final = 8 << 10  # of a run that is over, beside what it has told


@dataclass(slots=True)
class _Entry:
    run: ProgramRun
    task: asyncio.Task[None]
    num_clients: int = 0
    timer: asyncio.TimerHandle | None = None


class Runs:
    """Runs by id. One without a client goes on for ``run_grace_s`` and is then cancelled; one that
    is over is kept for ``run_keep_s``, unless others need the room.
    """

    def __init__(self, engine: EngineClient, webhooks: Webhooks, config: ProgramsConfig) -> None:
        self._engine = engine
        self._webhooks = webhooks
        self._config = config
        self._entries: dict[str, _Entry] = {}
        self._over: dict[str, int] = {}  # the sizes of runs that are over, the oldest first
        self._num_kept_bytes = 0
        self._num_traced = 0

    def begin(self, tenant: str, program: Program, options: RunOptions) -> ProgramRun:
        """Begin a run; it has no client yet.

        Raises:
            ApiError: 429: too many run already; 503: the engine is not there.
        """
        self._engine.check()
        if len(self._entries) - len(self._over) >= self._config.max_runs:
            raise _too_many(f"{self._config.max_runs} runs are under way")
        if options.trace and self._num_traced >= _MAX_TRACED:
            raise _too_many(f"{_MAX_TRACED} runs are being traced")
        self._num_traced += options.trace
        config = self._config
        events = RunEvents(config.max_event_bytes)
        run = ProgramRun(tenant, program, options, events, config.max_results_bytes)
        task = asyncio.create_task(run.drive(self._engine, self._webhooks))
        entry = self._entries[run.id] = _Entry(run, task)
        task.add_done_callback(lambda _: self._ended(entry))
        self._leave(entry)
        return run

    def get(self, tenant: str, run_id: str) -> ProgramRun:
        """Return a run of a tenant; who asks for it is there for it, for now.

        Raises:
            ApiError: 404: it has no such run, or no longer.
        """
        entry = self._entry(tenant, run_id)
        if not entry.num_clients:
            self._leave(entry)
        return entry.run

    async def events(self, run: ProgramRun, last: int) -> AsyncIterator[bytes]:
        """Yield the events behind number ``last``; who reads them is a client of the run."""
        entry = self._entries.get(run.id)
        if entry is None:  # forgotten since it was asked for
            return
        self._enter(entry)
        try:
            async for event in run.events.since(last):
                yield event
        finally:
            entry.num_clients -= 1
            if not entry.num_clients and run.id in self._entries:
                self._leave(entry)

    async def result(self, run: ProgramRun) -> ProgramRun:
        """Wait for the end of a run; whoever stops waiting cancels it."""
        entry = self._entries[run.id]
        self._enter(entry)
        try:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(entry.task)
            if not run.is_over:  # it is this waiting that was cancelled
                await self.cancel(run)
                raise asyncio.CancelledError
        finally:
            entry.num_clients -= 1
            self._leave(entry)
        return run

    async def cancel(self, run: ProgramRun) -> None:
        """End a run; one that is over stays as it is."""
        task = self._entries[run.id].task
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)

    async def close(self) -> None:
        """Cancel everything."""
        for entry in list(self._entries.values()):
            if entry.timer is not None:
                entry.timer.cancel()
            entry.task.cancel()
        tasks = [entry.task for entry in self._entries.values()]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _entry(self, tenant: str, run_id: str) -> _Entry:
        entry = self._entries.get(run_id)
        if entry is None or entry.run.tenant != tenant:
            raise ApiError(404, f"there is no run `{run_id[:80]}`", code="run_not_found")
        return entry

    def _enter(self, entry: _Entry) -> None:
        entry.num_clients += 1
        if entry.timer is not None:
            entry.timer.cancel()
            entry.timer = None

    def _leave(self, entry: _Entry) -> None:
        """Nobody is there for a run: give it the time it has."""
        if entry.timer is not None:
            entry.timer.cancel()
        run = entry.run
        loop = asyncio.get_running_loop()
        if run.is_over:
            entry.timer = loop.call_later(self._config.run_keep_s, self._forget, run.id)
        else:
            entry.timer = loop.call_later(self._config.run_grace_s, entry.task.cancel)

    def _ended(self, entry: _Entry) -> None:
        if entry.task.cancelled():
            entry.run.abandon()  # what is cancelled before it has begun cannot do that itself
        run = entry.run
        self._num_traced -= run.options.trace
        self._over[run.id] = _RUN_BYTES + run.num_bytes
        self._num_kept_bytes += self._over[run.id]
        if not entry.num_clients:
            self._leave(entry)
        while self._num_kept_bytes > self._config.max_kept_bytes:
            self._forget(next(iter(self._over)))  # whoever reads its events still gets them

    def _forget(self, run_id: str) -> None:
        entry = self._entries.pop(run_id, None)
        if entry is None:
            return
        self._num_kept_bytes -= self._over.pop(run_id)
        if entry.timer is not None:
            entry.timer.cancel()


def _too_many(reason: str) -> ApiError:
    return ApiError(429, f"{reason}: try again later", headers={"Retry-After": "1"})
