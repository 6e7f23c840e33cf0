"""The keys of a running server: those of its command line and of its file, which may change."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from sglc.server.operations.config import OperationsConfig
from sglc.server.operations.key_file import KeyFile, KeyFileError
from sglc.server.operations.keys import KeyRing
from sglc.server.operations.tenant import Tenant

log = logging.getLogger("sglc.server")

_LOOK_EVERY_S = 1.0


class KeyStore:
    """Says whose key it is. A file that changed is read anew within a second, or on ``reload``.

    One that cannot be read any more is complained about, and what it said before counts: a slip of
    an editor must not lock everybody out, nor let anybody in.
    """

    def __init__(
        self, config: OperationsConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Read the keys.

        Raises:
            KeyFileError: the file cannot be used.
        """
        key = config.api_key
        self._own = None if key is None else KeyRing.of_one(key.reveal())
        self._path = config.api_keys
        self._clock = clock
        self._look_at = clock() + _LOOK_EVERY_S
        self._stamp = _stamp(self._path)
        self._filed = None if self._path is None else KeyFile.read(self._path).ring()

    def find(self, key: bytes) -> Tenant | None:
        """Return whose key it is, None if nobody's. All keys are compared."""
        self._look()
        found: Tenant | None = None
        for ring in (self._own, self._filed):
            if ring is not None:
                found = ring.find(key) or found
        return found

    def named(self, name: str) -> Tenant | None:
        """Return the tenant of that name, None if it has no key."""
        self._look()
        for ring in (self._own, self._filed):
            for _, tenant in () if ring is None else ring.entries:
                if tenant.name == name:
                    return tenant
        return None

    def reload(self) -> None:
        """Read the file again."""
        if self._path is None:
            return
        self._stamp = _stamp(self._path)
        try:
            self._filed = KeyFile.read(self._path).ring()
        except KeyFileError as error:
            log.error("%s; the keys read before are still in use", error)
        else:
            log.info("%d keys read from %s", len(self._filed.entries), self._path)

    def _look(self) -> None:
        now = self._clock()
        if self._path is None or now < self._look_at:
            return
        self._look_at = now + _LOOK_EVERY_S
        if _stamp(self._path) != self._stamp:
            self.reload()


def _stamp(path: Path | None) -> tuple[int, ...]:
    """Return what changes when the file does."""
    if path is None:
        return ()
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size)
