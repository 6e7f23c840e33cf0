"""Programs as tasks of asyncio: each is a greenlet, which gives the loop what it waits for."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from sglc.runs.waiting import WAITER, Direct, ThreadWaiter

if TYPE_CHECKING:
    from sglc.runs.waiting import Outlet
    from sglc.runtime.background import BackgroundHost
    from sglc.runtime.executor.open_run import Cell


async def until(cell: Cell) -> None:
    """Return once the cell is done; the loop goes on meanwhile."""
    if cell.done:
        return
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def arrive() -> None:
        if not future.done():
            future.set_result(None)

    def tell() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(arrive)

    cell.tell(tell)
    await future


class TaskProgram:
    """``await TaskProgram(func)`` is ``func()``, in which reads wait without blocking the loop.

    It is the ``Waiter`` of what is run in it.
    """

    is_alone = False

    def __init__(self, func: Callable[[], Any]) -> None:
        self._func = func
        self._program: greenlet | None = None

    def __await__(self) -> Generator[Any, Any, Any]:
        program = self._program = greenlet(self._func)
        context = contextvars.copy_context()
        context.run(WAITER.set, self)
        program.gr_context = context
        asked = program.switch()
        while not program.dead:
            try:
                value = yield asked
            except BaseException as error:  # such as that the task is cancelled
                program.parent = getcurrent()
                asked = program.throw(error)
            else:
                program.parent = getcurrent()
                asked = program.switch(value)
        return asked

    def wait(self, cell: Cell) -> None:
        """Return once the cell is done."""
        if cell.done:
            return
        if getcurrent() is self._program:
            self.pause(until(cell))
        else:  # another task, or a thread
            ThreadWaiter().wait(cell)

    def outlet(self, host: BackgroundHost) -> Outlet:
        """Return the way to a host."""
        return Direct(host)

    def pause(self, awaitable: Awaitable[Any]) -> Any:
        """Return what ``awaitable`` gives. Called inside of the program."""
        assert self._program is not None
        steps = awaitable.__await__()
        value: Any = None
        error: BaseException | None = None
        while True:
            try:
                if error is None:
                    asked = next(steps) if value is None else steps.send(value)
                else:
                    asked = steps.throw(error)
            except StopIteration as stop:
                return stop.value
            value = error = None
            parent = self._program.parent
            assert parent is not None
            try:
                value = parent.switch(asked)
            except BaseException as raised:
                error = raised
