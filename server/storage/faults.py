"""What can go wrong with a disk, and how it is said."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sglc.server.errors import ApiError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class StorageError(RuntimeError):
    """The storage folder cannot be used; the message names the file and the way out."""


@contextmanager
def disk_faults() -> Iterator[None]:
    """Turn a failure of the disk into a refusal of the request.

    Raises:
        ApiError: 507: there is no room; 500: the disk or the database is damaged.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _no_room() from error
        raise ApiError(500, f"the server's disk fails: {error.strerror}") from error
    except sqlite3.OperationalError as error:
        name = error.sqlite_errorname
        if name == "SQLITE_FULL" or name.startswith("SQLITE_IOERR"):
            raise _no_room() from error
        raise
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
            message = "the server's database of files and batches is damaged"
            raise ApiError(500, message, code="storage_damaged") from error
        raise


def _no_room() -> ApiError:
    return ApiError(
        507,
        "the server's disk is full; nothing of this was stored",
        code="storage_full",
    )
