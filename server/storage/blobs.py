"""Files on disk by name: whole and synced, or not there."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from sglc.server.errors import ApiError
from sglc.server.storage.faults import disk_faults


class BlobFolder:
    """Two folders: what is written, and what is whole. Names are ours, never a client's.

    Everything here blocks.
    """

    def __init__(self, folder: Path) -> None:
        self._whole = folder / "files"
        self._partial = folder / "partial"
        for each in (self._whole, self._partial):
            each.mkdir(mode=0o700, exist_ok=True)

    def create(self, name: str) -> BlobWriter:
        """Begin a blob.

        Raises:
            ApiError: 507: there is no room.
        """
        return BlobWriter(self._partial / name, self._whole / name)

    def open(self, name: str, num_bytes: int) -> BinaryIO:
        """Open a whole blob; what is removed meanwhile can still be read to its end.

        Raises:
            ApiError: 500: it is missing, or not of that size.
        """
        try:
            file = (self._whole / name).open("rb")
        except OSError as error:
            raise damaged(name, error.strerror or "it cannot be opened") from error
        found = os.fstat(file.fileno()).st_size
        if found != num_bytes:
            file.close()
            raise damaged(name, f"it has {found} bytes instead of {num_bytes}")
        return file

    def remove(self, name: str) -> None:
        """Remove a blob, whole or not; one that is not there is no error."""
        for folder in (self._partial, self._whole):
            with suppress(FileNotFoundError):
                os.unlink(folder / name)

    def names(self) -> set[str]:
        """Return the names of all whole blobs."""
        return {entry.name for entry in os.scandir(self._whole)}


class BlobWriter:
    """A blob that grows; it is there after ``commit``, and leaves nothing after ``abort``."""

    def __init__(self, path: Path, target: Path) -> None:
        self._path = path
        self._target = target
        self._hash = hashlib.sha256()
        self._lock = threading.Lock()  # a write that nobody awaits any more, and `abort`
        self.num_bytes = 0
        with disk_faults():
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    @property
    def sha256(self) -> str:
        """The hash of what was written."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            ApiError: 507: there is no room.
        """
        with self._lock, disk_faults():
            assert self._descriptor >= 0, "written after its end"
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            self._hash.update(data)
            self.num_bytes += len(data)

    def commit(self) -> None:
        """Make it survive a crash, then let it appear under its name.

        Raises:
            ApiError: 507: there is no room.
        """
        with self._lock, disk_faults():
            os.fsync(self._descriptor)
            self._close()
            os.rename(self._path, self._target)
            _sync_folder(self._target.parent)

    def abort(self) -> None:
        """Remove what was written, committed or not."""
        with self._lock:
            self._close()
            for path in (self._path, self._target):
                with suppress(FileNotFoundError):
                    os.unlink(path)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def damaged(name: str, reason: str) -> ApiError:
    """Return the error of a blob that is not what was stored."""
    message = f"the stored content of {name} is damaged: {reason}"
    return ApiError(500, message, code="storage_damaged")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
