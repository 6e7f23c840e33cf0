"""An event loop in a thread of its own, for code that has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Final, TypeVar

T = TypeVar("T")

CLOSED: Final = "the backend is closed, and asks its server nothing any more"


class LoopThread:
    """Begins with the first coroutine; its thread keeps no process alive. Used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._open: set[Future[Any]] = set()
        self._is_closed = False

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine; cancelling what is returned cancels it, or keeps it from beginning.

        Raises:
            RuntimeError: ``close`` was called.
        """
        with self._lock:
            if self._is_closed:
                work.close()
                raise RuntimeError(CLOSED)
            begun = asyncio.run_coroutine_threadsafe(_after_a_turn(work), self._running())
            self._open.add(begun)
        begun.add_done_callback(self._open.discard)
        return begun

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what a coroutine comes to.

        Raises:
            RuntimeError: ``close`` was called, before or meanwhile.
        """
        return result_of(self.start(work))

    def close(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Cancel what runs, run ``last`` once that has ended, and end the thread.

        Without a thread there is nothing to do, as when it is called again.
        """
        with self._lock:
            self._is_closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        for begun in list(self._open):
            begun.cancel()
        asyncio.run_coroutine_threadsafe(_end(last), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(
                target=self._loop.run_forever, name="sglc-remote", daemon=True
            )
            self._thread.start()
        return self._loop


def result_of(work: Future[T]) -> T:
    """Wait for what a coroutine comes to.

    Raises:
        RuntimeError: it was cancelled, as it is when its loop is closed.
    """
    try:
        return work.result()
    except CancelledError:
        raise RuntimeError(CLOSED) from None


async def _after_a_turn(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine unless it is cancelled already, which a task learns after its first step."""
    try:
        await asyncio.sleep(0)
        return await work
    finally:
        work.close()  # has not begun, if it was cancelled


async def _end(last: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Wait for every other task, and for those that they begin; do what is to be done last."""
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(tasks)
    await last()
    await asyncio.get_running_loop().shutdown_asyncgens()
