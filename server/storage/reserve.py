"""Room that is kept free on the disk, so that something can be deleted when it is full."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_NUM_BYTES = 1 << 20


class Reserve:
    """A file without a content, that takes its room. A disk without room for it goes without."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.fill()

    def fill(self) -> None:
        """Take the room, unless it is taken."""
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, _NUM_BYTES)
            finally:
                os.close(descriptor)

    def release(self) -> None:
        """Give the room back."""
        with suppress(FileNotFoundError):
            os.unlink(self._path)
