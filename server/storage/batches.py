"""Batches of tenants, and the results of lines that are done."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import NamedTuple

from sglc.server.errors import ApiError
from sglc.server.storage.database import Database
from sglc.server.storage.files import UnrecordedFile, find_file, insert_file
from sglc.server.storage.listing import Order, page
from sglc.server.storage.records import (
    UNFINISHED,
    BatchStatus,
    Listing,
    StoredBatch,
    new_id,
)

_RESULT_BYTES = 1 << 20  # read at once


class LineResult(NamedTuple):
    """What came of one line: ``reply`` is a line of the output or of the error file."""

    line: int
    is_error: bool
    reply: bytes


class BatchOutput(NamedTuple):
    """A file that a batch ends with."""

    file: UnrecordedFile
    filename: str
    is_error: bool


class BatchStore:
    """Batches, each seen by its tenant alone. ``changed`` is set when there is more to do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changed = asyncio.Event()

    async def create(
        self, tenant: str, *, input_file_id: str, endpoint: str, metadata: str | None
    ) -> StoredBatch:
        """Store a new batch.

        Raises:
            ApiError: 404: the tenant has no such file; 400: the file is not for batches.
        """

        def work(db: sqlite3.Connection) -> StoredBatch:
            file = find_file(db, tenant, input_file_id)
            if file.purpose != "batch":
                message = f"input_file_id: the file's purpose is `{file.purpose}`, not `batch`"
                raise ApiError(400, message, param="input_file_id")
            batch_id = new_id("batch_")
            db.execute(
                "INSERT INTO batches (id, tenant, input_file_id, endpoint, metadata, status, "
                "created_at) VALUES (?, ?, ?, ?, ?, 'validating', ?)",
                (batch_id, tenant, input_file_id, endpoint, metadata, int(time.time())),
            )
            return _find(db, batch_id, tenant)

        batch = await self._database.run(work)
        self.changed.set()
        return batch

    async def get(self, tenant: str, batch_id: str) -> StoredBatch:
        """Return a batch of a tenant.

        Raises:
            ApiError: 404: it has no such batch.
        """
        return await self._database.run(lambda db: _find(db, batch_id, tenant))

    async def list(
        self, tenant: str, *, limit: int, after: str | None = None, order: Order = "desc"
    ) -> Listing[StoredBatch]:
        """Return a page of the batches of a tenant.

        Raises:
            ApiError: 404: it has no batch ``after``.
        """

        def work(db: sqlite3.Connection) -> Listing[StoredBatch]:
            rows, has_more = page(db, "batches", tenant, limit=limit, after=after, order=order)
            return Listing([StoredBatch(**row) for row in rows], has_more)

        return await self._database.run(work)

    async def request_cancel(self, tenant: str, batch_id: str) -> StoredBatch:
        """Note that a batch is to end; what runs it sees that.

        Raises:
            ApiError: 404: the tenant has no such batch; 409: it is over.
        """

        def work(db: sqlite3.Connection) -> StoredBatch:
            batch = _find(db, batch_id, tenant)
            if batch.is_over or batch.status == "finalizing":
                raise ApiError(409, f"the batch is {batch.status}: there is nothing to cancel")
            if batch.status != "cancelling":
                _move(db, batch, "cancelling")
            return _find(db, batch_id, tenant)

        batch = await self._database.run(work)
        self.changed.set()
        return batch

    async def unfinished(self) -> Sequence[StoredBatch]:
        """Return the batches of all tenants that are not over, oldest first."""
        marks = ", ".join("?" * len(UNFINISHED))

        def work(db: sqlite3.Connection) -> Sequence[StoredBatch]:
            rows = db.execute(
                f"SELECT * FROM batches WHERE status IN ({marks}) ORDER BY seq", UNFINISHED
            )
            return [StoredBatch(**row) for row in rows]

        return await self._database.run(work)

    async def begin(self, batch: StoredBatch, num_total: int) -> StoredBatch:
        """Note that the lines of a batch are valid, and how many there are.

        A batch that is being cancelled stays so.
        """

        def work(db: sqlite3.Connection) -> StoredBatch:
            db.execute("UPDATE batches SET num_total = ? WHERE seq = ?", (num_total, batch.seq))
            found = _find(db, batch.id)
            if found.status == "validating":
                _move(db, found, "in_progress")
            return _find(db, batch.id)

        return await self._database.run(work)

    async def done_lines(self, batch: StoredBatch) -> set[int]:
        """Return the numbers of the lines that need not run again."""

        def work(db: sqlite3.Connection) -> set[int]:
            rows = db.execute("SELECT line FROM batch_results WHERE batch = ?", (batch.seq,))
            return {row[0] for row in rows}

        return await self._database.run(work)

    async def add_results(
        self, batch: StoredBatch, results: Sequence[LineResult], worked_s: float
    ) -> StoredBatch:
        """Keep the results of lines, and how long servers have had the batch so far.

        Raises:
            ApiError: 507: there is no room; none is kept.
        """

        def work(db: sqlite3.Connection) -> StoredBatch:
            db.executemany(
                "INSERT INTO batch_results VALUES (?, ?, ?, ?)",
                [(batch.seq, *result) for result in results],
            )
            num_errors = sum(result.is_error for result in results)
            db.execute(
                "UPDATE batches SET num_completed = num_completed + ?, "
                "num_failed = num_failed + ?, worked_s = ? WHERE seq = ?",
                (len(results) - num_errors, num_errors, worked_s, batch.seq),
            )
            return _find(db, batch.id)

        return await self._database.run(work)

    async def results(
        self, batch: StoredBatch, *, is_error: bool, behind: int
    ) -> Sequence[LineResult]:
        """Return results in the order of lines, those behind a line number: some at a time."""

        def work(db: sqlite3.Connection) -> Sequence[LineResult]:
            rows = db.execute(
                "SELECT line, is_error, reply FROM batch_results "
                "WHERE batch = ? AND is_error = ? AND line > ? ORDER BY line",
                (batch.seq, is_error, behind),
            )
            found: list[LineResult] = []
            size = 0
            for row in rows:
                found.append(LineResult(row[0], bool(row[1]), row[2]))
                size += len(row[2])
                if size >= _RESULT_BYTES:
                    break
            return found

        return await self._database.run(work)

    async def finalize(self, batch: StoredBatch) -> StoredBatch:
        """Note that all lines are done, unless the batch is being cancelled."""

        def work(db: sqlite3.Connection) -> StoredBatch:
            found = _find(db, batch.id)
            if found.status == "in_progress":
                _move(db, found, "finalizing")
            return _find(db, batch.id)

        return await self._database.run(work)

    async def finish(
        self,
        batch: StoredBatch,
        status: BatchStatus,
        outputs: Sequence[BatchOutput] = (),
        errors: str | None = None,
    ) -> None:
        """End a batch: its files appear, and the results by line go.

        Raises:
            ApiError: 507: there is no room; nothing has changed.
        """

        def work(db: sqlite3.Connection) -> None:
            for output in outputs:
                stored = insert_file(db, output.file, batch.tenant, output.filename, "batch_output")
                column = "error_file_id" if output.is_error else "output_file_id"
                db.execute(f"UPDATE batches SET {column} = ? WHERE seq = ?", (stored.id, batch.seq))
            db.execute("UPDATE batches SET errors = ? WHERE seq = ?", (errors, batch.seq))
            _move(db, _find(db, batch.id), status)
            db.execute("DELETE FROM batch_results WHERE batch = ?", (batch.seq,))

        await self._database.run(work)


def _find(db: sqlite3.Connection, batch_id: str, tenant: str | None = None) -> StoredBatch:
    row = db.execute("SELECT * FROM batches WHERE id = ?", (batch_id,)).fetchone()
    if row is None or (tenant is not None and row["tenant"] != tenant):
        raise ApiError(404, f"there is no batch `{batch_id[:80]}`")
    return StoredBatch(**row)


def _move(db: sqlite3.Connection, batch: StoredBatch, status: BatchStatus) -> None:
    """Set the status and its time, which is never before an earlier one."""
    times = (
        batch.created_at,
        batch.in_progress_at,
        batch.finalizing_at,
        batch.cancelling_at,
    )
    now = max(int(time.time()), *(each for each in times if each is not None))
    db.execute(
        f"UPDATE batches SET status = ?, {status}_at = ? WHERE seq = ?", (status, now, batch.seq)
    )
