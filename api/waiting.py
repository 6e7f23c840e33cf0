"""How a read waits for its value."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sglc.runtime.executor.open_run import Cell


class Waiter(Protocol):
    """Lets whoever runs a program wait for a cell."""

    def wait(self, cell: Cell) -> None:
        """Return once the cell is done."""


class ThreadWaiter:
    """Blocks the thread."""

    def wait(self, cell: Cell) -> None:
        """Return once the cell is done."""
        if cell.done:
            return
        done = threading.Event()
        cell.tell(done.set)
        done.wait()
