"""What other threads do: waiting for it, but not for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Return once it is so; fail if that takes too long."""
    end_s = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end_s, "it never came to that"
        time.sleep(1e-3)


def batch_threads() -> list[str]:
    """The names of the threads that batches have beside those that call them."""
    return [each.name for each in threading.enumerate() if each.name.startswith("sglc batch")]
