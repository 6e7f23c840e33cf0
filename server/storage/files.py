"""Files of tenants: a record in the database and a blob on disk, both or neither.

A blob is noted as loose before it is begun and before it is removed, so that a crash leaves
nothing behind that the next start does not clear away.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterable
from contextlib import suppress
from dataclasses import replace
from typing import BinaryIO

from sglc.server.errors import ApiError
from sglc.server.storage.blobs import BlobFolder, BlobWriter
from sglc.server.storage.database import Database
from sglc.server.storage.listing import Order, page
from sglc.server.storage.records import UNFINISHED, Listing, StoredFile, new_id
from sglc.server.storage.reserve import Reserve

log = logging.getLogger("sglc.server")

_COLUMNS = "id, tenant, filename, purpose, num_bytes, sha256, created_at"


class FileStore:
    """Files, each seen by its tenant alone."""

    def __init__(self, database: Database, blobs: BlobFolder, reserve: Reserve) -> None:
        self._database = database
        self._blobs = blobs
        self._reserve = reserve

    async def write(
        self, chunks: AsyncIterable[bytes], max_bytes: int | None = None
    ) -> UnrecordedFile:
        """Write a blob; it belongs to nobody yet: ``record`` or ``drop`` it.

        Raises:
            ApiError: 413: it is larger than ``max_bytes``; 507: there is no room.
        """
        name = new_id("file-")
        await self._database.run(lambda db: _note_loose(db, name))
        creating = asyncio.create_task(asyncio.to_thread(self._blobs.create, name))
        try:
            file = UnrecordedFile(name, await asyncio.shield(creating))
        except asyncio.CancelledError:  # the thread goes on: what it makes has to go as well
            await asyncio.shield(self._drop_created(name, creating))
            raise
        try:
            async for chunk in chunks:
                if max_bytes is not None and file.writer.num_bytes + len(chunk) > max_bytes:
                    raise ApiError(413, f"the file is larger than {max_bytes} bytes", param="file")
                await asyncio.to_thread(file.writer.write, chunk)
            await asyncio.to_thread(file.writer.commit)
        except BaseException:
            await asyncio.shield(self.drop(file))
            raise
        return file

    async def drop(self, file: UnrecordedFile) -> None:
        """Remove a blob that was not recorded."""
        await asyncio.to_thread(file.writer.abort)
        with suppress(ApiError):  # a disk without room: the next start forgets it
            await self._database.run(lambda db: _forget_loose(db, file.id))

    async def _drop_created(self, name: str, creating: asyncio.Task[BlobWriter]) -> None:
        with suppress(ApiError):  # there was no room, so there is nothing
            await self.drop(UnrecordedFile(name, await creating))

    async def record(
        self, file: UnrecordedFile, *, tenant: str, filename: str, purpose: str
    ) -> StoredFile:
        """Make a blob a file of a tenant, also if the caller is cancelled meanwhile.

        Raises:
            ApiError: 507: there is no room; the blob is dropped.
        """
        try:
            return await self._database.run(
                lambda db: insert_file(db, file, tenant, filename, purpose)
            )
        except ApiError:
            await self.drop(file)
            raise

    async def get(self, tenant: str, file_id: str) -> StoredFile:
        """Return a file of a tenant.

        Raises:
            ApiError: 404: it has no such file.
        """
        return await self._database.run(lambda db: find_file(db, tenant, file_id))

    async def list(
        self,
        tenant: str,
        *,
        limit: int,
        after: str | None = None,
        order: Order = "desc",
        purpose: str | None = None,
    ) -> Listing[StoredFile]:
        """Return a page of the files of a tenant.

        Raises:
            ApiError: 404: it has no file ``after``.
        """

        def work(db: sqlite3.Connection) -> Listing[StoredFile]:
            rows, has_more = page(
                db, "files", tenant, limit=limit, after=after, order=order, purpose=purpose
            )
            return Listing([StoredFile(**row) for row in rows], has_more)

        return await self._database.run(work)

    async def open(self, file: StoredFile) -> BinaryIO:
        """Open the content of a file; the caller closes it.

        Raises:
            ApiError: 500: the content is missing or has another size.
        """
        return await asyncio.to_thread(self._blobs.open, file.id, file.num_bytes)

    async def delete(self, tenant: str, file_id: str) -> None:
        """Remove a file and its content; from a full disk too.

        Raises:
            ApiError: 404: the tenant has no such file; 409: a batch reads it.
        """
        try:
            await self._database.run(lambda db: _delete(db, tenant, file_id))
        except ApiError as error:
            if error.status != 507:
                raise
            await asyncio.to_thread(self._reserve.release)
            await self._database.run(lambda db: _delete(db, tenant, file_id))
        await asyncio.to_thread(self._blobs.remove, file_id)
        with suppress(ApiError):  # the next start forgets it
            await self._database.run(lambda db: _forget_loose(db, file_id))
        await asyncio.to_thread(self._reserve.fill)

    def clear(self) -> None:
        """Remove what a crash has left; done once, before anything else, and blocks."""
        for name in self._database.run_now(_all_loose):
            self._blobs.remove(name)
        try:
            self._database.run_now(lambda db: db.execute("DELETE FROM loose_blobs"))
        except ApiError as error:
            log.error("%s; the server starts all the same", error.message)
        unknown = self._blobs.names() - self._database.run_now(_all_files)
        if unknown:
            log.warning("%d files in the storage folder are of no record: kept", len(unknown))


class UnrecordedFile:
    """A blob that is whole but belongs to nobody."""

    def __init__(self, file_id: str, writer: BlobWriter) -> None:
        self.id = file_id
        self.writer = writer


def insert_file(
    db: sqlite3.Connection, file: UnrecordedFile, tenant: str, filename: str, purpose: str
) -> StoredFile:
    """Record a blob within a transaction."""
    stored = StoredFile(
        seq=0,
        id=file.id,
        tenant=tenant,
        filename=filename,
        purpose=purpose,
        num_bytes=file.writer.num_bytes,
        sha256=file.writer.sha256,
        created_at=int(time.time()),
    )
    _forget_loose(db, file.id)
    cursor = db.execute(
        f"INSERT INTO files ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            stored.id,
            stored.tenant,
            stored.filename,
            stored.purpose,
            stored.num_bytes,
            stored.sha256,
            stored.created_at,
        ),
    )
    assert cursor.lastrowid is not None
    return replace(stored, seq=cursor.lastrowid)


def find_file(db: sqlite3.Connection, tenant: str, file_id: str) -> StoredFile:
    """Return a file of a tenant, within a transaction.

    Raises:
        ApiError: 404: it has no such file.
    """
    row = db.execute(
        "SELECT * FROM files WHERE id = ? AND tenant = ?", (file_id, tenant)
    ).fetchone()
    if row is None:
        raise ApiError(404, f"there is no file `{file_id[:80]}`")
    return StoredFile(**row)


def _delete(db: sqlite3.Connection, tenant: str, file_id: str) -> None:
    find_file(db, tenant, file_id)
    marks = ", ".join("?" * len(UNFINISHED))
    user = db.execute(
        f"SELECT id FROM batches WHERE input_file_id = ? AND status IN ({marks})",
        (file_id, *UNFINISHED),
    ).fetchone()
    if user is not None:
        raise ApiError(409, f"batch `{user[0]}` reads this file; cancel it, or wait for its end")
    _note_loose(db, file_id)
    db.execute("DELETE FROM files WHERE id = ?", (file_id,))


def _note_loose(db: sqlite3.Connection, name: str) -> None:
    db.execute("INSERT INTO loose_blobs VALUES (?)", (name,))


def _forget_loose(db: sqlite3.Connection, name: str) -> None:
    db.execute("DELETE FROM loose_blobs WHERE blob = ?", (name,))


def _all_loose(db: sqlite3.Connection) -> list[str]:
    return [row[0] for row in db.execute("SELECT blob FROM loose_blobs")]


def _all_files(db: sqlite3.Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT id FROM files")}
