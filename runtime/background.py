"""The background host: an executor and its backend in a thread of their own.

Everything that touches the executor happens in that thread: others leave calls in its inbox.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from sglc.runtime.executor.executor import Executor

CUT_S: Final = 200e-6
"""How long staged work waits for more of the same run before it is cut off and submitted."""

_EXIT_S: Final = 10.0
"""How long the exit of the process waits for the step that is under way, whatever happens."""


class Staged(Protocol):
    """Work that a host writes and has not given away yet."""

    since_s: float

    def cut(self) -> None:
        """Leave all of it in the inbox. Any thread may call this."""


class BackgroundHost:
    """Drives an executor until it is closed.

    ``make`` is called in the new thread with the event that wakes it, and returns the executor;
    what it raises is raised here. ``on_close`` is called in that thread when it ends.
    """

    def __init__(
        self,
        make: Callable[[threading.Event], Executor],
        *,
        name: str = "sglc engine",
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self._wake = threading.Event()
        self._lock = threading.RLock()  # of what comes into the inbox, and of closing it
        self._inbox: deque[Callable[[], None]] = deque()
        self._staged: deque[Staged] = deque()
        self._on_close = on_close
        self._is_closing = False
        self._fault: BaseException | None = None
        self._process = os.getpid()
        self._ended = threading.Event()
        ready = threading.Event()
        atexit.register(
            self._close_at_exit
        )  # a thread that computes must not be cut off by the exit
        self._thread = threading.Thread(
            target=self._run, args=([make], ready), name=name, daemon=True
        )
        self._thread.start()
        ready.wait()
        if self._fault is not None:
            self._thread.join()
            raise self._fault

    executor: Executor
    """Of the thread: others may only read what never changes."""

    @property
    def is_alive(self) -> bool:
        """Whether calls are still taken."""
        return self._thread.is_alive() and not self._is_closing

    @property
    def is_current(self) -> bool:
        """Whether this is the host's own thread."""
        return threading.current_thread() is self._thread

    def call(self, action: Callable[[], None]) -> None:
        """Run ``action`` in the host's thread, after all that was left there before.

        Raises:
            RuntimeError: the host is closed, or has died.
        """
        with self._lock:
            if self.is_alive:
                self._inbox.append(action)
                self._wake.set()
                return
        if self._fault is not None:
            raise RuntimeError(f"the engine has died: {self._fault!r}") from self._fault
        if os.getpid() != self._process:
            raise RuntimeError(
                f"the engine is of process {self._process}, from which this one was forked, and "
                "its thread stayed there: open one in each process, or serve one model for all"
            )
        raise RuntimeError("the engine is shut down")

    def stage(self, work: Staged) -> None:
        """Cut off ``work`` a little later, unless whoever writes it has done so before."""
        self._staged.append(work)
        self._wake.set()

    def close(self) -> None:
        """Cancel what runs and end the thread."""
        self.end_soon()
        self._wait()

    def _close_at_exit(self) -> None:
        """``close``, which a Ctrl-C that is held down does not end, but some seconds do."""
        is_main = threading.current_thread() is threading.main_thread()
        before = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
        self.end_soon()
        self._wait(_EXIT_S)
        if before is not None:
            signal.signal(signal.SIGINT, before)

    def _wait(self, limit_s: float | None = None) -> None:
        """Wait for the end of the thread, if it is another one, and of this process.

        For the event first: a ``join`` that Ctrl-C ends takes a thread for ended that is not.
        """
        if self.is_current or os.getpid() != self._process:
            return
        if self._ended.wait(limit_s):
            self._thread.join()

    def end_soon(self) -> None:
        """``close``, without waiting for the step that is under way."""
        with self._lock:
            self._is_closing = True
        self._wake.set()

    def _run(
        self, make: list[Callable[[threading.Event], Executor]], ready: threading.Event
    ) -> None:
        try:
            self._main(make, ready)
        finally:
            atexit.unregister(self._close_at_exit)
            self._ended.set()

    def _main(
        self, make: list[Callable[[threading.Event], Executor]], ready: threading.Event
    ) -> None:
        try:
            # taken out: what it holds, such as the backend around this host, is not held by it
            self.executor = make.pop()(self._wake)
        except BaseException as error:  # it is raised where the host is made
            self._fault = error
            return
        finally:
            ready.set()
        try:
            while not self._is_closing:
                self._turn()
        except BaseException as error:
            self._fault = error
            raise
        finally:
            with self._lock:
                self._is_closing = True  # from here on nothing comes into the inbox
            died = "" if self._fault is None else f"the engine has died: {self._fault!r}"
            while self._inbox:  # what was left in time is answered with the end of its run
                with suppress(Exception):
                    self._inbox.popleft()()
            self.executor.close(died)
            if self._on_close is not None:
                self._on_close()

    def _turn(self) -> None:
        self._cut()
        inbox = self._inbox
        while inbox:
            inbox.popleft()()
        executor = self.executor
        executor.step()  # it forgets who has woken this thread so far: look at all of it again
        patience_s = self._cut()
        if inbox or self._is_closing or not executor.is_idle:
            return
        limits = [each for each in (patience_s, executor.patience_s) if each is not None]
        self._wake.wait(max(min(limits), 0.0) if limits else None)

    def _cut(self) -> float | None:
        """Cut off what was staged long enough ago; return when the next one is to be."""
        staged = self._staged
        while staged:
            left_s = staged[0].since_s + CUT_S - time.monotonic()
            if left_s > 0:
                return left_s
            staged.popleft().cut()
        return None
