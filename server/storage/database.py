"""SQLite, used by one thread: what it has committed survives a crash of the machine."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from sglc.server.errors import ApiError
from sglc.server.storage.faults import StorageError, disk_faults
from sglc.server.storage.schema import APPLICATION_ID, STEPS

T = TypeVar("T")


class Database:
    """A database file. Only one process may have it open; the caller holds the folder's lock."""

    def __init__(self, path: Path) -> None:
        """Open or create the file, and bring it to the newest schema.

        Raises:
            StorageError: it is damaged, of another program, or of a newer version.
        """
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        try:
            self._connection = self._thread.submit(self._open).result()
        except BaseException:
            self._thread.shutdown()
            raise

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction of its own: all of it is stored when this returns.

        A caller that is cancelled does not stop it.

        Raises:
            ApiError: 507: there is no room; 400: a text has half of a surrogate pair. Nothing was
                stored.
        """
        running = asyncio.wrap_future(self._thread.submit(self._transact, work))
        return await asyncio.shield(running)

    def run_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """The same where there is no event loop yet."""
        return self._thread.submit(self._transact, work).result()

    def close(self) -> None:
        """Finish what was begun, then close the file."""
        self._thread.submit(self._connection.close).result()
        self._thread.shutdown()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        connection = self._connection
        with disk_faults():
            connection.execute("BEGIN")
            try:
                result = work(connection)
                connection.execute("COMMIT")
            except BaseException as error:
                with suppress(sqlite3.OperationalError):  # a full disk has rolled back already
                    connection.execute("ROLLBACK")
                if isinstance(error, UnicodeEncodeError):
                    raise _half_a_character() from None
                raise
        return result

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            connection.row_factory = sqlite3.Row
            # no memory shared between processes, which a full disk could take away under our feet
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._check(connection)
            self._migrate(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            if isinstance(error, sqlite3.OperationalError):
                raise StorageError(f"{self._path} cannot be opened: {error}") from error
            raise self._damaged(str(error)) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise self._damaged(found.splitlines()[-1])
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        (num_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if num_tables and owner != APPLICATION_ID:
            raise StorageError(
                f"{self._path} is a database of another program; give the server another folder"
            )

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(STEPS):
            raise StorageError(
                f"{self._path} has schema {version}, written by a newer version than this one, "
                f"which knows {len(STEPS)}; use that version, or give this server another folder"
            )
        for number, step in enumerate(STEPS[version:], version + 1):
            connection.execute("BEGIN")
            for statement in step:
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")

    def _damaged(self, reason: str) -> StorageError:
        return StorageError(
            f"the database {self._path} is damaged ({reason}); put a backup in its place, or move "
            f"it and {self._path.name}-wal away to begin without files and batches"
        )


def _half_a_character() -> ApiError:
    return ApiError(400, "a text of the request has half of a surrogate pair: that is no character")
