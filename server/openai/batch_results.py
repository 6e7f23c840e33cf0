"""Results of a batch on their way to the disk: those that come while it writes go together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from sglc.server.errors import ApiError
from sglc.server.storage.batches import BatchStore, LineResult
from sglc.server.storage.records import StoredBatch

T = TypeVar("T")

log = logging.getLogger("sglc.server")
FULL_DISK_PAUSE_S = 2.0


class ResultWriter:
    """Keeps results in their store; a full disk is waited for, so none is lost or run again."""

    def __init__(
        self, store: BatchStore, batch: StoredBatch, worked_s: Callable[[], float]
    ) -> None:
        self._store = store
        self._batch = batch
        self._worked_s = worked_s
        self._waiting: list[tuple[LineResult, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, result: LineResult) -> None:
        """Return when the result is stored; a caller that is cancelled has put it all the same."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((result, stored))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await stored

    async def flush(self) -> None:
        """Return when all that was put is stored, and how long the batch was worked on."""
        while self._writing is not None:
            await asyncio.shield(self._writing)
        await despite_full_disk(partial(self._add, ()))

    async def _write(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                try:
                    await despite_full_disk(partial(self._add, [result for result, _ in taken]))
                except ApiError as error:
                    _settle(taken, error)
                else:
                    _settle(taken)
        finally:
            self._writing = None

    async def _add(self, results: Sequence[LineResult]) -> None:
        await self._store.add_results(self._batch, results, self._worked_s())


def _settle(
    taken: Sequence[tuple[LineResult, asyncio.Future[None]]], error: ApiError | None = None
) -> None:
    for _, stored in taken:
        if not stored.done():
            if error is None:
                stored.set_result(None)
            else:
                stored.set_exception(error)


async def despite_full_disk(work: Callable[[], Awaitable[T]]) -> T:
    """Do something until there is room for it; what has failed has changed nothing."""
    is_said = False
    while True:
        try:
            return await work()
        except ApiError as error:
            if error.status != 507:
                raise
            if not is_said:
                log.error("a batch waits: %s", error.message)
                is_said = True
        await asyncio.sleep(FULL_DISK_PAUSE_S)
