"""One server per storage folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sglc.server.storage.faults import StorageError


class FolderLock:
    """Holds a folder for this process until ``release``, or until the process ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            StorageError: another process holds it.
        """
        self._descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode(errors="replace").strip()
            os.close(self._descriptor)
            raise StorageError(
                f"the storage folder {folder} is used by another server (process {holder}); "
                "stop it, or give this one a folder of its own with --file-storage-pth"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let others have the folder."""
        os.close(self._descriptor)
