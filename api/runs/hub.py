"""A hub: programs as greenlets of one thread. One that waits lets the others go on."""

from __future__ import annotations

import contextvars
import sys
import threading
import time
from asyncio import events
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from greenlet import GreenletExit, getcurrent, greenlet

from sglc.program.places import program_frame
from sglc.runs.gathered import Gathered
from sglc.runs.waiting import WAITER, ThreadWaiter, current_waiter
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.runs.waiting import Outlet
    from sglc.runtime.background import BackgroundHost

SLOW_S: Final = 0.02
"""Python that keeps its thread for longer holds up the others: it is waiting for something."""


class Hub:
    """The ``Waiter`` of the programs that ``begin`` starts, in the thread that it was made in.

    ``turn`` lets all go on that can; ``idle`` waits until one can, as a program waits that is run
    from here. ``busy_since_s`` is when the program that goes on now was given the thread, by
    ``time.monotonic``, None between programs. ``limit`` is how many programs may wait at once. If
    it ``grows``, then by one with each that goes on and keeps the thread for a short time only: a
    program that waits cannot be moved to another thread.
    """

    def __init__(self, host: BackgroundHost, limit: int) -> None:
        self.limit = limit
        self.grows = True
        self.busy_since_s: float | None = None
        self.thread: Final = threading.get_ident()
        self.native_thread: Final = threading.get_native_id()
        self._host = host
        self._outlet = Gathered(host)
        self._outer = current_waiter()
        self._context = contextvars.copy_context()
        self._context.run(WAITER.set, self)
        self._ready: deque[greenlet] = deque()
        self._alive: set[greenlet] = set()
        self._signal: Cell | None = None
        self._is_notified = False
        self._is_closing = False

    # Of the programs

    is_alone = False

    def wait(self, cell: Cell) -> None:
        """Return once the cell is done; other programs go on meanwhile."""
        if cell.done:
            return
        me = getcurrent()
        if self._is_closing or me not in self._alive:  # a thread of its own, or a greenlet
            self.flush()
            ThreadWaiter().wait(cell)
            return
        cell.tell(lambda: self._wake(me))
        assert me.parent is not None
        with _EventLoop():
            me.parent.switch()

    def outlet(self, host: BackgroundHost) -> Outlet:
        """Return the way to a host: to that of the hub, what a turn leaves goes together."""
        return self._outlet if host is self._host else ThreadWaiter().outlet(host)

    # Of whoever runs them

    @property
    def num_waiting(self) -> int:
        """Programs that have begun and not ended."""
        return len(self._alive)

    @property
    def is_ready(self) -> bool:
        """Whether a program can go on."""
        return bool(self._ready)

    def begin(self, program: Callable[[], None]) -> None:
        """Run a program until it waits or ends. What it raises is raised here."""
        new = greenlet(program)
        new.gr_context = self._context.copy()
        self._alive.add(new)
        self._switch(new)

    def turn(self) -> None:
        """Let programs go on that can, then hand over what they have left.

        Raises:
            BaseException: what one of them raises.
        """
        for _ in range(len(self._ready)):
            begin_s = time.monotonic()
            self._switch(self._ready.popleft())
            if self.grows and time.monotonic() - begin_s < SLOW_S:
                self.limit += 1
        self.flush()

    def flush(self) -> None:
        """Hand over what programs have left for the engine."""
        self._outlet.flush()

    def idle(self) -> None:
        """Wait until a program can go on, or for ``notify``."""
        signal = self._signal = Cell()
        if not self._is_notified:  # else what has come may not have been seen
            self._outer.wait(signal)
        self._signal = None
        self._is_notified = False

    def notify(self) -> None:
        """End an ``idle``. Any thread may call this."""
        self._is_notified = True
        signal = self._signal
        if signal is not None:
            signal.settle(None)

    def places(self) -> list[str]:
        """Return the lines in which programs wait."""
        frames = (program_frame(each.gr_frame) for each in self._alive)
        return [f"{f.f_code.co_filename}:{f.f_lineno}" for f in frames if f is not None]

    def close(self) -> None:
        """End every program where it waits; what is still read blocks the thread."""
        self._is_closing = True
        self.flush()
        for each in [*self._alive]:
            if not each.dead:
                each.parent = getcurrent()
                each.throw(GreenletExit)
        self._alive.clear()
        self._ready.clear()
        self.flush()

    def _switch(self, program: greenlet) -> None:
        if program.dead:
            return
        program.parent = getcurrent()
        self.busy_since_s = time.monotonic()
        try:
            with _EventLoop():
                program.switch()
        finally:
            self.busy_since_s = None
            if program.dead:
                self._alive.discard(program)

    def _wake(self, program: greenlet) -> None:
        self._ready.append(program)
        self.notify()


class _EventLoop:
    """Around a switch: who comes back finds the event loop running that it has left, if any.

    Programs may each run one, though they share a thread.
    """

    __slots__ = ("_hooks", "_loop")

    def __enter__(self) -> None:
        self._loop = events._get_running_loop()
        self._hooks = sys.get_asyncgen_hooks()

    def __exit__(self, *_: object) -> None:
        if events._get_running_loop() is not self._loop:
            events._set_running_loop(self._loop)
            sys.set_asyncgen_hooks(*self._hooks)
