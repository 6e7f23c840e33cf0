"""Ctrl-C while many programs run in one thread."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interrupts:
    """Remembers that Ctrl-C was pressed, from now on until ``close``.

    The exception is raised as ever. But Python drops it where it comes in between the work of the
    garbage collector, in a finalizer or a callback; then ``check`` raises it.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._is_ours = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._is_ours:
            signal.signal(signal.SIGINT, self._handle)

    def check(self) -> None:
        """Do nothing, unless Ctrl-C was pressed.

        Raises:
            KeyboardInterrupt: it was.
        """
        if self._is_set:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Leave Ctrl-C as it was."""
        if self._is_ours and signal.getsignal(signal.SIGINT) == self._handle:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._is_set = True
        signal.default_int_handler(number, frame)
