"""The storage folder as a whole."""

from __future__ import annotations

from pathlib import Path

from sglc.server.storage.batches import BatchStore
from sglc.server.storage.blobs import BlobFolder
from sglc.server.storage.database import Database
from sglc.server.storage.faults import StorageError
from sglc.server.storage.files import FileStore
from sglc.server.storage.lock import FolderLock
from sglc.server.storage.reserve import Reserve


class Storage:
    """Files and batches under one folder, held by this process until ``close``."""

    def __init__(self, folder: Path) -> None:
        """Open or create the folder, and clear away what a crash has left.

        Raises:
            StorageError: it cannot be used: not writable, used by another server, damaged.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
        except OSError as error:
            raise _unusable(folder, error) from error
        try:
            blobs = BlobFolder(folder)
            self._database = Database(folder / "state.sqlite")
        except OSError as error:
            self._lock.release()
            raise _unusable(folder, error) from error
        except BaseException:
            self._lock.release()
            raise
        self.files = FileStore(self._database, blobs, Reserve(folder / "reserve"))
        self.batches = BatchStore(self._database)
        self.files.clear()

    def close(self) -> None:
        """Give the folder back."""
        self._database.close()
        self._lock.release()


def _unusable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        f"the storage folder {folder} cannot be used: {error.strerror}; "
        "name one that can be written with --file-storage-pth"
    )
