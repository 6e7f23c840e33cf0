"""The collector of cycles of garbage, while many rows run."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NEW_OBJECTS: Final = 50_000
_lock: Final = threading.Lock()
_depth = 0
_before = (0, 0, 0)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the collector look for garbage after 50,000 new objects instead of 700.

    That is every hundred rows or so. What rows make lives until their batch is done, and a full
    collection goes through all that the process has, a tenth of a second where torch is loaded. A
    threshold of the program that is larger, or none, stays; so does one that it sets meanwhile.
    """
    global _depth, _before
    with _lock:
        if not _depth:
            _before = gc.get_threshold()
            if 0 < _before[0] < _NEW_OBJECTS:
                gc.set_threshold(_NEW_OBJECTS, *_before[1:])
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if not _depth and gc.get_threshold() == (_NEW_OBJECTS, *_before[1:]):
                gc.set_threshold(*_before)
