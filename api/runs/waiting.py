"""How a read waits for its value, and how a program hands over what it has staged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from sglc.runtime.background import BackgroundHost, Staged
    from sglc.runtime.executor.open_run import Cell


class Waiter(Protocol):
    """Lets whoever runs a program wait for a cell.

    ``is_alone``: the program has its thread for itself.
    """

    is_alone: bool

    def wait(self, cell: Cell) -> None:
        """Return once the cell is done."""

    def outlet(self, host: BackgroundHost) -> Outlet:
        """Return the way to a host."""


class Outlet(Protocol):
    """The way from programs to the thread of an engine. Any thread may call it."""

    def call(self, action: Callable[[], None], lost: Callable[[RuntimeError], None]) -> None:
        """Run ``action`` in the thread of the engine; ``lost`` is told if it is gone."""

    def stage(self, work: Staged) -> None:
        """Cut off ``work`` a little later, unless whoever writes it has done so before."""


class Direct:
    """Hands everything over at once."""

    def __init__(self, host: BackgroundHost) -> None:
        self._host = host
        self.stage = host.stage

    def call(self, action: Callable[[], None], lost: Callable[[RuntimeError], None]) -> None:
        """Leave ``action`` in the inbox of the engine."""
        try:
            self._host.call(action)
        except RuntimeError as error:
            lost(error)


class ThreadWaiter:
    """Blocks the thread."""

    is_alone = True

    def wait(self, cell: Cell) -> None:
        """Return once the cell is done."""
        if cell.done:
            return
        done = threading.Event()
        cell.tell(done.set)
        done.wait()

    def outlet(self, host: BackgroundHost) -> Outlet:
        """Return the way to a host."""
        return Direct(host)


WAITER: Final[ContextVar[Waiter | None]] = ContextVar("sglc waiter", default=None)
"""How programs wait that are run from here; None: they block the thread."""


def current_waiter() -> Waiter:
    """Return how a program that is run here waits: as the one around it does, if there is one."""
    return WAITER.get() or ThreadWaiter()
