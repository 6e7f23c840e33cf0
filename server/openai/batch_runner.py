"""Runs the batches that are stored, a few at a time, from the start of the server to its end."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from sglc.server.errors import ApiError
from sglc.server.openai.batch_run import BatchRun, Complete
from sglc.server.openai.batch_window import BatchWindow
from sglc.server.storage.records import StoredBatch
from sglc.server.storage.storage import Storage

log = logging.getLogger("sglc.server")

_MAX_RUNNING = 4
_PAUSE_S = 5.0


class BatchRunner:
    """Used in ``async with``; leaving it stops what runs, which goes on at the next start.

    ``completes`` answers the lines of each endpoint; see ``BatchRun`` for the rest.
    """

    def __init__(
        self,
        storage: Storage,
        completes: Mapping[str, Complete],
        window: BatchWindow,
        num_deaths: Callable[[], int],
        max_line_bytes: int,
    ) -> None:
        self._storage = storage
        self._completes = completes
        self._window = window
        self._num_deaths = num_deaths
        self._max_line_bytes = max_line_bytes
        self._runs: dict[str, tuple[BatchRun, asyncio.Task[None]]] = {}
        self._left: set[str] = set()  # what even failing has failed for
        self._loop_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> BatchRunner:
        self._loop_task = asyncio.create_task(self._loop())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._loop_task is not None
        tasks = [self._loop_task, *(task for _, task in self._runs.values())]
        for task in tasks:
            task.cancel()
        _, late = await asyncio.wait(tasks, timeout=_PAUSE_S)
        for task in late:  # it waits for a full disk
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _loop(self) -> None:
        changed = self._storage.batches.changed
        while True:
            changed.clear()
            try:
                batches = await self._storage.batches.unfinished()
            except ApiError as error:
                log.error("batches wait: %s", error.message)
                await asyncio.sleep(_PAUSE_S)
                continue
            self._advance([batch for batch in batches if batch.id not in self._left])
            await changed.wait()

    def _advance(self, batches: Sequence[StoredBatch]) -> None:
        for batch in batches:
            if batch.status == "cancelling" and batch.id in self._runs:
                self._runs[batch.id][0].cancel()
        waiting = [batch for batch in batches if batch.id not in self._runs]
        # a tenant with many batches leaves room for the others
        running = Counter(batch.tenant for batch in batches if batch.id in self._runs)
        while waiting and len(self._runs) < _MAX_RUNNING:
            batch = min(waiting, key=lambda each: (running[each.tenant], each.seq))
            waiting.remove(batch)
            running[batch.tenant] += 1
            self._begin(batch)
        for batch in waiting:
            if batch.status == "cancelling":
                self._begin(batch)

    def _begin(self, batch: StoredBatch) -> None:
        run = BatchRun(
            batch,
            self._storage,
            self._window,
            self._completes[batch.endpoint],
            self._num_deaths,
            self._max_line_bytes,
        )
        self._runs[batch.id] = run, asyncio.create_task(self._run(batch, run))

    async def _run(self, batch: StoredBatch, run: BatchRun) -> None:
        try:
            try:
                await run.run()
            except Exception:
                log.exception("batch %s failed", batch.id)
                await run.fail("internal error; the server's log has the details")
        except Exception:
            log.exception("batch %s cannot be ended: it is left for the next start", batch.id)
            self._left.add(batch.id)
        finally:
            del self._runs[batch.id]
            self._storage.batches.changed.set()
